"""Runs a role's agents and timers until SIGTERM, on the runtime that the settings choose."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog
import uvloop

from adapters import logs
from adapters.settings import Settings
from streams.runtime import StreamRuntime

#: Longer than the slowest drain, shorter than the supervisor's patience.
STOP_MAX_S = 28.0

log = structlog.get_logger(__name__)

#: Puts agents and timers on the runtime. What it opens goes onto the stack, closed after it stops.
Install = Callable[[StreamRuntime, AsyncExitStack], Awaitable[None]]
Ready = Callable[[], None]


def make(role: str, settings: Settings) -> StreamRuntime:
    """The runtime of a role: PM_STREAM_RUNTIME. Only the chosen one is imported."""
    if settings.stream_runtime == "plain":
        from streams.plain import PlainRuntime

        return PlainRuntime(role, settings)
    from streams.on_faust import FaustRuntime

    return FaustRuntime(role, settings)


def run(role: str, settings: Settings, install: Install, ready: Ready = lambda: None) -> None:
    """Run a role until SIGTERM or SIGINT.

    `ready` is called once records come. A runtime that crashed, or did not stop within STOP_MAX_S,
    ends the process with status 1, and the supervisor may start it again.
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
    streams = make(role, settings)
    async with AsyncExitStack() as stack:
        await install(streams, stack)
        crashed = await _until(streams, stop, ready)
        return await _stop(streams) and not crashed


async def _until(streams: StreamRuntime, stop: asyncio.Event, ready: Ready) -> bool:
    """Runs it until it is told to stop; whether it crashed."""

    async def start() -> None:
        await streams.start()
        log.info("worker_ready", runtime=type(streams).__name__)
        ready()

    starting = asyncio.ensure_future(start())
    asked = asyncio.ensure_future(stop.wait())
    ended = asyncio.ensure_future(streams.ended())
    await asyncio.wait({asked, ended, starting}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done() and not starting.exception():
        await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
    elif starting.exception():
        log.error("worker_cannot_start", error=repr(starting.exception()))
    ended.cancel()
    return not asked.done()


async def _stop(streams: StreamRuntime) -> bool:
    log.info("worker_stopping")
    try:
        async with asyncio.timeout(STOP_MAX_S):
            await streams.stop()
    except TimeoutError:
        log.error("worker_stop_timed_out", after_s=STOP_MAX_S)  # noqa: TRY400 - nothing to trace
        return False
    return True
