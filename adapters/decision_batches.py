"""Many decisions at once in the decision log: one look at their streams, one transaction for all.

Statements are per tenant, because RLS shows one at a time; they go to Postgres without a wait for
each other's results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from eventsourcing.persistence import InterfaceError, OperationalError
from eventsourcing.utils import retry
from psycopg import Connection, Cursor
from psycopg.rows import DictRow

from adapters import decision_log, snapshots
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


# ---- one look


@retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
def look(recorder: DecisionRecorder, wanted: Sequence[Wanted]) -> list[Stream]:
    """The stream of each as its tenant sees it, with the answer if its command was given before."""
    with recorder.datastore.get_connection() as conn, conn.pipeline(), conn.transaction():
        compared = conn.cursor().execute(decision_log.SQL["relay_compared"])
        asked = [(tenant_id, *_ask(conn, tenant_id, own)) for tenant_id, own in _by_tenant(wanted)]
        row = compared.fetchone()
        rows: dict[tuple[str, str], list[DictRow]] = {}
        answers: dict[tuple[str, str], DictRow] = {}
        for tenant_id, streams, answered in asked:
            for stream_id, found in groupby(streams, key=itemgetter("originator_id")):
                rows[tenant_id, stream_id] = list(found)
            answers |= {(tenant_id, found["command_id"]): found for found in answered or ()}
    return [_stream(one, rows, answers, bool(row and row["compared"])) for one in wanted]


def _ask(
    conn: Connection[DictRow], tenant_id: str, wanted: Sequence[Wanted]
) -> tuple[Cursor[DictRow], Cursor[DictRow] | None]:
    bind(conn, tenant_id)
    codes = {one.stream_id: snapshots.code_of(one.evolve) for one in wanted}
    streams = execute(
        conn, SQL["streams"], {"stream_ids": list(codes), "codes": list(codes.values())}
    )
    commands = [found for one in wanted if (found := one.context.get("command_id"))]
    if not commands:
        return streams, None
    asked = {"tenant_id": tenant_id, "command_ids": commands}
    return streams, execute(conn, SQL["answers"], asked)


def _stream(
    one: Wanted,
    rows: dict[tuple[str, str], list[DictRow]],
    answers: dict[tuple[str, str], DictRow],
    compared: bool,  # noqa: FBT001 - a field
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
    return Stream(snapshot, entries, answers.get((tenant_id, command_id)), compared)


# ---- one transaction


@retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
def append(recorder: DecisionRecorder, leaves: Sequence[Leaves]) -> list[int]:
    """Store all or none; the positions of all entries, in order.

    Raises IntegrityError when others changed one of the streams or gave one of the commands, Taken
    when a reservation is another stream's.
    """
    failure: Exception | None = None
    positions: list[int] = []
    with recorder.datastore.get_connection() as conn:
        with conn.pipeline(), conn.transaction() as transaction:
            try:
                positions = _append(recorder, conn, list(_by_tenant(leaves)))
            except Exception as error:  # raised below, outside the pipeline
                failure = error
                raise psycopg.Rollback(transaction) from error
        if failure:
            raise failure
    return positions


def _append(
    recorder: DecisionRecorder,
    conn: Connection[DictRow],
    groups: Sequence[tuple[str, Sequence[Leaves]]],
) -> list[int]:
    reserved = [_reserve(conn, tenant_id, leaves) for tenant_id, leaves in groups]
    for wanted, not_held in filter(None, reserved):
        if row := not_held.fetchone():
            raise next(one for one in wanted if one.value == row["value"]).refusal()
    if not any(one.entries for _, leaves in groups for one in leaves):
        _remember_all(conn, groups)
        return []
    recorder.begin_appending(conn.cursor())
    appended = [
        _insert(conn, tenant_id, leaves)
        for tenant_id, leaves in groups
        if any(one.entries for one in leaves)
    ]
    positions = [row["notification_id"] for cursor in appended for row in cursor]
    _remember_all(conn, groups)
    return positions


def _reserve(
    conn: Connection[DictRow], tenant_id: str, leaves: Sequence[Leaves]
) -> tuple[list[Reservation], Cursor[DictRow]] | None:
    """Before the table lock, so that waits stay outside it."""
    wanted = [(one, leaf) for leaf in leaves for one in leaf.context.get("reservations", ())]
    if not wanted:
        return None
    bind(conn, tenant_id)
    columns = {
        "tenant_id": tenant_id,
        "kinds": [one.kind for one, _ in wanted],
        "scopes": [one.scope for one, _ in wanted],
        "names": [one.value for one, _ in wanted],
        "stream_ids": [leaf.stream_id for _, leaf in wanted],
    }
    execute(conn, SQL["reserve"], columns)
    return [one for one, _ in wanted], execute(conn, SQL["not_held"], columns)


def _insert(conn: Connection[DictRow], tenant_id: str, leaves: Sequence[Leaves]) -> Cursor[DictRow]:
    bind(conn, tenant_id)
    rows = [(entry, leaf.context) for leaf in leaves for entry in leaf.entries]
    told = {
        f"{name}s": [context.get(name, "") for _, context in rows]
        for name in ("actor", "causation", "correlation", "command_id")
    }
    columns = {
        "tenant_id": tenant_id,
        "originator_ids": [entry.originator_id for entry, _ in rows],
        "versions": [entry.originator_version for entry, _ in rows],
        "topics": [entry.topic for entry, _ in rows],
        "states": [entry.state for entry, _ in rows],
        "event_ids": [entry.event_id for entry, _ in rows],
    }
    return execute(conn, SQL["append"], columns | told)


def _remember_all(
    conn: Connection[DictRow], groups: Sequence[tuple[str, Sequence[Leaves]]]
) -> None:
    for tenant_id, leaves in groups:
        quiet = [one for one in leaves if one.command_id and not one.entries]
        if not quiet:
            continue
        bind(conn, tenant_id)
        columns = {
            "tenant_id": tenant_id,
            "command_ids": [one.command_id for one in quiet],
            "stream_ids": [one.stream_id for one in quiet],
            "positions": [one.position for one in quiet],
        }
        execute(conn, SQL["remember_answers"], columns)


@retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
def positions(recorder: DecisionRecorder, leaves: Sequence[Leaves]) -> dict[str, int]:
    """Event id → position, of the events that stand in the log among these."""
    found: dict[str, int] = {}
    with recorder.datastore.get_connection() as conn, conn.transaction():
        for tenant_id, own in _by_tenant(leaves):
            bind(conn, tenant_id)
            ids = [entry.event_id for one in own for entry in one.entries]
            asked = {"stream_ids": list({one.stream_id for one in own}), "event_ids": ids}
            rows = execute(conn, SQL["positions"], asked)
            found |= {row["event_id"]: row["notification_id"] for row in rows}
    return found


# ---- both


def bind(conn: Connection[DictRow], tenant_id: str) -> None:
    """From here on the transaction sees this tenant's rows (I11)."""
    conn.cursor().execute(BIND, (bound_by(), tenant_id))


def execute(
    conn: Connection[DictRow], statement: LiteralString, values: dict[str, Any]
) -> Cursor[DictRow]:
    """On a cursor of its own: each waits in the pipeline with its own results."""
    return conn.cursor().execute(statement, values)


def _by_tenant(items: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Runs of one tenant, in order: positions rise in the order in which things were asked."""
    for tenant_id, own in groupby(items, key=lambda one: one.context["tenant_id"]):
        yield tenant_id, list(own)
