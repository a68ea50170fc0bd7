"""Makes the Faust app of a role and runs it: one consumer, no web server, drained on SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import structlog
import uvloop
from faust.app import App, BootStrategy

from adapters import logs
from adapters.settings import Settings
from domain.event import Topic

#: A supervised worker comes back under the same instance id within seconds (design-fixes.md 19).
SESSION_TIMEOUT_S = 8.0
HEARTBEAT_S = 0.5
COMMIT_EVERY_S = 0.5
#: Longer than the slowest drain, shorter than the supervisor's patience.
STOP_MAX_S = 28.0

log = structlog.get_logger(__name__)

#: Puts agents and timers on the app. What it opens goes onto the stack, closed after the app stops.
Install = Callable[["WorkerApp", AsyncExitStack], Awaitable[None]]
Drain = Callable[[], Awaitable[None]]
Ready = Callable[[], None]


class Boot(BootStrategy):
    """Starts neither a web server nor, in an app that reads no topic, a consumer."""

    enable_web = False

    def _should_enable_kafka_consumer(self) -> bool:
        return bool(self.app.agents)


class WorkerApp(App):
    """A Faust app with an end: what it has begun is finished before its consumer stops."""

    BootStrategy = Boot

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._drains: list[Drain] = []

    def before_stop(self, drain: Drain) -> None:
        """Call this when the app is told to stop; records still come meanwhile."""
        self._drains.append(drain)

    async def on_stop(self) -> None:
        """Drain, then stop as every Faust app does."""
        for drain in self._drains:
            await drain()
        await super().on_stop()


def make_app(role: str, settings: Settings) -> WorkerApp:
    """The Faust app of a role: at least once, one actor per agent, no tables, no own topics."""
    datadir = settings.data_dir.absolute() / "faust" / f"{role}-{settings.instance}"
    datadir.parent.mkdir(parents=True, exist_ok=True)
    return WorkerApp(
        f"{settings.prefix}pm-{role}",
        broker=f"kafka://{settings.kafka_bootstrap}",
        store="memory://",
        datadir=str(datadir),
        key_serializer="raw",
        value_serializer="raw",
        consumer_group_instance_id=f"{settings.prefix}pm-{role}-{settings.instance}",
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_commit_interval=COMMIT_EVERY_S,
        processing_guarantee="at_least_once",
        stream_wait_empty=True,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
    )


def records(app: WorkerApp, settings: Settings, topic: Topic) -> Any:
    """The channel of raw records of a topic; iterate `stream.events()` for headers and offsets."""
    return app.topic(
        settings.prefix + topic.value,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        acks=True,
    )


def run(role: str, settings: Settings, install: Install, ready: Ready = lambda: None) -> None:
    """Run the app of a role until SIGTERM or SIGINT.

    `ready` is called once the app has its partitions. An app that crashed, or did not stop within
    STOP_MAX_S, ends the process with status 1, and the supervisor may start it again.
    """
    logs.configure(settings.log_level, role)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stopped = runner.run(_serve(role, settings, install, ready))
        if not stopped:  # a thread or a task may hang: leaving the runner would wait for it
            os._exit(1)


async def _serve(role: str, settings: Settings, install: Install, ready: Ready) -> bool:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = make_app(role, settings)
    async with AsyncExitStack() as stack:
        await install(app, stack)
        crashed = await _until(app, stop, ready)
        return await _stop(app) and not crashed


async def _until(app: WorkerApp, stop: asyncio.Event, ready: Ready) -> bool:
    """Runs the app until it is told to stop; whether it crashed."""

    async def started() -> None:
        log.info("worker_ready", app=app.conf.id)
        ready()

    app.on_startup_finished = started
    starting = asyncio.ensure_future(app.start())
    asked = asyncio.ensure_future(stop.wait())
    ended = asyncio.ensure_future(app.wait_for_stopped())
    await asyncio.wait({asked, ended, starting}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done() and not starting.exception():
        await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
    elif starting.exception():
        log.error("worker_cannot_start", error=repr(starting.exception()))
    return not asked.done()


async def _stop(app: WorkerApp) -> bool:
    log.info("worker_stopping", app=app.conf.id)
    try:
        async with asyncio.timeout(STOP_MAX_S):
            await app.stop()
    except TimeoutError:
        log.error("worker_stop_timed_out", after_s=STOP_MAX_S)  # noqa: TRY400 - nothing to trace
        return False
    return True
