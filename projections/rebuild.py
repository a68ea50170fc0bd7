"""Refills a read model beside the live one, compares both at equal cursors, and swaps.

The live model goes on meanwhile and never waits: it is compared as a snapshot saw it. A rebuild
writes only its own tables (I9) and has no side effects (I8): what is poison is passed over, its
letter lies with the dead letters already.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg
from aiokafka import TopicPartition
from psycopg import IsolationLevel, sql

from adapters import postgres
from projections import cursors, models
from projections.fold import Connection
from projections.models import ReadModel
from projections.runner import lock
from projections.session import Place, Session, opened

Sums = dict[tuple[str, str], tuple[int, int]]  # (table, tenant_id) → (rows, sum of row hashes)


class Busy(Exception):  # noqa: N818 - a state of the outside
    """Another rebuild of this read model runs."""


@dataclass(frozen=True)
class Rebuilt:
    """What came of a rebuild. `differing` names (table, tenant_id); swapped: it is live now."""

    name: str
    version: int
    position: Mapping[str, int]
    records: int
    rows: Mapping[str, int]  # per table
    elapsed_s: float  # of reading from the log's beginning until caught up
    differing: list[tuple[str, str]]
    swapped: bool

    @property
    def equal(self) -> bool:
        return not self.differing


async def rebuild(
    place: Place, model: ReadModel, *, force: bool = False, only_compare: bool = False
) -> Rebuilt:
    """Build the next version, compare, and show it if it is equal (or anyway, with `force`).

    With `only_compare` the live one stays and the new one is removed again. `place.dsn` connects as
    the database's owner. Raises Busy. Broken off, it leaves a version that nobody looks at and that
    the next rebuild removes.
    """
    async with await postgres.connect(place.dsn, "pm_projector") as guard:
        if not await lock(guard, f"rebuild {model.name}"):
            raise Busy(f"another rebuild of {model.name} runs")
        live, version = _begin(place.dsn, model)
        async with _session(place, model, version) as session:
            begun = time.monotonic()
            records = await _catch_up(session, guard, model.reader(live))
            elapsed_s = time.monotonic() - begun
            expected = await _snapshot(place, session, model, live)
            found = await sums(session.conn, model, version)
            differing = _differing(expected, found)
            swap = not only_compare and (force or not differing)
            if swap:
                await _catch_up(session, guard, model.reader(live))
            position = _position(session)
        if swap:
            _swap(place.dsn, model, version)
        elif only_compare:
            _remove(place.dsn, model, version)
    rows = _rows(model, version, found)
    return Rebuilt(model.name, version, position, records, rows, elapsed_s, differing, swap)


def _begin(dsn: str, model: ReadModel) -> tuple[int, int]:
    """The live version, and the next one with fresh tables; what nobody looks at is removed."""
    with psycopg.connect(dsn, autocommit=True) as conn, conn.transaction():
        states = models.versions(conn, model.name)
        live = next(version for version, state in states.items() if state == "active")
        for version in states:
            if version != live:
                models.drop(conn, model, version)
        fresh = max(states) + 1
        models.create(conn, model, fresh)
    return live, fresh


def _swap(dsn: str, model: ReadModel, version: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn, conn.transaction():
        models.activate(conn, model, version)


def _remove(dsn: str, model: ReadModel, version: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn, conn.transaction():
        models.drop(conn, model, version)


@asynccontextmanager
async def _session(place: Place, model: ReadModel, version: int) -> AsyncIterator[Session]:
    async with (
        await postgres.connect(place.dsn, "pm_projector") as conn,
        opened(place, conn, model.fold(version), None) as session,
    ):
        yield session


async def _catch_up(session: Session, conn: Connection, live: str) -> int:
    """Read up to where the live reader stands, never past it; how many records that was."""
    records = 0
    while not session.reached(until := await _standing(conn, live, session)):
        records += await session.step(until)
    return records


async def _standing(conn: Connection, reader: str, session: Session) -> dict[TopicPartition, int]:
    """The live reader's next offsets; 0 where it has not begun."""
    rows = await cursors.stored(conn, reader)
    found = {TopicPartition(topic, part): next_offset for topic, part, next_offset, *_ in rows}
    return {place: found.get(place, 0) for place in session.positions}


async def _snapshot(place: Place, session: Session, model: ReadModel, live: int) -> Sums:
    """Sums of the live version at one moment; the session then stands where it stood."""
    async with await postgres.connect(place.dsn, "pm_projector") as conn:
        await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with conn.transaction():
            until = await _standing(conn, model.reader(live), session)
            found = await sums(conn, model, live)
    while not session.reached(until):
        await session.step(until)
    return found


async def sums(conn: Connection, model: ReadModel, version: int) -> Sums:
    """A checksum of each tenant's rows in each table of a version, by names without version."""
    found: Sums = {}
    for table in model.tables(version):
        rows = await conn.execute(
            sql.SQL(
                "SELECT tenant_id, count(*), sum(hashtextextended(t::text, 0)::numeric)"
                " FROM {} AS t GROUP BY tenant_id"
            ).format(sql.Identifier("rm", table))
        )
        name = table.removesuffix(f"_v{version}")
        for tenant_id, count, total in await rows.fetchall():
            found[name, tenant_id] = (count, int(total))
    return found


def _differing(one: Sums, other: Sums) -> list[tuple[str, str]]:
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _rows(model: ReadModel, version: int, found: Sums) -> dict[str, int]:
    rows = {table.removesuffix(f"_v{version}"): 0 for table in model.tables(version)}
    for (table, _), (count, _) in found.items():
        rows[table] += count
    return rows


def _position(session: Session) -> dict[str, int]:
    return {
        f"{place.topic}/{place.partition}": at.next_offset
        for place, at in session.positions.items()
    }
