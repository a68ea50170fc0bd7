"""The API's server on a real port, without a database: it answers, says so, and stops when told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx2
import pytest

from adapters.contacts.spool import Spool
from adapters.event_store import EventStore, OnFirstUse
from adapters.postgres import pool
from api.callers import OperatorToken
from api.commands.domains import Dns
from api.commands.imports import Imports
from api.commands.tenant_exports import Archives
from api.desk import Desks
from api.idempotency import Life
from api.main import create_app, serve
from api.paging import Cursors
from api.wiring import Ports
from projections.reads import Reads
from tests.api_kit import Zone, identity_of


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def ports_on(reads: Reads) -> Ports:
    """Ports of which these tests use the reads alone."""
    nowhere = partial(EventStore, "postgresql://127.0.0.1:1/none", "pm_api")
    desks = Desks(OnFirstUse(nowhere), contextlib.ExitStack, "k")  # type: ignore[arg-type]
    token, clock = OperatorToken("t"), lambda: datetime.now(UTC)
    dns = Dns(Zone, "bounces.test")
    people = identity_of(desks, clock)
    imports = Imports(Spool(Path("nowhere")), lambda: None)
    archives = Archives(Path("nowhere"), lambda: None)
    return Ports(
        reads,
        desks,
        token,
        Cursors(b"k"),
        clock,
        {},
        dns,
        people,
        imports,
        archives,
        Life.begun("t"),
    )


async def test_it_serves_until_told_and_refuses_while_postgres_is_away() -> None:
    """Ready once the port answers; without a database each question is 503, soon."""
    opened = pool(f"postgresql://127.0.0.1:{free_port()}/none", "pm_api")
    await opened.open(wait=False)
    ports = ports_on(Reads(opened, answer_max_s=0.3))
    stop, ready, port = asyncio.Event(), asyncio.Event(), free_port()
    serving = asyncio.create_task(serve(create_app(ports), "127.0.0.1", port, stop, ready.set))
    try:
        async with asyncio.timeout(10), httpx2.AsyncClient() as client:
            await ready.wait()
            health = await client.get(f"http://127.0.0.1:{port}/health")
            home = await client.get(f"http://127.0.0.1:{port}/")
    finally:
        stop.set()
        await asyncio.wait_for(serving, 10)
        await opened.close()

    assert (health.status_code, health.json()["status"]) == (503, "red")
    assert home.status_code == 200


async def test_a_port_that_is_taken_is_told_at_once() -> None:
    """As an OSError that names it, before anything is served."""
    ports = ports_on(Reads(pool("", "pm_api")))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(OSError, match="in use"):
            await serve(create_app(ports), "127.0.0.1", port, asyncio.Event())


async def test_processes_that_share_a_port_serve_on_when_one_of_them_ends() -> None:
    app, port = create_app(ports_on(Reads(pool("", "pm_api")))), free_port()
    stops, readies = [asyncio.Event() for _ in "12"], [asyncio.Event() for _ in "12"]
    serving = [
        asyncio.create_task(serve(app, "127.0.0.1", port, stop, ready.set, shared=True))
        for stop, ready in zip(stops, readies, strict=True)
    ]
    async with asyncio.timeout(20):
        for ready in readies:
            await ready.wait()
        stops[0].set()
        await serving[0]
        async with httpx2.AsyncClient() as client:
            told = [await client.get(f"http://127.0.0.1:{port}/") for _ in range(4)]
        stops[1].set()
        await serving[1]

    assert [answer.status_code for answer in told] == [200] * 4
