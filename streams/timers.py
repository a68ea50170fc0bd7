"""Turns that a Faust app takes by the clock, such as the releaser's tick and the sweep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from streams import guard
from streams.worker import WorkerApp


def every(app: WorkerApp, seconds: float, what: str, turn: Callable[[], Awaitable[object]]) -> None:
    """Take a turn each so many seconds, never two at once; one that fails is told and repeated."""

    async def once() -> None:
        await turn()

    @app.timer(interval=seconds, name=what)  # type: ignore[untyped-decorator]
    async def ticking() -> None:
        await guard.kept_alive(what, once)
