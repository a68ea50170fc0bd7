"""Many decisions at once in the decision log: one look at their streams, one transaction for all.

RLS shows one tenant at a time, so that a batch goes to Postgres in parts, a tenant each; functions
of migration 0490 take all parts in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, LiteralString

import orjson
import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow

from adapters import decision_log, snapshots
from adapters.briefly import briefly
from adapters.decision_log import DecisionRecorder, Snapshot, StoredEntry, Stream
from adapters.postgres import BIND, bound_by, named_sql
from domain.ports import CommandContext, Reservation, Wanted

SQL = named_sql(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Leaves:
    """What one command leaves in the log: its entries, perhaps none, and its answer.

    `position`: of its stream before; None: whatever the stream comes to in this transaction.
    """

    stream_id: str
    context: CommandContext
    entries: Sequence[StoredEntry]
    position: int | None

    @property
    def command_id(self) -> str:
        return self.context.get("command_id", "")


#: A tenant, and what of the batch is its own.
Group = tuple[str, Sequence[Leaves]]

# ---- one look


@briefly
def look(recorder: DecisionRecorder, wanted: Sequence[Wanted]) -> list[Stream]:
    """The stream of each as its tenant sees it, with the answer if its command was given before."""
    asked = [(tenant_id, list(own)) for tenant_id, own in _by_tenant(wanted)]
    with recorder.datastore.get_connection() as conn, conn.pipeline(), conn.transaction():
        hindered = conn.cursor().execute(decision_log.SQL["hindrance"])
        found = _call(conn, SQL["look"], [_asked(tenant_id, own) for tenant_id, own in asked])
        answering = [_ask_answers(conn, tenant_id, own) for tenant_id, own in asked]
        row = hindered.fetchone()
        rows = {
            place: list(stream)
            for place, stream in groupby(found, key=itemgetter("tenant_id", "originator_id"))
        }
        answers = {
            (tenant_id, row["command_id"]): row
            for (tenant_id, _), answered in zip(asked, answering, strict=True)
            for row in answered or ()
        }
    return [_stream(one, rows, answers, row["why"] if row else "") for one in wanted]


def _asked(tenant_id: str, wanted: Sequence[Wanted]) -> dict[str, Any]:
    codes = {one.stream_id: snapshots.code_of(one.evolve) for one in wanted}
    streams = [{"stream_id": stream_id, "code": code} for stream_id, code in codes.items()]
    return {"tenant_id": tenant_id, "streams": streams}


def _ask_answers(
    conn: Connection[DictRow], tenant_id: str, wanted: Sequence[Wanted]
) -> Cursor[DictRow] | None:
    commands = [found for one in wanted if (found := one.context.get("command_id"))]
    if not commands:
        return None
    _bind(conn, tenant_id)
    asked = {"tenant_id": tenant_id, "command_ids": commands}
    return _execute(conn, SQL["answers"], asked)


def _stream(
    one: Wanted,
    rows: dict[tuple[str, str], list[DictRow]],
    answers: dict[tuple[str, str], DictRow],
    hindrance: str,
) -> Stream:
    tenant_id, command_id = one.context["tenant_id"], one.context.get("command_id", "")
    found = rows.get((tenant_id, one.stream_id), [])
    first = found[0] if found and not found[0]["topic"] else None
    snapshot = (
        Snapshot(first["originator_version"], first["notification_id"], bytes(first["state"]))
        if first
        else None
    )
    entries = [decision_log.entry_of(row) for row in (found[1:] if first else found)]
    return Stream(snapshot, entries, answers.get((tenant_id, command_id)), hindrance)


# ---- one transaction


@briefly
def append(
    recorder: DecisionRecorder,
    leaves: Sequence[Leaves],
    before: Callable[[Connection[DictRow]], None] = lambda _: None,
) -> list[int]:
    """Store all or none; the positions of all entries, in order.

    `before` writes rows of its own in the same transaction, ahead of the table lock; what it raises
    undoes everything (ADR 0010). It runs again after a lost connection: it must notice that then.
    Raises IntegrityError when others changed one of the streams or gave one of the commands, Taken
    when a reservation is another stream's.
    """
    failure: Exception | None = None
    positions: list[int] = []
    with recorder.datastore.get_connection() as conn:
        with conn.pipeline(), conn.transaction() as transaction:
            try:
                before(conn)
                positions = _append(recorder, conn, list(_by_tenant(leaves)))
            except Exception as error:  # raised below, outside the pipeline
                failure = error
                raise psycopg.Rollback(transaction) from error
        if failure:
            raise failure
    return positions


def _append(
    recorder: DecisionRecorder, conn: Connection[DictRow], groups: Sequence[Group]
) -> list[int]:
    reserved = [part for tenant_id, own in groups if (part := _reserved(tenant_id, own))]
    if reserved:  # before the table lock, so that waits stay outside it
        for row in _call(conn, SQL["reserve"], reserved):
            raise Reservation(row["kind"], row["value"], row["scope"]).refusal()
    told = [part for tenant_id, own in groups if (part := _told(tenant_id, own))]
    positions: list[int] = []
    if told:
        recorder.begin_appending(conn.cursor())
        positions = [row["position"] for row in _call(conn, SQL["append"], told)]
    _remember_all(conn, groups)
    return positions


def _reserved(tenant_id: str, leaves: Sequence[Leaves]) -> dict[str, Any] | None:
    wanted = [
        {"kind": one.kind, "scope": one.scope, "value": one.value, "stream_id": leaf.stream_id}
        for leaf in leaves
        for one in leaf.context.get("reservations", ())
    ]
    return {"tenant_id": tenant_id, "reservations": wanted} if wanted else None


def _told(tenant_id: str, leaves: Sequence[Leaves]) -> dict[str, Any] | None:
    events = [
        {
            "stream": entry.originator_id,
            "version": entry.originator_version,
            "topic": entry.topic,
            "state": entry.state.decode(),
            "id": entry.event_id,
            "actor": leaf.context.get("actor", ""),
            "causation": leaf.context.get("causation", ""),
            "correlation": leaf.context.get("correlation", ""),
            "command": leaf.command_id,
        }
        for leaf in leaves
        for entry in leaf.entries
    ]
    return {"tenant_id": tenant_id, "events": events} if events else None


def _remember_all(conn: Connection[DictRow], groups: Sequence[Group]) -> None:
    for tenant_id, leaves in groups:
        quiet = [one for one in leaves if one.command_id and not one.entries]
        if not quiet:
            continue
        _bind(conn, tenant_id)
        columns = {
            "tenant_id": tenant_id,
            "command_ids": [one.command_id for one in quiet],
            "stream_ids": [one.stream_id for one in quiet],
            "positions": [one.position for one in quiet],
        }
        _execute(conn, SQL["remember_answers"], columns)


@briefly
def positions(recorder: DecisionRecorder, leaves: Sequence[Leaves]) -> dict[str, int]:
    """Event id → position, of the events that stand in the log among these."""
    found: dict[str, int] = {}
    with recorder.datastore.get_connection() as conn, conn.transaction():
        for tenant_id, own in _by_tenant(leaves):
            _bind(conn, tenant_id)
            ids = [entry.event_id for one in own for entry in one.entries]
            asked = {"stream_ids": list({one.stream_id for one in own}), "event_ids": ids}
            rows = _execute(conn, SQL["positions"], asked)
            found |= {row["event_id"]: row["notification_id"] for row in rows}
    return found


# ---- both


def _call(
    conn: Connection[DictRow], statement: LiteralString, parts: Sequence[dict[str, Any]]
) -> Cursor[DictRow]:
    return _execute(conn, statement, {"setting": bound_by(), "given": orjson.dumps(parts).decode()})


def _bind(conn: Connection[DictRow], tenant_id: str) -> None:
    """From here on the transaction sees this tenant's rows (I11)."""
    conn.cursor().execute(BIND, (bound_by(), tenant_id))


def _execute(
    conn: Connection[DictRow], statement: LiteralString, values: dict[str, Any]
) -> Cursor[DictRow]:
    """On a cursor of its own: each waits in the pipeline with its own results."""
    return conn.cursor().execute(statement, values)


def _by_tenant(items: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Runs of one tenant, in order: positions rise in the order in which things were asked."""
    for tenant_id, own in groupby(items, key=lambda one: one.context["tenant_id"]):
        yield tenant_id, list(own)
