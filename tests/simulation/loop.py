"""An event loop of a process that somebody else holds the strings of: it runs only when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.simulation.clock import Clock

T = TypeVar("T")


class SimLoop(asyncio.SelectorEventLoop):
    """Its time is the simulation's: timers fire when that has moved and the loop is run."""

    def __init__(self, clock: Clock) -> None:
        self._sim_clock = clock
        super().__init__()
        self.set_exception_handler(lambda *_: None)  # a killed process tells nobody

    def time(self) -> float:
        return self._sim_clock.monotonic()

    def run_what_can(self, busy: Callable[[], bool]) -> None:
        """Run until nothing can go on without the world: no timer is due and no answer awaited."""
        while True:
            self.call_soon(self.stop)
            self.run_forever()
            if not self._has_work() and not busy():
                return

    def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one piece of work to its end."""
        return self.run_until_complete(work)

    def _has_work(self) -> bool:
        scheduled: list[Any] = self._scheduled  # type: ignore[attr-defined]
        due = bool(scheduled) and scheduled[0].when() <= self.time()
        return due or bool(self._ready)  # type: ignore[attr-defined]
