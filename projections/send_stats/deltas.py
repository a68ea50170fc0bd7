"""By how much counters move when ledger rows change. Plain functions: what a poll adds up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from domain.outcomes import suppresses
from domain.sending import Outcome, state_of
from domain.usage import period_of
from projections.send_stats.signals import COUNTED

#: Every hour and day of every time zone of today begins with one.
BUCKET = timedelta(minutes=15)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
#: States whose reasons are counted.
EXPLAINED = frozenset(
    {Outcome.REJECTED, Outcome.SUPPRESSED, Outcome.EXPIRED, Outcome.CANCELLED, Outcome.AMBIGUOUS}
)
_ENDED = frozenset({Outcome.ACCEPTED, *EXPLAINED})


class About(NamedTuple):
    """What all sends of a batch share."""

    tenant_id: str
    batch_id: str
    campaign_id: str
    step: int
    provider: str
    requested_at: datetime


class Side(NamedTuple):
    """What ledger rows said, or say now."""

    weight: int
    ip: str
    at: datetime
    reason: str
    code: int
    started_at: datetime | None  # of the first attempt


class Step(NamedTuple):
    """So many rows of one batch went from one side to the other."""

    about: About
    before: Side
    after: Side
    sends: int


class Told(NamedTuple):
    """A signal under the IP that its send has."""

    tenant_id: str
    campaign_id: str
    step: int
    provider: str
    ip: str
    kind: str
    first: bool
    at: datetime


Cell = tuple[str, str, datetime, str, int, str, str]


@dataclass
class Deltas:
    """What is to be added to each counter; keys are those of the tables."""

    states: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    parts: Counter[tuple[About, str, str]] = field(default_factory=Counter)
    cells: Counter[Cell] = field(default_factory=Counter)
    reasons: Counter[tuple[str, date, str, str, str, str, int]] = field(default_factory=Counter)
    used: Counter[tuple[str, date]] = field(default_factory=Counter)

    def plan(self, about: About, size: int) -> None:
        """A batch was planned; its `waiting` rows of the campaign's counters are made with it."""
        self.parts[about, "waiting", ""] += size
        self._cell(about, "requested", "", about.requested_at, size)

    def move(self, steps: Iterable[Step]) -> None:
        """Ledger rows changed."""
        for step in steps:
            self._side(step.about, step.before, -step.sends)
            self._side(step.about, step.after, step.sends)

    def defer(self, about: About, ip: str, at: datetime, sends: int) -> None:
        """An attempt was put off for these sends."""
        self._cell(about, "deferred", ip, at, sends)

    def tell(self, signals: Iterable[Told], sign: int = 1) -> None:
        """Signals count, or with `sign` -1 no longer where they did."""
        for told in signals:
            once, each = COUNTED[told.kind]
            for metric in (once if told.first else "", each):
                if metric:
                    key = (told.tenant_id, told.campaign_id, bucket(told.at), metric)
                    self.cells[(*key, told.step, told.provider, told.ip)] += sign

    def _side(self, about: About, side: Side, sends: int) -> None:
        state = state_of(side.weight)
        self.states[about.tenant_id, about.campaign_id, about.provider, state] += sends
        self.parts[about, state, side.ip] += sends
        if side.started_at:
            month = period_of(side.started_at.astimezone(UTC).date())
            self.used[about.tenant_id, month] += sends
        if state in _ENDED:
            self._cell(about, metric_of(state, side.reason), side.ip, side.at, sends)
        if state in EXPLAINED:
            day = side.at.astimezone(UTC).date()
            where = (about.tenant_id, day, about.campaign_id, state, about.provider)
            self.reasons[(*where, side.reason, side.code)] += sends

    def _cell(self, about: About, metric: str, ip: str, at: datetime, sends: int) -> None:
        key = (about.tenant_id, about.campaign_id, bucket(at), metric)
        self.cells[(*key, about.step, about.provider, ip)] += sends


def metric_of(state: str, reason: str) -> str:
    """What an ended send counts as: rejected ones by whether the address itself was refused."""
    if state != Outcome.REJECTED:
        return state
    return "hard" if suppresses(reason) else "soft"


def bucket(at: datetime) -> datetime:
    """The beginning of the quarter of an hour (UTC) that holds this moment."""
    return at - (at - _EPOCH) % BUCKET
