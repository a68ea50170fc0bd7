"""Imports over HTTP: upload, preview, mapping, run, errors, cancel, rollback; all or nothing."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from adapters.contacts.spool import Spool
from adapters.postgres import connect_sync
from api.import_worker import Work
from api.main import create_app
from api.wiring import Ports
from tests import xlsx_kit
from tests.api_kit import api_of, client_of, ports_of
from tests.vault_kit import change, rows

pytestmark = pytest.mark.stack
DEADLINE_S = 20.0
CSV = {"content-type": "text/csv"}
GOOD = b"Email,First name,Tags,Status\nann@x.org,Ann,vip;new,Active\nbob@x.org,Bob,,Unsubscribed\n"


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with api_of(dsn) as found:
        yield found


async def upload(
    client: httpx2.AsyncClient, content: bytes, status: int = 201, **told: str
) -> dict[str, Any]:
    query = told or {"list_name": "Friends"}
    answer = await client.post("/v1/imports", params=query, content=content, headers=CSV)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def settled(client: httpx2.AsyncClient, import_id: str) -> dict[str, Any]:
    """The import once nobody is at it."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        found: dict[str, Any] = (await client.get(f"/v1/imports/{import_id}")).json()
        if found["state"] not in {"queued", "running", "rolling_back"}:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {found}")


async def imported(client: httpx2.AsyncClient, content: bytes, **told: str) -> dict[str, Any]:
    import_id = (await upload(client, content, 201, **told))["import_id"]
    started = await client.post(f"/v1/imports/{import_id}/start")
    assert started.status_code == 202, started.text
    return await settled(client, import_id)


async def test_a_file_comes_in_as_a_whole_with_tags_and_with_statuses_of_other_tools(
    client: httpx2.AsyncClient, dsn: str
) -> None:
    done = await imported(client, GOOD)

    assert (done["state"], done["imported"], done["suppressed"]) == ("done", 2, 1)
    leads = (await client.get("/v1/leads", params={"sort": "address"})).json()["data"]
    assert [lead["address"] for lead in leads] == ["ann@x.org", "bob@x.org"]
    assert [lead["suppressed"] for lead in leads] == [False, True]
    assert leads[0]["tags"] == ["new", "vip"]
    assert leads[0]["fields"] == {"first_name": "Ann"}
    assert (await client.get(f"/v1/lists/{done['list_id']}")).json()["members"] == 2
    log = [
        text for (text,) in rows(dsn, "SELECT convert_from(state, 'UTF8') FROM es.decision_events")
    ]
    assert [text for text in log if ":unsubscribed" in text]
    assert [text for text in log if '"imported":2' in text.replace(" ", "")]
    assert not [text for text in log if "x.org" in text]


async def test_the_same_file_under_the_same_key_changes_nothing(
    client: httpx2.AsyncClient, dsn: str
) -> None:
    send = partial(
        client.post,
        "/v1/imports",
        params={"list_name": "L"},
        headers=CSV | {"idempotency-key": "k"},
    )
    first = await send(content=GOOD)
    path = f"/v1/imports/{first.json()['import_id']}"
    await client.post(f"{path}/start")
    await settled(client, first.json()["import_id"])
    before = rows(dsn, "SELECT count(*) FROM es.decision_events")

    again = await send(content=GOOD)
    other = await send(content=GOOD + b"cy@x.org,,,\n")

    assert again.json()["import_id"] == first.json()["import_id"]
    assert other.status_code in {409, 422}
    assert rows(dsn, "SELECT count(*) FROM vault.import") == [(1,)]
    assert rows(dsn, "SELECT count(*) FROM es.decision_events") == before


async def test_a_preview_shows_columns_rows_and_what_would_be_rejected(
    client: httpx2.AsyncClient,
) -> None:
    content = "Kontakt;Stadt\nann@x.org;Köln\nnobody;Bonn\n".encode("cp1252")
    path = f"/v1/imports/{(await upload(client, content))['import_id']}"

    guessed = (await client.get(f"{path}/preview")).json()
    refused = await client.post(f"{path}/start")
    columns = [{"to": "address"}, {"to": "field", "name": "City"}]
    mapped = (await client.put(f"{path}/mapping", json={"columns": columns})).json()
    await client.post(f"{path}/start")
    done = await settled(client, path.rpartition("/")[2])

    assert (guessed["delimiter"], guessed["ready"]) == (";", False)
    assert "map exactly one to address" in guessed["problem"]
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert mapped["ready"]
    assert mapped["rows"][0] == {"line": 2, "values": ["ann@x.org", "Köln"]}
    assert [bad["line"] for bad in mapped["rejects"]] == [3]
    assert (done["imported"], done["rejected"]) == (1, 1)
    assert (await client.get("/v1/leads")).json()["data"][0]["fields"] == {"city": "Köln"}
    late = await client.put(f"{path}/mapping", json={"columns": columns})
    assert late.json()["code"] == "wrong_state"


async def test_errors_are_a_csv_whose_cells_begin_no_formula(client: httpx2.AsyncClient) -> None:
    done = await imported(client, b'email,x\nann@x.org,1\n=cmd|calc,2\n"@sum(1)",3\n+1,4\n-1,5\n')

    answer = await client.get(f"/v1/imports/{done['import_id']}/errors")

    found = list(csv.reader(io.StringIO(answer.text)))
    assert found[0] == ["line", "reason", "row"]
    assert len(found) == 5
    assert not [cell for row in found for cell in row if cell[:1] in "=+-@\t\r" and cell]
    assert all(line.startswith('"') for line in answer.text.split("\r\n") if line)


@pytest.mark.parametrize(
    ("content", "cure"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "header"),
        (b"   \n", "header"),
        (b"\x00\x01\x02\x03" * 9, "save it as CSV"),
        (b"PK\x03\x04 not really", "save the sheet as CSV"),
        (b",".join([b"c"] * 300) + b"\n", "at most 200"),
    ],
)
async def test_what_is_no_table_is_a_problem_that_names_field_and_cure(
    client: httpx2.AsyncClient, dsn: str, content: bytes, cure: str
) -> None:
    found = await upload(client, content, 422)

    assert found["detail"].startswith("file: ")
    assert cure in found["detail"]
    assert rows(dsn, "SELECT count(*) FROM vault.import") == [(0,)]
    assert rows(dsn, "SELECT count(*) FROM vault.lead_list") == [(0,)]


async def test_an_import_without_a_good_row_fails_with_the_reason_and_can_be_mapped_anew(
    client: httpx2.AsyncClient,
) -> None:
    found = await upload(client, b"email,other\nnobody,ann@x.org\n")
    path = f"/v1/imports/{found['import_id']}"

    await client.post(f"{path}/start")
    failed = await settled(client, found["import_id"])
    columns = [{"to": "ignore"}, {"to": "address"}]
    await client.put(f"{path}/mapping", json={"columns": columns})
    await client.post(f"{path}/start")

    assert failed["state"] == "failed"
    assert "no usable row" in failed["reason"]
    assert (await settled(client, found["import_id"]))["imported"] == 1


async def test_a_form_with_a_file_is_taken_as_well(client: httpx2.AsyncClient) -> None:
    form = {"file": ("my leads.csv", GOOD, "text/csv")}

    made = await client.post("/v1/imports", params={"list_name": "L"}, files=form)
    without = await client.post(
        "/v1/imports", params={"list_name": "L"}, files={"other": ("a", b"b", "text/csv")}
    )

    assert made.status_code == 201, made.text
    assert (made.json()["file_name"], made.json()["bytes"]) == ("my leads.csv", len(GOOD))
    assert (without.status_code, without.json()["detail"][:5]) == (422, "file:")


async def test_a_workbook_is_imported_with_dates_and_numbers_as_people_write_them(
    client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    sheet = xlsx_kit.sheet_of([["Email", "Size", "Rate", "Ok"], ["ann@x.org", 42, 0.5, True]])
    book = xlsx_kit.write(tmp_path / "a.xlsx", sheet).read_bytes()

    done = await imported(client, book, list_name="L", sheet="Leads")
    other = await upload(client, book, 422, list_name="L", sheet="Nope")

    assert (done["state"], done["format"], done["imported"]) == ("done", "xlsx", 1)
    lead = (await client.get("/v1/leads")).json()["data"][0]
    assert lead["fields"] == {"size": "42", "rate": "0.5", "ok": "true"}
    assert other["detail"] == "sheet: there is none of this name; use one of Leads"


async def test_a_rollback_takes_back_what_only_that_import_brought(
    client: httpx2.AsyncClient, dsn: str
) -> None:
    await client.post("/v1/leads", json={"address": "own@x.org"})
    first = await imported(client, b"email\nown@x.org\nann@x.org\nbob@x.org\n")
    second = await imported(client, b"email\nbob@x.org\ncy@x.org\n", list_id=first["list_id"])
    assert (second["imported"], second["duplicates"]) == (1, 1)

    answer = await client.post(f"/v1/imports/{first['import_id']}/rollback")
    gone = await settled(client, first["import_id"])
    again = await client.post(f"/v1/imports/{first['import_id']}/rollback")

    assert (answer.status_code, again.status_code) == (202, 202)
    assert (gone["state"], gone["removed_members"], gone["removed_contacts"]) == (
        "rolled_back",
        2,
        1,
    )
    query = {"sort": "address", "list_id": first["list_id"]}
    members = (await client.get("/v1/leads", params=query)).json()["data"]
    assert [lead["address"] for lead in members] == ["bob@x.org", "cy@x.org"]
    every = (await client.get("/v1/leads", params={"sort": "address"})).json()["data"]
    assert [lead["address"] for lead in every] == ["bob@x.org", "cy@x.org", "own@x.org"]
    log = [text for (text,) in rows(dsn, "SELECT topic FROM es.decision_events")]
    assert sum("ImportRolledBack" in text for text in log) == 1


async def test_an_import_that_was_not_started_can_be_cancelled_and_one_that_is_done_cannot(
    client: httpx2.AsyncClient,
) -> None:
    waiting = (await upload(client, GOOD))["import_id"]
    done = (await imported(client, GOOD))["import_id"]

    first = await client.post(f"/v1/imports/{waiting}/cancel")
    late = await client.post(f"/v1/imports/{waiting}/start")
    second = await client.post(f"/v1/imports/{done}/cancel")

    assert first.json()["state"] == "cancelled"
    assert late.json()["code"] == "wrong_state"
    assert second.json()["code"] == "wrong_state"
    assert "roll it back" in second.json()["detail"]


def work_of(ports: Ports, dsn: str, spool: Spool) -> Work:
    return Work(ports.desks, partial(connect_sync, dsn, "pm_api"), spool)


async def test_a_job_that_a_dead_process_left_is_run_by_the_next_one_from_the_beginning(
    dsn: str,
) -> None:
    async with ports_of(dsn) as ports, client_of(create_app(ports), tenant="ten_a") as client:
        found = await upload(client, GOOD)
        change(
            dsn,
            "UPDATE vault.import SET state = 'running',"
            ' mapping = \'[{"to":"address"},{"to":"ignore"},{"to":"tags"},{"to":"status"}]\'',
            "INSERT INTO pipeline.import_job (import_id, tenant_id, deed, phase)"
            " SELECT import_id, tenant_id, 'run', 'merging' FROM vault.import",
        )

        worked = await asyncio.to_thread(work_of(ports, dsn, ports.imports.spool).run_all)

        done = await settled(client, found["import_id"])
        assert worked in {0, 1}  # the worker of the API may be quicker
        assert (done["state"], done["imported"]) == ("done", 2)
        assert not ports.imports.spool.path(found["import_id"]).exists()
        assert rows(dsn, "SELECT count(*) FROM vault.import_suppression") == [(0,)]


async def test_a_running_import_that_is_called_off_leaves_nothing(dsn: str) -> None:
    async with ports_of(dsn) as ports, client_of(create_app(ports), tenant="ten_a") as client:
        found = await upload(client, GOOD)
        change(
            dsn,
            "UPDATE vault.import SET state = 'running',"
            ' mapping = \'[{"to":"address"},{"to":"ignore"},{"to":"tags"},{"to":"status"}]\'',
            "INSERT INTO pipeline.import_job (import_id, tenant_id, deed, cancel)"
            " SELECT import_id, tenant_id, 'run', true FROM vault.import",
        )

        await asyncio.to_thread(work_of(ports, dsn, ports.imports.spool).run_all)

        assert (await settled(client, found["import_id"]))["state"] == "cancelled"
        assert rows(dsn, "SELECT count(*) FROM vault.contact") == [(0,)]
        assert not ports.imports.spool.path(found["import_id"]).exists()


async def test_i11_nobody_sees_or_touches_another_tenants_imports(
    dsn: str, client: httpx2.AsyncClient
) -> None:
    found = await upload(client, GOOD)
    path = f"/v1/imports/{found['import_id']}"
    requests: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("GET", f"{path}/preview", None),
        ("GET", f"{path}/errors", None),
        ("PUT", f"{path}/mapping", {"columns": [{"to": "address"}]}),
        *[("POST", f"{path}/{deed}", None) for deed in ("start", "cancel", "rollback")],
    ]

    async with api_of(dsn, "ten_b") as other:
        for method, address, body in requests:
            answer = await other.request(method, address, json=body)
            assert answer.status_code == 404, (method, address, answer.text)
        assert (await other.get("/v1/imports")).json()["data"] == []
        await upload(other, GOOD, 404, list_id=found["list_id"])
    assert (await client.get(path)).json()["state"] == "uploaded"
