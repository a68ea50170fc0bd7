"""The API's application and its server. Ports are handed in; nothing here builds an adapter."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from api import health, links, people, problems
from api.answers import Json, RequestIds
from api.v1 import (
    analytics,
    audit,
    auth,
    campaigns,
    domains,
    erasures,
    imports,
    invitations,
    ips,
    keys,
    leads,
    lists,
    mailboxes,
    me,
    segments,
    senders,
    sends,
    staff,
    suppressions,
    template_shows,
    templates,
    tenant_data,
    tenants,
    usage,
    users,
    vps,
    workspaces,
)
from api.wiring import Ports

DESCRIPTION = (
    "Questions about campaigns, answered from read models that follow the event log. "
    "Calls under /v1 need the operator's token (Authorization: Bearer …) and name a tenant "
    "(X-Tenant: ten_…). `as_of` tells how far the answer follows the log."
)
DRAIN_S = 5
ROUTERS = (
    campaigns,
    suppressions,
    sends,
    analytics,
    usage,
    health,
    people,
    links,
    domains,
    senders,
    ips,
    vps,
    mailboxes,
    templates,
    template_shows,
    auth,
    me,
    erasures,
    tenant_data,
    tenants,
    users,
    invitations,
    keys,
    workspaces,
    audit,
    staff,
    lists,
    leads,
    segments,
    imports,
)


def create_app(ports: Ports) -> FastAPI:
    """The application over these ports."""
    app = FastAPI(
        title="PenguinMails API",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        default_response_class=Json,
        generate_unique_id_function=lambda route: route.name,  # what clients call it
    )
    app.state.ports = ports
    for module in ROUTERS:
        app.include_router(module.router)
    problems.install(app)
    app.add_middleware(RequestIds)
    return app


class Server(uvicorn.Server):
    """Leaves signals to the role that runs it, and tells that role once it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


async def serve(
    app: FastAPI,
    host: str,
    port: int,
    stop: asyncio.Event,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until `stop`, then let running requests end. Port 0: any free one.

    `ready` is called once the port answers. Raises OSError when the port is taken.
    """
    with socket.create_server((host, port)) as listening:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=DRAIN_S,
        )
        server = Server(config, ready)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        asked = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        asked.cancel()
        await serving
