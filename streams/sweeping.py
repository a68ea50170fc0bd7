"""Concludes what a dispatcher started and nobody will conclude any more, send by send.

Reads the dot journals; writes OutcomesRecorded, never rows: the schedule folds it like any other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from adapters.dot_journal import Owner, Verdict
from adapters.kafka_log import Draft, now_meta
from adapters.postgres import named_sql
from domain import masks
from domain.event import Topic
from domain.ids import deriver
from domain.indexes import each, from_indexes
from domain.outcome_rules import OutcomeClass
from domain.ports import EventLog, LogEnds, Phase, Reply
from domain.sending import Outcome, OutcomesRecorded
from projections.fold import Connection
from streams.dispatching.outcomes import Finding, finding_of

SQL = named_sql(Path(__file__).with_suffix(".sql"))

#: After its deadline a living owner concludes its slices itself; so long it is given for that.
GRACE_S = 20.0
#: How long one sweep waits for the schedule; then the next one tries again.
PATIENCE_S = 5.0
POLL_EVERY_S = 0.05

log = structlog.get_logger(__name__)

Inspect = Callable[[str, str], Verdict]  # (journal's name, release_id)


@dataclass(frozen=True)
class Journals:
    """The dot journals on this machine (adapters/dot_journal.py)."""

    forsaken: Callable[[], list[str]]  # names of those whose owner is dead
    discard: Callable[[str], bool]  # removes one; False: its owner lives


_NEVER_DOTTED = Finding(Outcome.DEFERRED.value, OutcomeClass.OWN_FAULT.value)
_NOBODY_KNOWS = Finding(
    Outcome.AMBIGUOUS.value, OutcomeClass.AMBIGUOUS.value, phase=Phase.DOT.value
)


@dataclass(frozen=True)
class Orphan:
    """A started release without a living owner, or past its deadline; what of it is open."""

    release_id: str
    batch_id: str
    tenant_id: str
    campaign_id: str
    n: int
    ip: str
    provider: str
    folded: int
    open: str
    parked: bool
    domain_id: str


async def sweep(
    conn: Connection,
    event_log: EventLog,
    ends: LogEnds,
    inspect: Inspect,
    *,
    id_key: str,
    grace_s: float = GRACE_S,
    patience_s: float = PATIENCE_S,
) -> int:
    """Conclude what was left behind; how many sends. Safe to repeat and to run twice at once.

    Nothing is concluded before the schedule has applied `pm.attempts` up to end offsets read after
    the owner was found dead or its deadline had passed. Raises LogUnavailable.
    """
    cursor = await conn.execute(SQL["started"], {"grace_s": grace_s})
    started = await cursor.fetchall()
    verdicts = await asyncio.to_thread(_verdicts, started, inspect)
    if not verdicts or not await _caught_up(conn, ends, patience_s):
        return 0
    cursor = await conn.execute(SQL["open"], {"release_ids": list(verdicts)})
    orphans = [Orphan(*row) for row in await cursor.fetchall()]
    event_id = deriver(id_key.encode(), "evt")
    drafts = [_record(orphan, verdicts[orphan.release_id], event_id) for orphan in orphans]
    if drafts:
        await event_log.append(drafts)
    swept = sum(masks.read(orphan.open).bit_count() for orphan in orphans)
    if swept:
        log.info("slices_swept", releases=len(orphans), sends=swept)
    return swept


async def tidy(
    conn: Connection, ends: LogEnds, journals: Journals, *, patience_s: float = PATIENCE_S
) -> int:
    """Remove the journals of dead owners whose slices are all concluded; how many. Repeatable.

    Only once the schedule knows of every start that the log holds; a dead owner makes no more.
    Raises LogUnavailable.
    """
    dead = await asyncio.to_thread(journals.forsaken)
    if not dead or not await _caught_up(conn, ends, patience_s):
        return 0
    rows = await (await conn.execute(SQL["needed"])).fetchall()
    needed = {_file_id(name) for (name,) in rows}
    idle = [name for name in dead if _file_id(name) not in needed]
    return sum([await asyncio.to_thread(journals.discard, name) for name in idle])


def _file_id(name: str) -> str:
    """A journal's own part of its name: one of an earlier boot is kept while it is needed too."""
    return name.rpartition("/")[2]


def _verdicts(started: Sequence[tuple[Any, ...]], inspect: Inspect) -> dict[str, Verdict]:
    """What the journals say of releases whose owner is dead or that are overdue."""
    found = {}
    for release_id, journal, overdue in started:
        verdict = inspect(journal, release_id)
        if overdue or verdict.owner is Owner.DEAD:
            found[release_id] = verdict
    return found


async def _caught_up(conn: Connection, ends: LogEnds, patience_s: float) -> bool:
    """Whether the schedule applies the attempts up to the ends as they are now, within patience."""
    wanted = await ends.ends([Topic.ATTEMPTS])
    until = time.monotonic() + patience_s
    while True:
        cursor = await conn.execute(SQL["cursors"], {"topic": Topic.ATTEMPTS.value})
        at = {(topic, part): offset for topic, part, offset in await cursor.fetchall()}
        if all(at.get(place, 0) >= end for place, end in wanted.items()):
            return True
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(POLL_EVERY_S)


def judge(index: int, verdict: Verdict, provider: str, *, started: bool) -> Finding:
    """What became of an open send of an orphan. `started`: its SliceStarted is in the log.

    Without that no dot was ever written (I5), whoever owned it and wherever that was; for it is
    asked only when the owner is dead or past its deadline, and with the log read up to its end.
    """
    if not started:
        return _NEVER_DOTTED
    if verdict.owner is not Owner.DEAD:
        return _NOBODY_KNOWS
    if index in verdict.replied:
        return finding_of(Reply(Phase.DOT, verdict.replied[index]), provider)
    return _NOBODY_KNOWS if index in verdict.dotted else _NEVER_DOTTED


def _record(orphan: Orphan, verdict: Verdict, event_id: Callable[..., str]) -> Draft:
    found: dict[Finding, list[int]] = {}
    for index in each(masks.ranges(masks.read(orphan.open))):
        # Of a parked batch the SliceStarted may be the record that could not be read.
        started = orphan.folded > 0 or orphan.parked
        finding = judge(index, verdict, orphan.provider, started=started)
        found.setdefault(finding, []).append(index)
    event = OutcomesRecorded(
        release_id=orphan.release_id,
        batch_id=orphan.batch_id,
        tenant_id=orphan.tenant_id,
        campaign_id=orphan.campaign_id,
        n=orphan.n,
        ip=orphan.ip,
        provider=orphan.provider,
        source="sweeper",
        results=[finding.result(from_indexes(indexes)) for finding, indexes in found.items()],
        domain_id=orphan.domain_id,
    )
    told_id = event_id("swept", orphan.release_id, orphan.open)
    meta = now_meta(orphan.tenant_id, id=told_id, actor="sweeper")
    return Draft(Topic.ATTEMPTS, event, meta, subject=orphan.batch_id)
