"""Dispatchers over real claims, with twins of their other ports, for tests of what leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from adapters import postgres
from adapters.settings import Settings
from domain.ports import Message, Reply, Route
from streams.dispatching.agent import DispatcherDeps, dispatcher_of
from streams.dispatching.dispatcher import Dispatcher
from streams.dispatching.dots import Dots
from streams.dispatching.outcomes import Outbox
from tests import pipeline_world as world
from tests.dispatch_kit import ACCEPTED, MemoryJournal, MemoryLog, PlainRenderer, ScriptedLanes

ROUTES = {
    "gmail.test": world.mx("google"),
    "nomail.test": Route("", (), "null_mx"),
    "gone.test": Route("", (), "no_domain"),
    "gone.invalid": Route("", (), "no_domain"),
}


@dataclass
class Desk:
    """A dispatcher and what it works with."""

    dispatcher: Dispatcher
    started: MemoryLog
    outcomes: MemoryLog
    lanes: ScriptedLanes
    journal: MemoryJournal
    deps: DispatcherDeps

    async def until_settled(self, released: world.Released) -> None:
        """Until the release's last outcome is in the log."""
        await until(lambda: ("concluded", released.release_id) in self.journal.notes)


Make = Callable[..., Desk]


async def until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def desks(dsn: str) -> AsyncIterator[Make]:
    """Makes dispatchers; `answer` scripts the peer."""
    tasks: list[asyncio.Task[None]] = []
    async with postgres.pool(dsn, "pm_dispatcher") as pool:

        def one(
            answer: Callable[[Message], Reply | None] = lambda _: ACCEPTED, **settings: Any
        ) -> Desk:
            journal, started, outcomes = MemoryJournal(), MemoryLog(), MemoryLog()
            dots = Dots(journal)
            lanes = ScriptedLanes(dots, answer)
            deps = DispatcherDeps(
                pool=pool,
                started_log=started,
                outcomes_log=outcomes,
                lanes=lanes,
                resolver=world.ScriptedResolver(ROUTES),
                compile=lambda _: PlainRenderer(),
                dots=dots,
                owner="test",
                letters=world.NoLetters(),
            )
            outbox = Outbox(outcomes)
            dispatcher = dispatcher_of(Settings(**settings), deps, outbox)
            tasks.append(asyncio.create_task(outbox.run()))
            return Desk(dispatcher, started, outcomes, lanes, journal, deps)

        yield one
    for task in tasks:
        task.cancel()
