"""The stand-in as a role: MX hosts on one port, the record, and the inbox page in a thread."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import structlog
import uvicorn
import uvloop

from adapters.settings import Settings
from ops.errors import Missing
from ops.sink.certificate import tls_context
from ops.sink.hosts import HOSTS
from ops.sink.inbox import make_app
from ops.sink.received import Received
from ops.sink.session import SmtpSession, World

BACKLOG = 1024
STOP_TIMEOUT_S = 5.0

log = structlog.get_logger()


def run(settings: Settings, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises Missing when a port or address cannot be had."""
    uvloop.run(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with smtp_hosts(settings) as world:
        with_page = _InboxThread(world.received, settings.inbox_host, settings.inbox_port)
        await with_page.start()
        ready()
        log.info("sink_serves", smtp_port=settings.smtp_port, inbox_port=settings.inbox_port)
        await stop.wait()
        await with_page.stop()


@asynccontextmanager
async def smtp_hosts(settings: Settings) -> AsyncIterator[World]:
    """Every MX host of the stand-in, listening on `settings.smtp_port`."""
    folder = settings.data_dir / "sink"
    received = Received(folder)
    tls = tls_context(folder, [host.name for host in HOSTS])
    world = World(received, tls, settings.sink_latency_ms / 1000)
    servers: list[asyncio.Server] = []
    try:
        for host in HOSTS:
            make = partial(SmtpSession, host, world)
            servers.append(await _listen(host.address, settings, make))
        yield world
    finally:
        for server in servers:
            server.close()
        for session in list(world.sessions):
            session.close()
        received.close()


async def _listen(
    address: str, settings: Settings, session: Callable[[], SmtpSession]
) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(
            session, address, settings.smtp_port, backlog=BACKLOG, reuse_address=True
        )
    except OSError as error:
        raise Missing(
            f"the mailbox stand-in cannot listen on {address}:{settings.smtp_port} "
            f"({error.strerror}); stop what uses the port, or set PM_SMTP_PORT to another"
        ) from error


class _InboxThread:
    """uvicorn in a thread of its own, so that a page never holds up a reply."""

    def __init__(self, received: Received, host: str, port: int) -> None:
        config = uvicorn.Config(
            make_app(received),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            loop="asyncio",
        )
        self._address = f"{host}:{port}"
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
        self._failed = False

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:  # uvicorn's way to say that it cannot listen
            self._failed = True

    async def start(self) -> None:
        """Return once it listens. Raises Missing when it cannot."""
        self._thread.start()
        while not self._server.started:
            if self._failed or not self._thread.is_alive():
                raise Missing(
                    f"the inbox page cannot listen on {self._address}; stop what uses the port, or "
                    "set PM_INBOX_HOST or PM_INBOX_PORT to another"
                )
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._server.should_exit = True
        await asyncio.to_thread(self._thread.join, STOP_TIMEOUT_S)
