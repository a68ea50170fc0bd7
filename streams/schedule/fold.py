"""The schedule's reader of the log: `projections.fold.Fold` over decisions, requests and attempts.

It is no read model (design-fixes.md 3): only it makes waiting rows, so it is not rebuilt beside a
running releaser.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import UTC, datetime

from domain.event import Recorded, Topic
from domain.ids import deriver
from domain.retries import retry_delay, used_up
from domain.sending import (
    AmbiguityResolved,
    BatchPlanned,
    OutcomesRecorded,
    SendsCancelled,
    SliceStarted,
)
from projections.fold import Connection
from streams.schedule import decisions, store
from streams.schedule.state import Batch, Deferral, Schedule, Wait

READER = "schedule"

#: Retries come due at multiples of this, so that outcomes of one moment share one waiting row.
RETRY_GRAIN_S = 0.5

_OF_A_BATCH = (BatchPlanned, SliceStarted, OutcomesRecorded, AmbiguityResolved, SendsCancelled)


class ScheduleFold:
    """Folds a poll with a fixed number of statements, whatever its size.

    Facts about batches may come in any order between partitions, and again: the rows are the same.
    """

    reader = READER
    topics = (Topic.DECISIONS, Topic.REQUESTS, Topic.ATTEMPTS)
    handles = decisions.HANDLES | {cls.event_type.name for cls in _OF_A_BATCH}

    def __init__(self, *, id_key: str, retry_scale: float) -> None:
        self._key = id_key.encode()
        self._release_id = deriver(self._key, "rel")
        self._retry_scale = retry_scale

    async def apply(self, conn: Connection, records: Sequence[Recorded]) -> None:
        """See `projections.fold.Fold`. Waits for a tick of the releaser that is under way."""
        await decisions.fold(conn, records)
        await decisions.fold_resent(conn, records)
        facts = [record for record in records if isinstance(record.event, _OF_A_BATCH)]
        if not facts:
            return
        batch_ids = {record.event.batch_id for record in facts}  # type: ignore[attr-defined]
        schedule = await store.load(conn, sorted(batch_ids), self.retry_at)
        for record in facts:
            feed(schedule, record)
        await store.save(conn, schedule, self._release_id)

    async def poisoned(self, conn: Connection, subject: str, reason: str) -> None:
        """Park the batch: nothing of it is released any more (design-fixes.md 13). Repeatable."""
        if not subject:
            return
        what = {"subject": subject, "reason": reason[:500] or "poison"}
        await conn.execute(store.SQL["lock"])
        await conn.execute(store.SQL["park"], what)
        await conn.execute(store.SQL["park_batch"], what)

    def retry_at(self, deferral: Deferral, batch: Batch) -> Wait:
        """When attempt n + 1 is due: the outcome's time, its class's delay, jitter from the ids.

        When the retries are used up there is none, and the send waits only to be ended as expired.
        """
        at_s = deferral.at.timestamp()
        if used_up(deferral.reason, deferral.n, batch.message_class):
            end = _moment((at_s // RETRY_GRAIN_S + 0.5) * RETRY_GRAIN_S)  # when no retry is due
            return Wait(end, end)
        part = f"{deferral.batch_id}\x1f{deferral.n}".encode()
        seed = hashlib.blake2b(part, key=self._key, digest_size=6).digest()
        jitter = int.from_bytes(seed) / 2**47 - 1
        wait = retry_delay(
            deferral.reason, deferral.n, batch.message_class, deferral.retry_after_s, jitter
        )
        due_s = at_s + wait.at_scale(self._retry_scale)
        due_at = _moment(math.ceil(due_s / RETRY_GRAIN_S) * RETRY_GRAIN_S)
        return Wait(due_at, batch.expires_at)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def feed(schedule: Schedule, record: Recorded) -> None:
    """Tell the schedule one fact. Raises ValueError or KeyError for one that cannot be."""
    at = record.meta.time
    match record.event:
        case BatchPlanned() as event:
            schedule.planned(event)
        case SliceStarted() as event:
            schedule.started(event, at)
        case OutcomesRecorded() as event:
            schedule.concluded(event, at)
        case AmbiguityResolved() as event:
            schedule.resolved(event, at)
        case SendsCancelled() as event:
            schedule.cancelled(event)
