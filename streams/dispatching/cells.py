"""How much may be in flight to one cell (sending IP and provider): what it takes within seconds.

A slice that is claimed cannot be paused, cancelled or taken over any more, and what its deadline
cuts off is work for nothing. So a cell is given its first slice alone, and as much as it has shown
to take in HORIZON_S from then on; further hints wait here, unclaimed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from domain.sending import SliceReleased

HORIZON_S = 1.5
#: With less than this much work left the next slice is taken, whatever its size: no idle lane.
LOW_S = 0.3
#: The rate is measured over windows of this length, and smoothed over a few of them.
WINDOW_S = 0.2
SMOOTHING = 0.4


class Cell:
    """Hints that wait for a cell, and the sends that are in flight to it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hints: deque[SliceReleased] = deque()
        self._in_flight = 0
        self._rate = 0.0  # attempts per second
        self._window_at, self._window_took = clock(), 0

    def wait(self, hint: SliceReleased) -> None:
        """Put a hint last."""
        self._hints.append(hint)

    def next(self) -> SliceReleased | None:
        """The hint whose turn it is, counted as in flight from now on; None: not yet, or none."""
        if not self._hints or not self._admits(self._hints[0].size):
            return None
        hint = self._hints.popleft()
        self._in_flight += hint.size
        return hint

    def took(self, sends: int) -> None:
        """So many attempts came to an end: what the cell takes is measured by them alone."""
        self._in_flight -= sends
        self._window_took += sends
        self._measure()

    def give_back(self, sends: int) -> None:
        """So many are in flight no more without an attempt: not claimed, or not to be mailed."""
        self._in_flight -= sends

    def forget(self) -> None:
        """Drop what waits: its leases end, and it is released again."""
        self._hints.clear()

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is in flight."""
        return not self._hints and not self._in_flight

    def _admits(self, sends: int) -> bool:
        low = self._in_flight <= self._rate * LOW_S
        return low or self._in_flight + sends <= self._rate * HORIZON_S

    def _measure(self) -> None:
        passed = self._clock() - self._window_at
        if passed >= WINDOW_S:
            latest = self._window_took / passed
            self._rate = SMOOTHING * latest + (1 - SMOOTHING) * self._rate
            self._window_at, self._window_took = self._clock(), 0
