"""What records say about sends, as facts; which of them count; and which fact a send ends up with.

Plain functions on sets of indexes: what the ledger's rows become, whatever order facts come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.event import Recorded
from domain.sending import (
    STARTED,
    AmbiguityResolved,
    Outcome,
    OutcomesRecorded,
    SendsCancelled,
    SliceStarted,
    rank,
)
from projections.send_ledger import masks

STARTED_KIND = "started"
Batch = tuple[str, str]  # tenant_id, batch_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Sends of one batch that came to the same thing in attempt n."""

    batch: Batch
    n: int
    kind: str  # started or an Outcome
    mask: int  # the sends that the record names
    counted: int  # of these: the sends for which it counts
    at: datetime
    ip: str = ""
    reason: str = ""
    code: int = 0
    enhanced: str = ""
    phase: str = ""
    source: str = ""
    release_id: str = ""
    event_id: str = ""
    seq: int = 0
    topic: str = ""
    part: int = -1
    off: int = -1

    @property
    def weight(self) -> int:
        return rank(STARTED if self.kind == STARTED_KIND else Outcome(self.kind), self.n)


@dataclass
class Settled:
    """Of one attempt, as told on one topic: the sends with a definite outcome, and with any."""

    definite: int = 0
    told: int = 0


Attempt = tuple[Batch, int, str]  # batch, n, topic


def told_by(record: Recorded, topic: str) -> list[Fact]:
    """The facts in a record, none for other events. Raises ValueError for one that cannot be."""
    make = _READERS.get(type(record.event))
    if make is None:
        return []
    place: dict[str, Any] = {
        "at": record.meta.time,
        "event_id": record.meta.id,
        "topic": topic,
        "part": record.partition,
        "off": record.offset,
    }
    return [
        Fact(seq=seq, counted=fields["mask"], **place, **fields)
        for seq, fields in enumerate(make(record.event))
    ]


def _started(event: SliceStarted) -> Iterator[dict[str, Any]]:
    yield _common(event) | {
        "kind": STARTED_KIND,
        "mask": masks.from_ranges(event.ranges),
        "ip": event.ip,
        "release_id": event.release_id,
    }


def _outcomes(event: OutcomesRecorded) -> Iterator[dict[str, Any]]:
    for result in event.results:
        yield _common(event) | {
            "kind": Outcome(result["outcome"]).value,
            "mask": masks.from_ranges(result["ranges"]),
            "reason": str(result["reason"]),
            "code": int(result.get("code", 0)),
            "enhanced": str(result.get("enhanced", "")),
            "phase": str(result.get("phase", "")),
            "ip": event.ip,
            "source": event.source,
            "release_id": event.release_id,
        }


def _resolved(event: AmbiguityResolved) -> Iterator[dict[str, Any]]:
    yield _common(event) | {
        "kind": Outcome(event.outcome).value,
        "mask": masks.from_ranges(event.ranges),
        "ip": event.ip,
        "reason": event.evidence,
        "source": "evidence",
    }


def _cancelled(event: SendsCancelled) -> Iterator[dict[str, Any]]:
    yield _common(event) | {
        "kind": Outcome(event.outcome).value,
        "mask": masks.from_ranges(event.ranges),
        "reason": event.reason,
        "source": "release",
        "release_id": event.release_id,
    }


def _common(event: Any) -> dict[str, Any]:
    if event.n < 1:
        raise ValueError(f"attempt {event.n} cannot be")
    return {"batch": (event.tenant_id, event.batch_id), "n": event.n}


_READERS: dict[type, Callable[[Any], Iterator[dict[str, Any]]]] = {
    SliceStarted: _started,
    OutcomesRecorded: _outcomes,
    AmbiguityResolved: _resolved,
    SendsCancelled: _cancelled,
}


def is_outcome(fact: Fact) -> bool:
    return fact.kind != STARTED_KIND


def attempt(fact: Fact) -> Attempt:
    """What one topic says about one attempt is in one partition, hence in one order."""
    return fact.batch, fact.n, fact.topic


def count(facts: Iterable[Fact], settled: dict[Attempt, Settled]) -> list[Fact]:
    """The facts with what counts of each; `settled` is what counted before, and is updated.

    Of one (send, n) the first definite outcome counts, and before it the first ambiguous one
    (design-fixes.md 7).
    """
    return [_count(fact, settled) if is_outcome(fact) else fact for fact in facts]


def _count(fact: Fact, settled: dict[Attempt, Settled]) -> Fact:
    before = settled.setdefault(attempt(fact), Settled())
    ambiguous = fact.kind == Outcome.AMBIGUOUS
    counted = fact.mask & ~(before.told if ambiguous else before.definite)
    before.told |= counted
    if not ambiguous:
        before.definite |= counted
    return replace(fact, counted=counted)


@dataclass(frozen=True, slots=True)
class Stroke:
    """The heaviest fact of the sends [low, high) of a batch, and when the first attempt started."""

    low: int
    high: int
    fact: Fact
    started_at: datetime | None


def paint(facts: Sequence[Fact]) -> list[Stroke]:
    """For each send of one batch that the facts name: one stroke. Their order does not matter."""
    strokes = []
    heaviest = sorted(facts, key=lambda fact: (-fact.weight, fact.n))
    starts = sorted((fact for fact in facts if fact.kind == STARTED_KIND), key=lambda fact: fact.at)
    for fact, won in _share(heaviest):
        left = won
        for start, begun in _share(starts):
            strokes += [Stroke(*run, fact, start.at) for run in masks.runs(won & begun)]
            left &= ~begun
        strokes += [Stroke(*run, fact, None) for run in masks.runs(left)]
    return strokes


def _share(ordered: Iterable[Fact]) -> Iterator[tuple[Fact, int]]:
    """Each fact with the sends that no earlier one of the order has."""
    taken = 0
    for fact in ordered:
        yield fact, fact.counted & ~taken
        taken |= fact.counted
