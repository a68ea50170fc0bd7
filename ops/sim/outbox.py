"""Mail on its way to one receiver: new of the day, and deferred with doubling backoff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ops.sim.receiver import Verdict

EXPIRES_H = 72
BACKOFF_MAX_H = 12


@dataclass(slots=True)
class Lot:
    """Messages that were handed in together and waited alike."""

    count: int
    first_h: int
    tries: int
    due_h: int


class Outbox:
    """Deferred mail leaves before new mail; at the end of a day new mail goes to other IPs."""

    def __init__(self) -> None:
        self.fresh = 0
        self.lost = 0
        self._lots: list[Lot] = []

    @property
    def waiting(self) -> int:
        """Messages that were handed in and have not ended."""
        return sum(lot.count for lot in self._lots)

    def expire(self, hour: int) -> None:
        """What is too old is lost."""
        for lot in self._lots:
            if hour - lot.first_h >= EXPIRES_H:
                self.lost += lot.count
                lot.count = 0
        self._lots = [lot for lot in self._lots if lot.count]

    def due(self, hour: int) -> int:
        """Messages that may be attempted in this hour."""
        return self.fresh + sum(lot.count for lot in self._lots if lot.due_h <= hour)

    def draw(self, hour: int, count: int) -> list[Lot]:
        """Take messages out to attempt them, deferred ones first, oldest first."""
        drawn = list(self._draw_deferred(hour, count))
        new = min(self.fresh, count - sum(lot.count for lot in drawn))
        if new > 0:
            self.fresh -= new
            drawn.append(Lot(new, hour, 0, hour))
        return drawn

    def _draw_deferred(self, hour: int, count: int) -> Iterator[Lot]:
        for lot in self._lots:
            taken = min(lot.count, count) if lot.due_h <= hour else 0
            if taken > 0:
                lot.count -= taken
                count -= taken
                yield Lot(taken, lot.first_h, lot.tries, lot.due_h)
        self._lots = [lot for lot in self._lots if lot.count]

    def settle(self, hour: int, drawn: list[Lot], verdict: Verdict) -> None:
        """Put back what was deferred; what was blocked is lost. The first ones were let in."""
        self.lost += verdict.blocked
        left = verdict.deferred
        for lot in reversed(drawn):
            back = min(lot.count, left)
            left -= back
            if back:
                wait = min(BACKOFF_MAX_H, 1 << lot.tries)
                self._lots.append(Lot(back, lot.first_h, lot.tries + 1, hour + wait))
