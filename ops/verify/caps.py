"""Caps and quotas per (sending IP, mailbox provider, UTC day): in force, and started (I7).

The least of static cap and governor's quota binds a cell; a slice is stamped with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Generic, TypeVar

from domain.governor.draft import fresh
from domain.governor.state import Choice
from domain.sending import SliceStarted
from domain.sending_ip import EVERY_PROVIDER

#: How late a changed cap may reach the releaser: it refuses to release on rows that are older.
LATE_S = 10.0
UNLIMITED = float("inf")

Cell = tuple[str, str, date]


@dataclass
class Use:
    """What was charged to a cell, under which stamped caps, for which campaigns."""

    started: int = 0
    stamps: set[float] = field(default_factory=set)  # the caps that its slices say bound them
    campaigns: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Excess:
    """A cell that does not hold."""

    cell: Cell
    campaigns: frozenset[str]
    detail: str


NOT_GOVERNED = Choice("none", (), 0)
#: A quota above this is none: the releaser's columns hold no more.
QUOTA_MAX = 2**31 - 1


class Caps:
    """Folds caps, plans and quotas set and slices started, in any order.

    A slice is given once, by its caller.
    """

    def __init__(self) -> None:
        self._caps = _Told[float](UNLIMITED)
        self._plans = _Told[Choice](NOT_GOVERNED)
        self._quotas = _Told[float | None](None)
        self._cells: dict[Cell, Use] = defaultdict(Use)
        self._overruns: list[Excess] = []

    def set_cap(self, ip: str, provider: str, cap: int | None, at: datetime) -> None:
        """A cap was set at this moment; None: none binds."""
        self._caps.set[ip, provider].append((at, UNLIMITED if cap is None else cap))

    def choose_plan(self, ip: str, provider: str, choice: Choice, at: datetime) -> None:
        """A plan was chosen at this moment, by which the governor sets quotas."""
        self._plans.set[ip, provider].append((at, choice))

    def set_quota(self, ip: str, provider: str, quota: int, at: datetime) -> None:
        """The governor set a cell's quota at this moment."""
        self._quotas.set[ip, provider].append((at, UNLIMITED if quota >= QUOTA_MAX else quota))

    def charge(self, started: SliceStarted, size: int) -> None:
        """So many sends were started in a cell."""
        cell = (started.ip, started.provider, started.cap_day)
        use = self._cells[cell]
        use.started += size
        use.stamps.add(UNLIMITED if started.cap_per_day is None else started.cap_per_day)
        use.campaigns.add(started.campaign_id)
        if started.deadline_at > _midnight_after(started.cap_day):
            detail = f"{started.release_id} might send until {started.deadline_at.isoformat()}"
            self._overruns.append(Excess(cell, frozenset({started.campaign_id}), detail))

    def excesses(self) -> Iterator[Excess]:
        """What does not hold: a cell beyond its cap, a cap that was never in force, a late slice.

        The releaser charges a cell only up to the cap it stamps, so the largest stamp binds the
        sum, provided that each stamp was in force on that day.
        """
        yield from self._overruns
        for cell, use in self._cells.items():
            in_force, campaigns = self._in_force(cell), frozenset(use.campaigns)
            for stamp in sorted(use.stamps - in_force):
                detail = f"charged to a cap of {_told(stamp)}, which was not in force on that day"
                yield Excess(cell, campaigns, detail)
            limit = max(use.stamps & in_force or in_force)
            if use.started > limit:
                detail = f"{use.started} started, the largest cap in force was {_told(limit)}"
                yield Excess(cell, campaigns, detail)

    def _in_force(self, cell: Cell) -> set[float]:
        """The least of cap and quota that bound the cell at some time of its day."""
        quotas = self._quotas_of(cell)
        return {min(cap, quota) for cap in self._caps.of(cell) for quota in quotas}

    def _quotas_of(self, cell: Cell) -> set[float]:
        found: set[float] = set()
        for plan in self._plans.of(cell):
            if plan.plan == NOT_GOVERNED.plan:
                found.add(UNLIMITED)
                continue
            first = fresh("", "cell", cell[0], cell[1], plan).quota
            found |= {first if quota is None else quota for quota in self._quotas.of(cell)}
        return found


V = TypeVar("V")


class _Told(Generic[V]):
    """What was told of cells, `*` of each provider without a word of its own."""

    def __init__(self, at_first: V) -> None:
        self.set: dict[tuple[str, str], list[tuple[datetime, V]]] = defaultdict(list)
        self._at_first = at_first

    def of(self, cell: Cell) -> set[V]:
        """What held for the cell at some time of its day."""
        ip, provider, day = cell
        begin = datetime.combine(day, time.min, UTC) - timedelta(seconds=LATE_S)
        own = _span(self.set.get((ip, provider), []), begin, _midnight_after(day))
        every = _span(self.set.get((ip, EVERY_PROVIDER), []), begin, _midnight_after(day))
        if own and own[0][0] <= begin:
            every = []  # the provider's own word hid the general one all day
        elif not (every and every[0][0] <= begin):
            every = [(begin, self._at_first), *every]  # nothing was told at the day's beginning
        return {value for _, value in own + every}


def _span(
    history: list[tuple[datetime, V]], begin: datetime, end: datetime
) -> list[tuple[datetime, V]]:
    """What was set in the span: the last of before it, and each within it."""
    ordered = sorted(history, key=lambda entry: entry[0])
    before = [entry for entry in ordered if entry[0] <= begin]
    return before[-1:] + [entry for entry in ordered if begin < entry[0] < end]


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, UTC)


def _told(cap: float) -> str:
    return "none" if cap == UNLIMITED else str(int(cap))
