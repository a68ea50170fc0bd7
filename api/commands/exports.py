"""Exports of the ledger: kept as questions, written row by row while they are downloaded."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from adapters.postgres import named_sql
from api.desk import Desk
from projections.reads import Bound, Reads
from projections.send_ledger import pages
from projections.send_ledger.pages import FIRST, LAST, After, Wanted

SQL = named_sql(Path(__file__).with_name("exports.sql"))
KEPT = timedelta(days=7)
PAGE_ROWS = 1000
FILTERS = ("campaign_id", "contact_id", "provider", "state", "ip")
COLUMNS = (
    *("send_id", "campaign_id", "step", "contact_id", "address", "provider", "state", "n", "ip"),
    *("reason", "code", "enhanced", "requested_at", "started_at", "ended_at", "signals"),
)
#: A cell that begins so is a formula to a spreadsheet (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
Row = dict[str, Any]


def make(
    desk: Desk, *, format_: str, asked: Mapping[str, str], with_addresses: bool, now: datetime
) -> Row:
    """Keep a question for a week; those whose week is over are forgotten."""
    desk.write(SQL["forget"], now=now)
    seen = None if desk.workspace_ids is None else sorted(desk.workspace_ids)
    values = {
        "export_id": desk.fresh_id("exp"), "format": format_, "with_addresses": with_addresses,
        "created_at": now, "expires_at": now + KEPT,
    }  # fmt: skip
    desk.write(SQL["make"], wanted=Jsonb(dict(asked)), workspace_ids=seen, **values)
    (found,) = desk.rows(SQL["one"], export_id=values["export_id"])
    return found


async def one(bound: Bound, export_id: str) -> Row | None:
    """An export of the tenant; None: there is none."""
    found = await bound.rows(SQL["one"], export_id=export_id)
    return found[0] if found else None


def wanted_of(export: Row, workspace_ids: frozenset[str] | None) -> Wanted:
    """What it asks for: of what was requested before it was made, within what both may see."""
    asked: dict[str, str] = export["wanted"]
    mine = None if workspace_ids is None else set(workspace_ids)
    makers = None if export["workspace_ids"] is None else set(export["workspace_ids"])
    seen = makers if mine is None else mine if makers is None else mine & makers
    until = datetime.fromisoformat(asked["requested_to"]) if "requested_to" in asked else LAST
    since = datetime.fromisoformat(asked["requested_from"]) if "requested_from" in asked else FIRST
    return Wanted(
        **{name: asked[name] for name in FILTERS if name in asked},
        since=since,
        until=min(until, export["created_at"]),
        workspaces=None if seen is None else tuple(sorted(seen)),
    )


async def written(
    reads: Reads, tenant_id: str, export: Row, workspace_ids: frozenset[str] | None
) -> AsyncIterator[bytes]:
    """The file in pieces of a thousand rows: memory does not grow with it."""
    wanted, after = wanted_of(export, workspace_ids), After()
    columns = [name for name in COLUMNS if name != "address" or export["with_addresses"]]
    write = csv_lines if export["format"] == "csv" else json_lines
    if write is csv_lines:
        yield csv_lines(columns, [{name: name for name in columns}])
    while True:
        async with reads.of(tenant_id) as bound:
            rows = await pages.page(bound, wanted, after, PAGE_ROWS)
            if export["with_addresses"]:
                await _address(bound, rows)
        if rows:
            yield write(columns, rows)
        if len(rows) < PAGE_ROWS:
            return
        after = After.of(rows[-1])


async def _address(bound: Bound, rows: Sequence[Row]) -> None:
    ids = [row["contact_id"] for row in rows]
    found = await bound.rows(SQL["addresses"], contact_ids=ids)
    addresses = {row["contact_id"]: row["address"] for row in found}
    for row in rows:
        row["address"] = addresses.get(row["contact_id"], "")


def csv_lines(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """RFC 4180, UTF-8. What a spreadsheet would take for a formula begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([[_cell(row[name]) for name in columns] for row in rows])
    return text.getvalue().encode()


def json_lines(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """One JSON object a line."""
    options = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
    return b"".join(
        orjson.dumps({name: row[name] for name in columns}, option=options) for row in rows
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
