"""Exports of the ledger: the rows of a list, guarded, without who was erased, until they expire."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import psycopg
import pytest

from api.commands import exports
from api.main import create_app
from tests.api_kit import BEGIN, api_of, client_of, ports_of

pytestmark = pytest.mark.stack


@pytest.fixture
async def client(filled: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Asks about ten_a, a day after its sends were requested; two of its leads have addresses."""
    with psycopg.connect(filled, autocommit=True) as conn:
        for idx, address in ((0, "=cmd@example.com"), (1, "b@example.com")):
            conn.execute(
                "INSERT INTO vault.contact (tenant_id, contact_id, address, domain)"
                " VALUES ('ten_a', %s, %s, 'example.com')",
                (f"lea_ten_a_{idx}", address),
            )
    async with ports_of(filled) as ports:
        later = dataclasses.replace(ports, clock=lambda: BEGIN + timedelta(days=1))
        async with client_of(create_app(later), tenant="ten_a") as made:
            yield made


async def made(client: httpx2.AsyncClient, **body: Any) -> str:
    answer = await client.post("/v1/exports", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["export_id"])


async def download(client: httpx2.AsyncClient, export_id: str) -> str:
    answer = await client.get(f"/v1/exports/{export_id}/download")
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_an_export_has_every_send_once_whatever_the_page(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE_ROWS", 3)
    export_id = await made(client)

    rows = list(csv.DictReader(io.StringIO(await download(client, export_id))))
    told = (await client.get(f"/v1/exports/{export_id}")).json()

    assert [row["send_id"] for row in rows] == [f"snd_ten_a_{idx}" for idx in range(7)]
    assert told["sends"] == 7
    assert "address" not in rows[0]


async def test_filters_are_those_of_the_list(client: httpx2.AsyncClient) -> None:
    export_id = await made(client, format="ndjson", filter={"state": "rejected"})

    lines = [json.loads(line) for line in (await download(client, export_id)).splitlines()]

    assert [line["send_id"] for line in lines] == ["snd_ten_a_5"]
    assert lines[0]["reason"] == "UNKNOWN_USER"


async def test_no_cell_is_a_formula_and_an_erased_lead_has_no_address(
    filled: str, client: httpx2.AsyncClient
) -> None:
    """Erased after the export was made: it is read when it is downloaded."""
    export_id = await made(client, with_addresses=True)
    before = list(csv.DictReader(io.StringIO(await download(client, export_id))))
    with psycopg.connect(filled, autocommit=True) as conn:
        conn.execute("UPDATE vault.contact SET address = NULL, domain = ''")
    after = await download(client, export_id)

    assert [row["address"] for row in before[:3]] == ["'=cmd@example.com", "b@example.com", ""]
    assert "example.com" not in after


async def test_it_expires(filled: str, client: httpx2.AsyncClient) -> None:
    export_id = await made(client)
    async with ports_of(filled) as ports:
        weeks = dataclasses.replace(ports, clock=lambda: BEGIN + timedelta(days=9))
        async with client_of(create_app(weeks), tenant="ten_a") as later:
            answers = [
                await later.get(f"/v1/exports/{export_id}{rest}") for rest in ("", "/download")
            ]

    assert {answer.status_code for answer in answers} == {404}


async def test_i11_another_tenants_export_is_not_found(
    filled: str, client: httpx2.AsyncClient
) -> None:
    export_id = await made(client)
    async with api_of(filled, "ten_b") as other:
        answers = [await other.get(f"/v1/exports/{export_id}{rest}") for rest in ("", "/download")]

    assert {answer.status_code for answer in answers} == {404}


async def test_unknown_filters_and_formats_are_refused(client: httpx2.AsyncClient) -> None:
    for body in ({"filter": {"stat": "x"}}, {"format": "xls"}, {"filter": {"state": "gone"}}):
        answer = await client.post("/v1/exports", json=body)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_what_a_spreadsheet_would_run_is_quoted() -> None:
    cells = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=b", ""]

    line = exports.csv_lines(list("abcdefgh"), [dict(zip("abcdefgh", cells, strict=True))])

    (found,) = csv.reader(io.StringIO(line.decode(), newline=""))
    assert found == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "a=b", ""]
