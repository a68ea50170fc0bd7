"""Loads the rows of the schedule that a poll touches, and writes back what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import count, islice
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain import masks
from domain.uses import use_of
from projections.fold import Connection
from streams.columns import columns
from streams.schedule.state import AttemptSet, Batch, Deferral, RetryAt, Schedule

SQL = named_sql(Path(__file__).with_name("fold.sql"))

#: How many releases of one (batch, attempt) are tried to find the number behind a release id.
NUMBERS_MAX = 5_000

ReleaseId = Callable[..., str]
Cell = tuple[str, str, date]  # (ip, provider, cap day)


async def load(conn: Connection, batch_ids: Sequence[str], retry_at: RetryAt) -> Schedule:
    """Everything known of these batches, locked against the releaser until the transaction ends."""
    await conn.execute(SQL["lock"])
    wanted = {"batch_ids": list(batch_ids)}
    schedule = Schedule(retry_at)
    async with conn.pipeline():
        batches = await conn.execute(SQL["batches"], wanted)
        sets = await conn.execute(SQL["sets"], wanted)
        deferrals = await conn.execute(SQL["deferrals"], wanted)
    schedule.batches = {row[0]: Batch(*row) for row in await batches.fetchall()}
    schedule.sets = {
        (batch_id, n): AttemptSet(**dict(zip(_KINDS, map(masks.read, texts), strict=True)))
        for batch_id, n, *texts in await sets.fetchall()
    }
    schedule.deferrals = [
        Deferral(batch_id, n, masks.read(ranges), *rest)
        for batch_id, n, ranges, *rest in await deferrals.fetchall()
    ]
    return schedule


async def save(conn: Connection, schedule: Schedule, release_id: ReleaseId) -> None:
    """Write what changed. Called once per `load`, in the same transaction."""
    async with conn.pipeline():
        await _save_batches(conn, schedule)
        await _save_deferrals(conn, schedule)
        await _save_sets(conn, schedule)
        await _save_waiting(conn, schedule)
    await _save_releases(conn, schedule, release_id)


async def _save_batches(conn: Connection, schedule: Schedule) -> None:
    if not schedule.new_batches:
        return
    names = (
        "batch_id tenant_id campaign_id step content_id provider priority message_class"
        " due_at expires_at size zone"
    )
    rows = [tuple(getattr(batch, name) for name in names.split()) for batch in schedule.new_batches]
    await conn.execute(SQL["add_batches"], columns(names, rows))


async def _save_deferrals(conn: Connection, schedule: Schedule) -> None:
    settled = {deferral.batch_id for deferral in schedule.deferrals} & {
        batch.batch_id for batch in schedule.new_batches
    }
    if settled:
        await conn.execute(SQL["drop_deferrals"], {"batch_id": sorted(settled)})
    if schedule.new_deferrals:
        rows = [
            (d.batch_id, d.n, masks.text(d.mask), d.reason, d.retry_after_s, d.at)
            for d in schedule.new_deferrals
        ]
        names = "batch_id n ranges reason retry_after_s at"
        await conn.execute(SQL["add_deferrals"], columns(names, rows))


async def _save_sets(conn: Connection, schedule: Schedule) -> None:
    rows = []
    for batch_id, n in sorted(schedule.touched):
        known = schedule.sets[batch_id, n]
        rows.append((batch_id, n, *(masks.text(getattr(known, kind)) for kind in _KINDS)))
    if rows:
        names = " ".join(("batch_id n", *_KINDS))
        await conn.execute(SQL["put_sets"], columns(names, rows))


#: The sets of an attempt, as the statements `sets` and `put_sets` name them.
_KINDS = ("scheduled", "started", "concluded", "ambiguous", "spoken", "absent")


async def _save_waiting(conn: Connection, schedule: Schedule) -> None:
    gone = [(*key, masks.text(mask)) for key, mask in schedule.gone.items()]
    if gone:
        await conn.execute(SQL["shorten_waiting"], columns("batch_id n ranges", gone))
    added = [
        (batch_id, n, *wait, masks.text(mask), mask.bit_count())
        for (batch_id, n, wait), mask in schedule.waiting().items()
    ]
    if added:
        names = "batch_id n due_at expires_at ranges size"
        await conn.execute(SQL["add_waiting"], columns(names, added))
        await conn.execute(SQL["call"])


async def _save_releases(conn: Connection, schedule: Schedule, release_id: ReleaseId) -> None:
    """Starts first: a release that is known to be started cannot be void."""
    charges: list[tuple[Any, ...]] = []
    if schedule.starts:
        rows = [_start(schedule, key, release_id) for key in schedule.starts]
        cursor = await conn.execute(SQL["start_releases"], columns(_START, rows))
        charges += await cursor.fetchall()
    if schedule.gone:
        keys = columns("batch_id n", list(schedule.gone))
        ends = [(key, masks.text(mask)) for key, mask in schedule.unattempted.items()]
        unattempted = columns("unattempted_id unattempted", ends)
        cursor = await conn.execute(SQL["conclude_releases"], keys | unattempted)
        charges += await cursor.fetchall()
        cursor = await conn.execute(SQL["void_releases"], keys)
        charges += await cursor.fetchall()
    await _save_charges(conn, charges)


_START = (
    "release_id batch_id n number tenant_id campaign_id ip provider ranges size cap_day"
    " cap_per_day deadline_at owner journal at uses"
)


def _start(schedule: Schedule, key: str, release_id: ReleaseId) -> tuple[Any, ...]:
    event, at = schedule.starts[key]
    mask = masks.of(event.ranges)
    known = {
        "number": _number(key, event.batch_id, event.n, release_id),
        "ranges": masks.text(mask),
        "size": mask.bit_count(),
        "at": at,
        "uses": "\x1f".join(event.uses),
    }
    return tuple(known[name] if name in known else getattr(event, name) for name in _START.split())


def _number(found: str, batch_id: str, n: int, release_id: ReleaseId) -> int | None:
    """Which release of (batch, n) has this id; None when no number makes it under this key."""
    numbers = islice(count(1), NUMBERS_MAX)
    return next((number for number in numbers if release_id(batch_id, n, number) == found), None)


async def _save_charges(conn: Connection, charges: Sequence[tuple[Any, ...]]) -> None:
    """One row of caps per cell, and one per use: what is started, what is given back, summed up."""
    cells: defaultdict[Cell, list[int]] = defaultdict(lambda: [0, 0])
    uses: defaultdict[tuple[str, str, str, date], list[int]] = defaultdict(lambda: [0, 0])
    for ip, provider, day, started, returned, started_of, returned_to in charges:
        cells[ip, provider, day][0] += started
        cells[ip, provider, day][1] += returned
        for name in started_of:
            uses[*use_of(name), day][0] += started
        for name in returned_to:
            uses[*use_of(name), day][1] += returned
    async with conn.pipeline():
        await _save_sums(conn, "ip provider day", cells, ("charge_started", "return_reserved"))
        await _save_sums(conn, "scope scope_id provider day", uses, ("start_uses", "return_uses"))


async def _save_sums(
    conn: Connection,
    names: str,
    sums: Mapping[tuple[Any, ...], Sequence[int]],
    statements: tuple[str, str],
) -> None:
    rows = [(*key, *total) for key, total in sorted(sums.items()) if any(total)]
    if rows:
        given = columns(f"{names} started returned", rows)
        for statement in statements:
            await conn.execute(SQL[statement], given)
