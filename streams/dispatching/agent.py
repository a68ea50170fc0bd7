"""pm.due.* → claimed slices → SMTP lanes → pm.attempts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from psycopg_pool import AsyncConnectionPool

from adapters import codec
from adapters.settings import Settings
from domain.event import Topic
from domain.ports import DeadLetters, EventLog, Lanes, Resolver
from domain.sending import SliceReleased
from streams import guard
from streams.dispatching.claim import Claims, Connection
from streams.dispatching.dispatcher import Dispatcher, Room
from streams.dispatching.dots import Dots
from streams.dispatching.outcomes import Outbox
from streams.dispatching.skeletons import Compile, Skeletons
from streams.dispatching.slice import Sending
from streams.dispatching.unknown_replies import UnknownReplies
from streams.runtime import StreamRuntime

READS = (Topic.DUE_HIGH, Topic.DUE_NORMAL, Topic.DUE_LOW)
WRITES = (Topic.ATTEMPTS,)
BACKED_BY = (
    "pipeline.release: unclaimed, its lease ends and it is released again;"
    " claimed, the sweeper concludes it after its deadline or its owner's death"
)

SLICES_MAX, SENDS_MAX = 200, 8000  # in flight in this process


@dataclass(frozen=True)
class DispatcherDeps:
    """What the dispatcher needs. `pool`: role pm_dispatcher. `started_log` has linger 0."""

    pool: AsyncConnectionPool[Connection]
    started_log: EventLog
    outcomes_log: EventLog
    lanes: Lanes  # that note their dots in `dots`
    resolver: Resolver
    compile: Compile
    dots: Dots
    owner: str  # names this process life: host and pid, say
    letters: DeadLetters


def install(app: StreamRuntime, settings: Settings, deps: DispatcherDeps) -> None:
    """Put one agent per priority on the app; a slow one stalls no other."""
    outbox, unknown = Outbox(deps.outcomes_log), UnknownReplies()
    dispatcher = dispatcher_of(settings, deps, outbox, unknown)

    async def step(record: Any) -> None:
        event = codec.recorded(record).event
        if isinstance(event, SliceReleased):
            await dispatcher.take(event)

    for topic in READS:
        name = "dispatching_" + topic.value.rpartition(".")[2]
        guard.agent(app, (topic,), name, step, deps.letters)
    app.beside(outbox.run)
    app.beside(partial(unknown.run, deps.pool))
    app.before_stop(dispatcher.drain)


def dispatcher_of(
    settings: Settings,
    deps: DispatcherDeps,
    outbox: Outbox,
    unknown: UnknownReplies | None = None,
) -> Dispatcher:
    """The dispatcher without a runtime around it; `outbox.run()` must run beside it."""
    claims = Claims(
        deps.pool,
        Skeletons(deps.compile),
        id_key=settings.id_key,
        owner=deps.owner,
        journal=deps.dots.name,
        slice_deadline_s=settings.slice_deadline_s,
        freshness_max_s=settings.freshness_max_s,
        stack_id=settings.stack_id,
    )
    sending = Sending(
        started_log=deps.started_log,
        outbox=outbox,
        lanes=deps.lanes,
        resolver=deps.resolver,
        dots=deps.dots,
        owner=deps.owner,
        id_key=settings.id_key,
        unknown=unknown or UnknownReplies(),
    )
    room = Room(SLICES_MAX, SENDS_MAX)
    return Dispatcher(claims, sending, room, slice_deadline_s=settings.slice_deadline_s)
