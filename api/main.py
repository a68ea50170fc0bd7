"""The API's application and its server. Ports are handed in; nothing here builds an adapter."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware

from api import described, health, idempotency, links, people, problems, ways
from api.answers import Json, RequestIds
from api.limits import ANSWER_MAX_S, IN_FLIGHT_MAX, Bugs, InFlight
from api.listeners import Listeners
from api.strict import StrictBodies, declared_only
from api.turns import Turns
from api.v1 import (
    analytics,
    audit,
    auth,
    campaigns,
    domain_keys,
    domains,
    erasures,
    exports,
    imports,
    invitations,
    ip_moves,
    ip_pools,
    ips,
    keys,
    leads,
    lists,
    live,
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
    tenant_exports,
    tenants,
    usage,
    users,
    volume,
    volume_orders,
    vps,
    whynot,
    workspaces,
)
from api.wiring import AUTH, Ports, stranger

DESCRIPTION = (
    "Questions about campaigns, answered from read models that follow the event log. "
    "Calls under /v1 need the operator's token (Authorization: Bearer …) and name a tenant "
    "(X-Tenant: ten_…). `as_of` tells how far the answer follows the log."
)
DRAIN_S = 5
#: Headers that pages of other sites may send and read (CORS).
ASKED_HEADERS = (
    *("authorization", "content-type", "idempotency-key", "if-match", "last-event-id"),
    *("pm-min-position", "request-id", "x-staff-reason", "x-tenant"),
)
TOLD_HEADERS = (
    *("etag", "idempotency-replayed", "location", "pm-position", "ratelimit", "ratelimit-policy"),
    *("request-id", "retry-after"),
)
ROUTERS = (
    campaigns,
    suppressions,
    sends,
    analytics,
    usage,
    live,
    exports,
    health,
    people,
    links,
    domains,
    domain_keys,
    senders,
    ips,
    ip_pools,
    ip_moves,
    vps,
    mailboxes,
    templates,
    template_shows,
    auth,
    me,
    erasures,
    tenant_data,
    tenant_exports,
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
    volume,
    volume_orders,
    whynot,
)


@dataclass(frozen=True)
class Manners:
    """How the API meets clients, whatever they ask."""

    secure: bool = False  # reached over https
    origins: tuple[str, ...] = ()  # other sites whose pages may ask; none: ours alone
    in_flight_max: int = IN_FLIGHT_MAX
    answer_max_s: float = ANSWER_MAX_S


def operations() -> FastAPI:
    """Its operations alone: to be asked what they are, never to be served."""
    app = FastAPI(
        title="PenguinMails API",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        default_response_class=Json,
        generate_unique_id_function=lambda route: route.name,  # what clients call it
    )
    for module in ROUTERS:
        app.include_router(module.router, dependencies=_framed(module.router))
    return app


def _framed(router: APIRouter) -> list[Any]:
    """What every request to these routes passes first."""
    logs_in = any(getattr(route, "path", AUTH).startswith(AUTH) for route in router.routes)
    return [Depends(declared_only), *([Depends(stranger)] if logs_in else ())]


def create_app(ports: Ports | None, manners: Manners = Manners()) -> FastAPI:
    """The application over these ports; without any it can only be asked what it offers."""
    app = operations()
    app.state.ports = ports
    if ports:
        app.state.listeners = Listeners(ports.reads)
    problems.install(app)
    idempotency.install(app)
    described.install(app)
    ways.install(app)
    _frame(app, manners)
    return app


def _frame(app: FastAPI, manners: Manners) -> None:
    """What every request passes through; the last one added meets it first."""
    app.add_middleware(idempotency.Answers)
    app.add_middleware(StrictBodies)
    app.add_middleware(Bugs)
    app.add_middleware(Turns)
    app.add_middleware(InFlight, most=manners.in_flight_max, answer_max_s=manners.answer_max_s)
    if manners.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=manners.origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=ASKED_HEADERS,
            expose_headers=TOLD_HEADERS,
        )
    app.add_middleware(RequestIds, secure=manners.secure)


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
    *,
    shared: bool = False,
) -> None:
    """Serve until `stop`, then let running requests end. Port 0: any free one.

    `ready` is called once the port answers. Raises OSError when the port is taken; `shared`: by who
    does not share it too (SO_REUSEPORT, the kernel spreads connections).
    """
    with socket.create_server((host, port), reuse_port=shared) as listening:
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
        app.state.listeners.close()
        server.should_exit = True
        asked.cancel()
        await serving
