"""Caps per (sending IP, mailbox provider, UTC day): what was in force, what was started (I7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

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


class Caps:
    """Folds caps set and slices started, in any order. A slice is given once, by its caller."""

    def __init__(self) -> None:
        self._set: dict[tuple[str, str], list[tuple[datetime, float]]] = defaultdict(list)
        self._cells: dict[Cell, Use] = defaultdict(Use)
        self._overruns: list[Excess] = []

    def set_cap(self, ip: str, provider: str, cap: int | None, at: datetime) -> None:
        """A cap was set at this moment; None: none binds."""
        self._set[ip, provider].append((at, UNLIMITED if cap is None else cap))

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
        """The caps that bound the cell at some time of its day."""
        ip, provider, day = cell
        begin = datetime.combine(day, time.min, UTC) - timedelta(seconds=LATE_S)
        own = _span(self._set.get((ip, provider), []), begin, _midnight_after(day))
        every = _span(self._set.get((ip, EVERY_PROVIDER), []), begin, _midnight_after(day))
        if own and own[0][0] <= begin:
            every = []  # the provider's own cap hid the general one all day
        elif not (every and every[0][0] <= begin):
            every = [(begin, UNLIMITED), *every]  # nothing bound at the day's beginning
        return {cap for _, cap in own + every}


def _span(
    history: list[tuple[datetime, float]], begin: datetime, end: datetime
) -> list[tuple[datetime, float]]:
    """The caps of the span: the last one set before it, and each set within it."""
    ordered = sorted(history)
    before = [entry for entry in ordered if entry[0] <= begin]
    return before[-1:] + [entry for entry in ordered if begin < entry[0] < end]


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, UTC)


def _told(cap: float) -> str:
    return "none" if cap == UNLIMITED else str(int(cap))
