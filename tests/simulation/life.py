"""One life of a dispatcher: production's own, on a loop and on ports that the world holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import AsyncConnection

from adapters import codec
from adapters.dot_journal import DotJournal
from adapters.kafka_log import Draft, LogUnavailable
from adapters.settings import Settings
from domain.ports import Consignment, NotRendered, Phase, Reply, Report
from streams.dispatching.agent import DispatcherDeps, dispatcher_of
from streams.dispatching.dots import Dots
from streams.dispatching.outcomes import Outbox
from tests.dispatch_kit import PlainRenderer
from tests.pipeline_world import NoLetters, ScriptedResolver, mx
from tests.schedule_kit import ID_KEY
from tests.simulation import connections
from tests.simulation.clock import Clock
from tests.simulation.log import SimLog
from tests.simulation.loop import SimLoop
from tests.simulation.wire import Wire

ROUTES = {"gmail.test": mx("google"), "yahoo.test": mx("yahoo")}
LOST = Reply(Phase.DOT, 0, "connection lost")
LATE = Reply(Phase.DATA, 0, "deadline")
NO_DOT = Reply(Phase.DATA, 0, "dot journal")


@dataclass(eq=False)
class Held:
    """Something a process waits for: an acknowledgement, a turn on the wire, a reply."""

    kind: str  # started, outcomes, data, dot, reply
    what: Any
    answer: asyncio.Future[str]

    def resolve(self, answer: str) -> None:
        """Let it go on, once it is run."""
        if not self.answer.done():
            self.answer.set_result(answer)


@dataclass
class Line:
    """The process's door to Postgres: one connection, one user of it at a time."""

    dsn: str
    conn: connections.Kept | None = None
    users: int = 0
    loses_answer: bool = False  # of the next transaction: it is committed, and nobody hears of it
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """As psycopg's pool."""
        self.users += 1
        try:
            async with self._turn:
                self.conn = self.conn or await connections.connect(self.dsn, "pm_dispatcher")
                yield self.conn
                if self.loses_answer:
                    self.loses_answer = False
                    raise psycopg.OperationalError("the answer got lost")
        finally:
            self.users -= 1


class Life:
    """A dispatcher from its start to its end. Nothing of it runs but in `run`."""

    def __init__(self, name: str, dsn: str, log: SimLog, wire: Wire, data_dir: Path) -> None:
        self.name, self._log, self._wire = name, log, wire
        self.frozen = False
        self.held: list[Held] = []
        #: Records a producer still tries to write although nobody waits for them any more.
        self.afloat: list[Sequence[Draft]] = []
        self.journal = DotJournal(data_dir)
        self.loop = SimLoop(log.clock)
        self.line = Line(dsn)
        self._dots = Dots(self.journal)
        outbox = Outbox(HeldLog(self, "outcomes"))
        self._dispatcher = dispatcher_of(settings(), self._deps(), outbox)
        self.loop.create_task(outbox.run())
        self.run()

    def _deps(self) -> DispatcherDeps:
        return DispatcherDeps(
            pool=cast("Any", self.line),
            started_log=HeldLog(self, "started"),
            outcomes_log=HeldLog(self, "outcomes"),
            lanes=HeldLanes(self, self._dots, self._wire, self._log.clock),
            resolver=ScriptedResolver(ROUTES),
            compile=lambda _: PlainRenderer(),
            dots=self._dots,
            owner=self.name,
            letters=NoLetters(),
        )

    def hint(self, record: Any) -> None:
        """A record of a lane arrived."""
        event: Any = codec.recorded(record).event
        self.loop.create_task(self._dispatcher.take(event))
        self.run()

    def run(self) -> None:
        """Go on as far as it can, unless it is frozen."""
        if not self.frozen:
            self.loop.run_what_can(lambda: self.line.users > 0)
            self.held = [held for held in self.held if not held.answer.done()]

    async def hold(self, kind: str, what: Any) -> str:
        """Wait until the world says how it goes on."""
        held = Held(kind, what, self.loop.create_future())
        self.held.append(held)
        return await held.answer

    def answer(self, held: Held, answer: str) -> None:
        """How it goes on with what is held; a record in doubt is stored or not."""
        if held.kind in {"started", "outcomes"} and answer != "lost":
            self._log.store(held.what)
        held.resolve(answer)
        self.run()

    def kill(self, *, with_machine: bool) -> None:
        """End as by kill -9: no code of it runs any more. With its machine the journal goes too."""
        if self.line.conn is not None:
            self.line.conn.leave()
        self.journal.forget()
        if with_machine:
            self.journal.path.unlink()
        self.held = []
        self.loop.close()
        with suppress(RuntimeError, StopIteration):  # Python tears its memory down: nothing starts
            self._dispatcher.drain().send(None)


class HeldLog:
    """`domain.ports.EventLog` whose acknowledgements the world gives, or does not."""

    def __init__(self, life: Life, kind: str) -> None:
        self._life, self._kind = life, kind

    async def append(self, drafts: Sequence[Draft], timeout_s: float = 30.0) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._life.hold(self._kind, list(drafts))
        except TimeoutError as error:
            self._life.afloat.append(list(drafts))
            raise LogUnavailable("no acknowledgement in time") from error
        if answer == "lost":
            self._life.afloat.append(list(drafts))
        if answer != "stored":
            raise LogUnavailable("not acknowledged")


class HeldLanes:
    """`domain.ports.Lanes`: each mail waits for the world before its dot, at its dot, and after."""

    def __init__(self, life: Life, dots: Dots, wire: Wire, clock: Clock) -> None:
        self._life, self._dots, self._wire, self._clock = life, dots, wire, clock

    async def deliver(self, consignment: Consignment, report: Report) -> None:
        for index in consignment.indexes:
            try:
                message = consignment.render(index)
            except NotRendered:
                continue
            await self._life.hold("data", message)
            if self._clock.monotonic() >= consignment.deadline:
                report(index, LATE)
                continue
            await self._life.hold("dot", message)
            report(index, await self._dotted(consignment.release_id, index, message))

    async def _dotted(self, release_id: str, index: int, message: Any) -> Reply:
        try:
            self._dots.dotted(release_id, index)
        except OSError:
            return NO_DOT
        reply = self._wire.dot(message)
        if await self._life.hold("reply", message) == "lost":
            return LOST
        self._dots.replied(release_id, index, reply.code)
        return reply

    async def close(self) -> None:
        """Nothing to let go of."""


@cache
def settings() -> Settings:
    """The same for every process of a world."""
    return Settings(
        id_key=ID_KEY,
        stack_id="stk_sim",
        slice_deadline_s=60.0,
        lease_s=15.0,
        freshness_max_s=10.0,
    )
