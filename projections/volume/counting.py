"""Counts attempts by cell and UTC day as the governor does; each send's first definite outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Any

from domain import fatigue, masks
from domain.event import Recorded
from domain.governor.answers import counted
from domain.governor.inputs import Finding
from domain.indexes import count
from domain.outcome_rules import OutcomeClass
from domain.outcomes import is_absent
from domain.sending import Outcome, OutcomesRecorded, Result, SliceStarted

KINDS = ("started", "accepted", "deferred", "blocked", "hard", "other")
#: What an attempt came to; the other outcomes end a send without one, or leave it open.
DEFINITE = frozenset({Outcome.ACCEPTED.value, Outcome.DEFERRED.value, Outcome.REJECTED.value})

Release = tuple[str, str]  # (tenant_id, release_id)
Day = tuple[str, str, str, date]  # (tenant_id, ip, provider, day)
Row = dict[str, Any]


def release_of(record: Recorded) -> Release:
    """The release that a record about attempts is of."""
    event: Any = record.event
    return event.tenant_id, event.release_id


@dataclass
class Counting:
    """What is counted so far of some releases, and what records add to days."""

    started: set[Release] = field(default_factory=set)
    settled: dict[Release, int] = field(default_factory=dict)  # indexes, as a mask
    touched: dict[Release, None] = field(default_factory=dict)
    days: dict[Day, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def over(cls, rows: Iterable[Sequence[Any]]) -> Counting:
        """From the rows that are there: (tenant_id, release_id, started, counted)."""
        made = cls()
        for tenant_id, release_id, started, told in rows:
            made.settled[tenant_id, release_id] = masks.read(told)
            if started:
                made.started.add((tenant_id, release_id))
        return made

    def take(self, record: Recorded) -> None:
        """Count what of a record was not counted before. Raises ValueError for odd ranges."""
        release = release_of(record)
        event = record.event
        if isinstance(event, SliceStarted) and release not in self.started:
            self.started.add(release)
            self._add(event, event.cap_day, {"started": count(event.ranges)}, release)
        elif isinstance(event, OutcomesRecorded):
            found = self._found(release, event.results)
            if any(found.values()):
                self._add(event, record.meta.time.astimezone(UTC).date(), found, release)

    def _found(self, release: Release, results: Sequence[Result]) -> dict[str, int]:
        """Sends by kind of answer, of those that had no definite outcome yet."""
        findings = []
        for result in results:
            if result["outcome"] not in DEFINITE or _is_untried(result):
                continue
            settled = self.settled.get(release, 0)
            fresh = masks.of(result["ranges"]) & ~settled
            self.settled[release] = settled | fresh
            findings.append(_finding(result, fresh.bit_count()))
        counts, silent = counted(tuple(findings))
        known = {
            name: getattr(counts, name) for name in ("accepted", "deferred", "blocked", "hard")
        }
        return known | {"other": sum(silent.values())}

    def _add(self, event: Any, day: date, found: dict[str, int], release: Release) -> None:
        self.touched[release] = None
        cell = (event.tenant_id, event.ip, event.provider, day)
        sums = self.days.setdefault(cell, dict.fromkeys(KINDS, 0))
        for name, sends in found.items():
            sums[name] += sends

    def release_rows(self) -> list[Row]:
        """The releases that changed."""
        return [
            {
                "tenant_id": release[0],
                "release_id": release[1],
                "started": release in self.started,
                "counted": masks.text(self.settled.get(release, 0)),
            }
            for release in self.touched
        ]

    def day_rows(self) -> list[Row]:
        """What each day of a cell gains."""
        names = ("tenant_id", "ip", "provider", "day")
        return [dict(zip(names, cell, strict=True)) | sums for cell, sums in self.days.items()]


def _is_untried(result: Result) -> bool:
    """Put off before any attempt: for the contact's sake, or as DNS has no such domain."""
    deferred = result["outcome"] == Outcome.DEFERRED
    return deferred and (result["reason"] == fatigue.REASON or is_absent(result))


def _finding(result: Result, sends: int) -> Finding:
    accepted = result["outcome"] == Outcome.ACCEPTED
    reason = OutcomeClass.ACCEPTED.value if accepted else result["reason"]
    return Finding(reason, sends, result.get("phase", ""), result.get("code", 0))
