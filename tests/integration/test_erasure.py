"""A person leaves the vault, and the log is told (I10)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from adapters import erasing, postgres
from adapters.contacts.spool import Spool
from adapters.event_store import EventStore, InThread
from adapters.postgres import connect_sync
from streams.deleting import Deleting, DeletingDeps
from tests.api_kit import BEGIN, api_of
from tests.decided_kit import done
from tests.vault_kit import change, insert, rows

pytestmark = pytest.mark.stack

CANARY = "canary.ada@example.org"
CANARIES = ("canary.ada", "CanaryName", "canary-town")
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def fill(dsn: str, tenant: str = "ten_a") -> None:
    """A person in two lists, twice in rejected rows; and a neighbour."""
    insert(
        dsn,
        "INSERT INTO vault.contact (tenant_id, contact_id, address, address_key, domain, fields)"
        " VALUES (%s, %s, %s, lower(%s), 'example.org', %s)",
        [
            (tenant, "lea_a", "Canary.Ada@example.org", CANARY, '{"name": "CanaryName"}'),
            (tenant, "lea_b", "bob@example.org", "bob@example.org", "{}"),
        ],
    )
    members = [(tenant, f"lst_{n}", lead) for n in (1, 2) for lead in ("lea_a", "lea_b")]
    insert(dsn, "INSERT INTO vault.list_member VALUES (%s, %s, %s, 'imp_1')", members)
    rejects = [
        (tenant, 3, f'{CANARY},canary-town,"broken'),
        (tenant, 9, "x;CANARY.ADA@EXAMPLE.ORG;canary-town"),
        (tenant, 12, "carol@example.org;too;many"),
    ]
    insert(dsn, "INSERT INTO vault.import_reject VALUES (%s, 'imp_1', %s, 'bad', %s)", rejects)
    insert(dsn, "INSERT INTO vault.audience VALUES (%s, 'bat_1', 0, 'cmp_1', 'lea_a')", [(tenant,)])
    change(
        dsn,
        "INSERT INTO vault.suppression (tenant_id, contact_id, reason, since, address_hash)"
        " VALUES ('ten_a', 'lea_a', 'complaint', now(), decode('aa', 'hex'))",
    )


def everything(dsn: str) -> str:
    """Every row of every table of the database, as text."""
    found: list[str] = []
    with psycopg.connect(dsn) as conn:
        tables = conn.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE'"
            " AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for table in tables:
            query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(*table))
            found += [row[0] for row in conn.execute(query).fetchall()]
        events = conn.execute("SELECT convert_from(state, 'UTF8') FROM es.decision_events")
        found += [row[0] for row in events.fetchall()]
    return "\n".join(found).lower()


COUNTS: LiteralString = """
SELECT (SELECT count(*) FROM es.decision_events WHERE topic LIKE 'ContactErased%'),
       (SELECT count(*) FROM vault.duty)
"""


@pytest.fixture
async def deleting(dsn: str) -> AsyncIterator[Deleting]:
    async with postgres.pool(dsn, "pm_worker", size_max=2) as pool:
        with EventStore(dsn, "pm_worker") as store:
            yield Deleting(DeletingDeps(pool, InThread(store), lambda: LATER))


async def test_i10_after_an_erasure_the_person_is_in_no_row_of_the_database(dsn: str) -> None:
    fill(dsn)
    assert all(canary.lower() in everything(dsn) for canary in CANARIES)

    async with api_of(dsn) as client:
        told = await done(client.post("/v1/leads/lea_a/erase"))

    left = everything(dsn)
    assert [canary for canary in CANARIES if canary.lower() in left] == []
    assert told == {
        "object": "erasure",
        "contact_id": "lea_a",
        "erased": True,
        "position": told["position"],
    }
    assert told["position"] > 0
    assert rows(dsn, COUNTS) == [(1, 0)]


async def test_neighbours_suppression_and_frozen_audience_stay(dsn: str) -> None:
    fill(dsn)

    async with api_of(dsn) as client:
        await done(client.post("/v1/leads/lea_a/erase"))

    assert rows(dsn, "SELECT contact_id FROM vault.list_member ORDER BY 1") == [("lea_b",)] * 2
    assert rows(dsn, "SELECT line, row FROM vault.import_reject ORDER BY 1") == [
        (3, ""),
        (9, ""),
        (12, "carol@example.org;too;many"),
    ]
    assert rows(dsn, "SELECT contact_id, reason FROM vault.suppression") == [("lea_a", "complaint")]
    assert rows(dsn, "SELECT contact_id FROM vault.audience") == [("lea_a",)]
    assert rows(
        dsn,
        "SELECT address, domain, fields, erased_at FROM vault.contact WHERE contact_id = 'lea_a'",
    ) == [(None, "", {}, BEGIN)]


async def test_erasing_again_changes_nothing_and_says_the_same(dsn: str) -> None:
    fill(dsn)
    async with api_of(dsn) as client:
        first = await done(client.post("/v1/leads/lea_a/erase"))
        again = await done(client.post("/v1/leads/lea_a/erase"))

    assert again == first
    assert rows(dsn, COUNTS) == [(1, 0)]


async def test_of_several_each_has_its_own_answer(dsn: str) -> None:
    fill(dsn)
    async with api_of(dsn) as client:
        told = await done(
            client.post("/v1/leads/erase", json={"contact_ids": ["lea_a", "lea_no", "lea_b"]})
        )

    assert [(row["contact_id"], row["erased"]) for row in told["data"]] == [
        ("lea_a", True),
        ("lea_no", False),
        ("lea_b", True),
    ]
    assert rows(dsn, COUNTS) == [(2, 0)]


async def test_i11_another_tenants_person_is_unknown_and_stays(dsn: str) -> None:
    fill(dsn)
    async with api_of(dsn, tenant="ten_b") as client:
        answer = await client.post("/v1/leads/lea_a/erase")
        unknown = await client.post("/v1/leads/lea_none/erase")

    assert (answer.status_code, unknown.status_code) == (404, 404)
    assert answer.json()["detail"] == unknown.json()["detail"]
    assert "canary.ada" in everything(dsn)
    assert rows(dsn, COUNTS) == [(0, 0)]


def test_uploads_that_name_the_person_are_removed_and_others_stay(dsn: str, tmp_path: Path) -> None:
    fill(dsn)
    files = {
        "imp_a": f"email\n{CANARY.upper()}\n".encode(),
        "imp_b": f"email\n{CANARY}\n".encode("utf-16"),
        "imp_c": b"email\nbob@example.org\n",
        "imp_d": f"email\n{CANARY}\n".encode(),
    }
    for name, body in files.items():
        (tmp_path / f"{name}.csv").write_bytes(body)
    insert(
        dsn,
        "INSERT INTO vault.import (tenant_id, import_id, list_id, state)"
        " VALUES ('ten_a', %s, 'lst_1', %s)",
        [("imp_a", "uploaded"), ("imp_b", "queued"), ("imp_c", "failed")],
    )
    insert(
        dsn,
        "INSERT INTO vault.import (tenant_id, import_id, list_id, state) VALUES (%s, %s, %s, %s)",
        [("ten_b", "imp_d", "lst_1", "uploaded")],
    )
    insert(
        dsn,
        "INSERT INTO pipeline.import_job (import_id, tenant_id, deed) VALUES (%s, %s, 'run')",
        [("imp_b", "ten_a")],
    )
    wish = erasing.Wish("ten_a", "lea_a", "usr_a", BEGIN)

    with connect_sync(dsn, "pm_api") as conn:
        named = erasing.drop_uploads(conn, wish, Spool(tmp_path))

    assert named == ["imp_a", "imp_b"]
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["imp_c", "imp_d"]
    assert rows(dsn, "SELECT import_id, state FROM vault.import ORDER BY 1") == [
        ("imp_a", "cancelled"),
        ("imp_b", "queued"),
        ("imp_c", "failed"),
        ("imp_d", "uploaded"),
    ]
    assert rows(dsn, "SELECT import_id, cancel FROM pipeline.import_job") == [("imp_b", True)]


async def test_a_saved_filter_that_names_the_person_names_nobody_any_more(dsn: str) -> None:
    fill(dsn)
    insert(
        dsn,
        "INSERT INTO vault.segment (tenant_id, segment_id, filter, created_at, changed_at)"
        " VALUES ('ten_a', %s, %s, now(), now())",
        [
            ("seg_a", '{"field": "email", "equals": "CANARY.Ada@example.org"}'),
            ("seg_b", '{"field": "email", "equals": "canaryXada@example.org"}'),
        ],
    )

    async with api_of(dsn) as client:
        await done(client.post("/v1/leads/lea_a/erase"))

    assert rows(dsn, "SELECT filter->>'equals' FROM vault.segment ORDER BY segment_id") == [
        ("erased",),
        ("canaryXada@example.org",),
    ]


@pytest.mark.parametrize(
    "body", [{}, {"contact_ids": []}, {"contact_ids": ["a"] * 101}, {"contact_ids": ["a"], "x": 1}]
)
async def test_a_body_that_cannot_be_changes_nothing(dsn: str, body: dict[str, Any]) -> None:
    async with api_of(dsn) as client:
        answer = await client.post("/v1/leads/erase", json=body)

    assert answer.status_code == 422


async def test_who_dies_between_vault_and_log_is_finished_by_the_timer(
    dsn: str, deleting: Deleting
) -> None:
    fill(dsn)
    wish = erasing.Wish("ten_a", "lea_a", "usr_a", BEGIN)
    with connect_sync(dsn, "pm_api") as conn:
        erasing.erase(conn, wish)
    assert rows(dsn, COUNTS) == [(0, 1)]

    ended = await deleting.look()

    assert ended == 1
    assert rows(dsn, COUNTS) == [(1, 0)]
    assert rows(dsn, "SELECT actor FROM es.decision_events") == [("usr_a",)]
    assert await deleting.look() == 0


async def test_who_dies_within_the_vaults_transaction_changed_nothing(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(dsn)
    monkeypatch.setitem(
        erasing.SQL,
        "tables_about_contacts",
        "SELECT 1 / 0",
    )
    wish = erasing.Wish("ten_a", "lea_a", "usr_a", BEGIN)

    with connect_sync(dsn, "pm_api") as conn, pytest.raises(psycopg.errors.DivisionByZero):
        erasing.erase(conn, wish)

    assert "canary.ada" in everything(dsn)
    assert rows(dsn, COUNTS) == [(0, 0)]
