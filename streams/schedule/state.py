"""The facts about batches, folded without knowing in which order their partitions are read.

Pure: `Schedule` holds the rows that a poll touches, and what becomes of them. Per (batch, attempt
n) it keeps sets of indexes; what waits is what was scheduled, less what was started or concluded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from domain import fatigue, masks
from domain.outcomes import is_absent
from domain.sending import (
    BATCH_SIZE_MAX,
    AmbiguityResolved,
    BatchPlanned,
    Outcome,
    OutcomesRecorded,
    Priority,
    SendsCancelled,
    SliceStarted,
)
from domain.uses import use_of

#: `OutcomesRecorded.source` of the worker whose claim won.
OWNER = "owner"

Key = tuple[str, int]  # (batch_id, attempt n)

#: Ends that the owner records without any attempt: they use nothing of a cap.
_UNATTEMPTED = frozenset({Outcome.SUPPRESSED, Outcome.CANCELLED})


@dataclass
class AttemptSet:
    """The indexes of attempt n of a batch that were ever scheduled, started, concluded.

    `ambiguous`: of the concluded, those without a definite outcome yet. `spoken`: those whose owner
    reported them itself, once, and so will say nothing else. `absent`: those that DNS had no domain
    for.
    """

    scheduled: int = 0
    started: int = 0
    concluded: int = 0
    ambiguous: int = 0
    spoken: int = 0
    absent: int = 0


@dataclass(frozen=True)
class Batch:
    """What the schedule needs to know of a batch."""

    batch_id: str
    tenant_id: str
    campaign_id: str
    provider: str
    priority: str
    message_class: str
    due_at: datetime
    expires_at: datetime
    size: int
    step: int = 1
    content_id: str = ""
    zone: str = ""


@dataclass(frozen=True)
class Deferral:
    """Sends whose attempt n was deferred: when it happened and what decides the wait."""

    batch_id: str
    n: int
    mask: int
    reason: str
    retry_after_s: int | None
    at: datetime


class Wait(NamedTuple):
    """When sends are due; from when on they are ended instead. Not later than due: at once."""

    due_at: datetime
    expires_at: datetime


#: How the sends of a deferral wait for the next attempt: a pure function of it and its batch. One
#: `due_at` goes with one `expires_at`, for it is what waiting sends of (batch, n) are kept under.
RetryAt = Callable[[Deferral, Batch], Wait]


@dataclass
class Schedule:
    """The touched part of the schedule. Feed facts in; then read what changed.

    To be filled first: `batches` and `sets` of every batch that is named, and the `deferrals` that
    wait for a batch.
    """

    retry_at: RetryAt
    batches: dict[str, Batch] = field(default_factory=dict)
    sets: dict[Key, AttemptSet] = field(default_factory=dict)
    deferrals: list[Deferral] = field(default_factory=list)

    new_batches: list[Batch] = field(default_factory=list)
    new_deferrals: list[Deferral] = field(default_factory=list)
    touched: set[Key] = field(default_factory=set)
    gone: defaultdict[Key, int] = field(default_factory=lambda: defaultdict(int))
    starts: dict[str, tuple[SliceStarted, datetime]] = field(default_factory=dict)
    unattempted: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _added: defaultdict[tuple[str, int, Wait], int] = field(
        default_factory=lambda: defaultdict(int)
    )

    # ---- facts

    def planned(self, event: BatchPlanned) -> None:
        """The sends of a batch wait for their first attempt, those deferred already for more."""
        if event.batch_id in self.batches:
            return
        if not 1 <= event.size <= BATCH_SIZE_MAX:
            raise ValueError(f"a batch holds 1 to {BATCH_SIZE_MAX} sends, not {event.size}")
        Priority(event.priority)
        batch = _batch(event)
        self.batches[batch.batch_id] = batch
        self.new_batches.append(batch)
        wait = Wait(batch.due_at, batch.expires_at)
        self._schedule(batch, 1, wait, (1 << batch.size) - 1)
        for deferral in self.deferrals + self.new_deferrals:
            if deferral.batch_id == batch.batch_id:
                self._retry(deferral, batch)
        self.new_deferrals = [d for d in self.new_deferrals if d.batch_id != batch.batch_id]

    def started(self, event: SliceStarted, at: datetime) -> None:
        """These indexes may be on the wire: they wait no more, whoever released them."""
        mask = masks.of(event.ranges)
        for name in event.uses:
            use_of(name)  # raises for one that is none
        self._set(event.batch_id, event.n).started |= mask
        self.gone[event.batch_id, event.n] |= mask
        self.starts.setdefault(event.release_id, (event, at))

    def concluded(self, event: OutcomesRecorded, at: datetime) -> None:
        """The first definite outcome of each index counts; a deferred one is scheduled again."""
        for result in event.results:
            outcome, mask = Outcome(result["outcome"]), masks.of(result["ranges"])
            fresh = self._conclude(event.batch_id, event.n, outcome, mask)
            if event.source == OWNER:
                self._set(event.batch_id, event.n).spoken |= mask
                if outcome is Outcome.DEFERRED and is_absent(result):
                    self._set(event.batch_id, event.n).absent |= mask
            if outcome is Outcome.DEFERRED and fresh:
                wait_s = result.get("retry_after_s")
                self._defer(Deferral(event.batch_id, event.n, fresh, result["reason"], wait_s, at))
            put_off = result["reason"] == fatigue.REASON or is_absent(result)
            if (outcome in _UNATTEMPTED or put_off) and event.source == OWNER:
                self.unattempted[event.release_id] |= mask

    def resolved(self, event: AmbiguityResolved, at: datetime) -> None:
        """Later evidence is a definite outcome."""
        outcome, mask = Outcome(event.outcome), masks.of(event.ranges)
        fresh = self._conclude(event.batch_id, event.n, outcome, mask)
        if outcome is Outcome.DEFERRED and fresh:
            self._defer(Deferral(event.batch_id, event.n, fresh, "RESOLVED", None, at))

    def cancelled(self, event: SendsCancelled) -> None:
        """Waiting sends ended without a further attempt."""
        mask = masks.of(event.ranges)
        self._conclude(event.batch_id, event.n, Outcome(event.outcome), mask)

    # ---- what changed

    def waiting(self) -> dict[tuple[str, int, Wait], int]:
        """What is to be added to the waiting rows: (batch, n, wait) → indexes, none empty."""
        found = {}
        for (batch_id, n, wait), mask in self._added.items():
            known = self.sets[batch_id, n]
            left = mask & ~(known.started | known.concluded)
            if left:
                found[batch_id, n, wait] = left
        return found

    # ---- steps

    def _set(self, batch_id: str, n: int) -> AttemptSet:
        if n < 1:
            raise ValueError(f"attempts are counted from 1, not {n}")
        self.touched.add((batch_id, n))
        return self.sets.setdefault((batch_id, n), AttemptSet())

    def _conclude(self, batch_id: str, n: int, outcome: Outcome, mask: int) -> int:
        """Which of the indexes got their first definite outcome (or, if ambiguous, any) by this."""
        known = self._set(batch_id, n)
        fresh = mask & ~known.concluded
        if outcome is Outcome.AMBIGUOUS:
            known.ambiguous |= fresh
        else:
            fresh |= mask & known.ambiguous
            known.ambiguous &= ~fresh
        known.concluded |= fresh
        self.gone[batch_id, n] |= mask
        return fresh

    def _defer(self, deferral: Deferral) -> None:
        batch = self.batches.get(deferral.batch_id)
        if batch:
            self._retry(deferral, batch)
        else:
            self.new_deferrals.append(deferral)

    def _retry(self, deferral: Deferral, batch: Batch) -> None:
        self._schedule(batch, deferral.n + 1, self.retry_at(deferral, batch), deferral.mask)

    def _schedule(self, batch: Batch, n: int, wait: Wait, mask: int) -> None:
        """Once per (send, n): what was ever scheduled is not scheduled again (I4)."""
        known = self._set(batch.batch_id, n)
        fresh = mask & ~known.scheduled
        known.scheduled |= fresh
        if fresh:
            self._added[batch.batch_id, n, wait] |= fresh


def _batch(event: BatchPlanned) -> Batch:
    return Batch(
        batch_id=event.batch_id,
        tenant_id=event.tenant_id,
        campaign_id=event.campaign_id,
        provider=event.provider,
        priority=event.priority,
        message_class=event.message_class,
        due_at=event.due_at,
        expires_at=event.expires_at,
        size=event.size,
        step=event.step,
        content_id=event.content_id,
        zone=event.zone,
    )
