"""Facts about sends → one row per send, one per batch, one per fact, and every counter of sends.

Ledger, campaign counters, statistics and usage are one fold: counters move only by ledger rows that
change, in the same transaction (design-fixes.md 7), so they can never tell different stories.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from domain.event import Recorded, Topic
from domain.sending import (
    WAITING,
    AmbiguityResolved,
    BatchPlanned,
    Outcome,
    OutcomesRecorded,
    SendsCancelled,
    SliceStarted,
    rank,
)
from projections.campaign_counters import project as campaigns
from projections.fold import Connection
from projections.send_ledger import facts, masks
from projections.send_ledger.facts import Batch, Fact, Settled
from projections.send_stats import project as stats
from projections.send_stats.deltas import About, Deltas, Side, Step
from projections.versions import versioned

NAME = "send_ledger"
TOPICS = (Topic.DECISIONS, Topic.REQUESTS, Topic.ATTEMPTS, Topic.SIGNALS)
STATES = ["waiting", facts.STARTED_KIND, *(outcome.value for outcome in Outcome)]
OF_SENDS = (BatchPlanned, SliceStarted, OutcomesRecorded, AmbiguityResolved, SendsCancelled)


class SendLedger:
    """`projections.fold.Fold` of the ledger and the campaign counters, at one version of both."""

    topics = TOPICS
    handles = (
        frozenset(event.event_type.name for event in OF_SENDS) | campaigns.HANDLES | stats.HANDLES
    )

    def __init__(self, version: int) -> None:
        self.reader = f"{NAME}_v{version}"
        self._sql = versioned(Path(__file__).parent / "project.sql", version)
        self._campaigns = campaigns.Campaigns(version)
        self._stats = stats.Stats(version)

    async def apply(self, conn: Connection, records: Sequence[Recorded]) -> None:
        """Each statement takes all records at once: its cost is the rows', not the records'."""
        await conn.execute(self._sql["plan_for_few_rows"])
        await self._campaigns.apply(conn, records)
        planned = _planned(records)
        told = [fact for record in records for fact in facts.told_by(record, _topic(record))]
        counted = facts.count(told, await self._settled(conn, told))
        before = await self._told_before(conn, planned)
        if counted:
            await conn.execute(self._sql["keep_facts"], _fact_columns(counted))
        deltas = Deltas()
        if planned:
            await self._plan(conn, list(planned.values()), deltas)
        await self._move(conn, before + counted, deltas)
        await self._stats.hear(conn, records, planned, deltas)
        await self._add(conn, deltas)

    async def poisoned(self, conn: Connection, subject: str, reason: str) -> None:
        """Nothing: what cannot be read is not in the ledger, and the schedule parks its batch."""

    async def _settled(
        self, conn: Connection, told: Iterable[Fact]
    ) -> dict[facts.Attempt, Settled]:
        batches = {fact.batch for fact in told if facts.is_outcome(fact)}
        if not batches:
            return {}
        rows = await conn.execute(self._sql["settled"], _batch_keys(batches))
        return {
            ((tenant_id, batch_id), n, topic): Settled(
                masks.from_text(definite or ""), masks.from_text(told_so_far)
            )
            for tenant_id, batch_id, n, topic, definite, told_so_far in await rows.fetchall()
        }

    async def _told_before(self, conn: Connection, batches: Iterable[Batch]) -> list[Fact]:
        """Facts of batches that are planned only now: another partition was read sooner."""
        if not batches:
            return []
        rows = await conn.execute(self._sql["told_before"], _batch_keys(batches))
        return [_stored(row) for row in await rows.fetchall()]

    async def _plan(self, conn: Connection, planned: Sequence[Recorded], deltas: Deltas) -> None:
        rows = await conn.execute(self._sql["plan"], _batch_columns(planned))
        for *about, size in await rows.fetchall():
            deltas.plan(About(*about), size)

    async def _move(self, conn: Connection, told: Iterable[Fact], deltas: Deltas) -> None:
        by_batch: dict[Batch, list[Fact]] = {}
        for fact in told:
            if fact.counted:
                by_batch.setdefault(fact.batch, []).append(fact)
        strokes = [stroke for batch in by_batch.values() for stroke in facts.paint(batch)]
        if not strokes:
            return
        async with self._stats.shifting(conn, by_batch, deltas):
            rows = await conn.execute(self._sql["move"], _stroke_columns(strokes))
            deltas.move([_step(row, strokes) for row in await rows.fetchall()])
        await self._defer(conn, by_batch, deltas)

    async def _defer(
        self, conn: Connection, told: Mapping[Batch, Iterable[Fact]], deltas: Deltas
    ) -> None:
        """Count what was put off, of known batches; of others once they are planned."""
        deferred = [
            fact for facts_ in told.values() for fact in facts_ if fact.kind == Outcome.DEFERRED
        ]
        if not deferred:
            return
        keys = _batch_keys({fact.batch for fact in deferred})
        rows = await (await conn.execute(self._sql["about"], keys)).fetchall()
        known = {(about[0], about[1]): About(*about) for about in rows}
        for fact in deferred:
            if about := known.get(fact.batch):
                deltas.defer(about, fact.ip, fact.at, fact.counted.bit_count())

    async def _add(self, conn: Connection, deltas: Deltas) -> None:
        """Move every counter. What fell to 0 has no row, but for the campaign counters."""
        if states := {key: sends for key, sends in deltas.states.items() if sends}:
            await conn.execute(self._sql["count_states"], _state_columns(states))
        if parts := {key: sends for key, sends in deltas.parts.items() if sends}:
            columns = _part_columns(parts)
            await conn.execute(self._sql["count_parts"], columns)
            if min(parts.values()) < 0:
                await conn.execute(self._sql["tidy_parts"], columns)
        await self._stats.add(conn, deltas)


def _topic(record: Recorded) -> str:
    """The declared topic, whatever prefix it has in this log (I9: a rebuild elsewhere is equal)."""
    return type(record.event).event_type.topics[0].value


def _planned(records: Iterable[Recorded]) -> dict[Batch, Recorded]:
    """The first plan of each batch. Raises ValueError for one whose sends do not add up."""
    found: dict[Batch, Recorded] = {}
    for record in records:
        event = record.event
        if isinstance(event, BatchPlanned):
            _check(event)
            found.setdefault((event.tenant_id, event.batch_id), record)
    return found


def _check(event: BatchPlanned) -> None:
    masks.from_ranges([[0, event.size]])
    for ids in (event.send_ids, event.contact_ids):
        if len(ids) != event.size or len(" ".join(ids).split()) != event.size:
            raise ValueError(f"{event.size} ids were to be there, not {len(ids)}")


def _batch_keys(batches: Iterable[Batch]) -> dict[str, list[str]]:
    keys = list(batches)
    return {"tenants": [key[0] for key in keys], "batches": [key[1] for key in keys]}


def _stored(row: Sequence[Any]) -> Fact:
    tenant_id, batch_id, n, kind, counted, at, ip, reason, code, enhanced = row
    mask = masks.from_text(counted)
    return Fact(
        batch=(tenant_id, batch_id), n=n, kind=kind, mask=mask, counted=mask, at=at,
        ip=ip, reason=reason, code=code, enhanced=enhanced,
    )  # fmt: skip


def _fact_columns(told: Sequence[Fact]) -> dict[str, list[Any]]:
    plain = (
        *("event_id", "seq", "kind", "n", "at", "ip", "source", "reason", "phase", "code"),
        *("enhanced", "release_id", "topic", "part", "off"),
    )
    columns = {f"{name}s": [getattr(fact, name) for fact in told] for name in plain}
    return columns | {
        "tenants": [fact.batch[0] for fact in told],
        "batches": [fact.batch[1] for fact in told],
        "ranges": [masks.text(fact.mask) for fact in told],
        "counteds": [masks.text(fact.counted) for fact in told],
    }


def _stroke_columns(strokes: Sequence[facts.Stroke]) -> dict[str, list[Any]]:
    plain = ("n", "at", "ip", "reason", "code", "enhanced", "weight")
    columns = {f"{name}s": [getattr(stroke.fact, name) for stroke in strokes] for name in plain}
    return columns | {
        "tenants": [stroke.fact.batch[0] for stroke in strokes],
        "batches": [stroke.fact.batch[1] for stroke in strokes],
        "lows": [stroke.low for stroke in strokes],
        "highs": [stroke.high for stroke in strokes],
        "starts": [stroke.started_at for stroke in strokes],
    }


def _step(row: Sequence[Any], strokes: Sequence[facts.Stroke]) -> Step:
    """What a row of `move` says: these sends were so, and are now as the statement's rule says."""
    before, (n, number, sends) = Side(*row[6:12]), row[12:15]
    stroke = strokes[number]
    fact, after = stroke.fact, before
    if (fact.weight, n) > (before.weight, fact.n):
        after = Side(fact.weight, fact.ip, fact.at, fact.reason, fact.code, None)
    starts = [at for at in (before.started_at, stroke.started_at) if at]
    return Step(
        About(*row[:6]), before, after._replace(started_at=min(starts, default=None)), sends
    )


def _state_columns(states: Mapping[tuple[str, str, str, str], int]) -> dict[str, list[Any]]:
    tenants, campaign_ids, providers, names = (list(column) for column in zip(*states, strict=True))
    return {
        "tenants": tenants,
        "campaigns": campaign_ids,
        "providers": providers,
        "states": names,
        "sends": list(states.values()),
    }


def _part_columns(parts: Mapping[tuple[About, str, str], int]) -> dict[str, list[Any]]:
    abouts = [about for about, _, _ in parts]
    return {
        "tenants": [about.tenant_id for about in abouts],
        "batches": [about.batch_id for about in abouts],
        "states": [state for _, state, _ in parts],
        "ips": [ip for _, _, ip in parts],
        "campaigns": [about.campaign_id for about in abouts],
        "providers": [about.provider for about in abouts],
        "ats": [about.requested_at for about in abouts],
        "sends": list(parts.values()),
    }


def _batch_columns(planned: Sequence[Recorded]) -> dict[str, Any]:
    rows = [_batch_row(record, record.event) for record in planned]
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    return columns | {"waiting": rank(WAITING, 1), "states": STATES}


def _batch_row(record: Recorded, event: Any) -> dict[str, Any]:
    return {
        "tenants": event.tenant_id,
        "batches": event.batch_id,
        "campaigns": event.campaign_id,
        "steps": event.step,
        "contents": event.content_id,
        "providers": event.provider,
        "priorities": event.priority,
        "classes": event.message_class,
        "sizes": event.size,
        "ats": record.meta.time,
        "dues": event.due_at,
        "expires": event.expires_at,
        "event_ids": record.meta.id,
        "topics": _topic(record),
        "parts": record.partition,
        "offs": record.offset,
        "send_ids": " ".join(event.send_ids),
        "contact_ids": " ".join(event.contact_ids),
    }
