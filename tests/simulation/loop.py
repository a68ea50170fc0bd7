"""An event loop of a process that somebody else holds the strings of: it runs only when told to."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.simulation.clock import Clock

T = TypeVar("T")


class Watch(selectors.PollSelector):
    """Asks the kernel only while a connection is being made: nothing else here is waited for."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout) if self.get_map() else []


class SimLoop(asyncio.SelectorEventLoop):
    """Its time is the simulation's: timers fire when that has moved and the loop is run.

    It has no threads, so nothing outside wakes it: what is sent to one is done at once.
    """

    def __init__(self, clock: Clock) -> None:
        self._sim_clock = clock
        super().__init__(Watch())
        self.set_exception_handler(lambda *_: None)  # a killed process tells nobody

    def time(self) -> float:
        return self._sim_clock.monotonic()

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        assert executor is None
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whoever awaits it gets it
            done.set_exception(error)
        return done

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

    def _make_self_pipe(self) -> None:
        self._ssock = self._csock = None

    def _close_self_pipe(self) -> None:
        pass
