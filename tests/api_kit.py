"""The API over a test's own database: its ports, and clients that ask as somebody."""

from __future__ import annotations

import random
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx2
from fastapi import FastAPI

from adapters.contacts.spool import Spool
from adapters.dns import Unanswered
from adapters.event_store import EventStore
from adapters.identity.accounts import Accounts
from adapters.identity.passwords import Passwords, argon2id
from adapters.identity.rows import Rows
from adapters.identity.throttle import Throttle
from adapters.memory import MemoryMail
from adapters.postgres import blocking_pool, connect_sync, pool
from adapters.sealing import Seals
from api.background import Background
from api.callers import OperatorToken, Several
from api.commands.accounts import Identity
from api.commands.domains import Dns
from api.commands.imports import Imports
from api.commands.tenant_exports import Archives
from api.desk import Desks
from api.idempotency import Life
from api.import_worker import Work
from api.keys import ApiKeys
from api.main import create_app
from api.paging import Cursors
from api.sessions import Sessions
from api.staff_callers import StaffTokens
from api.wiring import Ports
from projections.reads import Reads

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SEALS = Seals.under("tests:" + b64encode(bytes(range(32))).decode())
TOKEN = "tok-of-the-operator"  # noqa: S105 - of tests alone


@dataclass
class Zone:
    """What DNS says, by (kind, name); `silent`: nothing at all."""

    values: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    silent: bool = False

    async def txt(self, name: str) -> list[str]:
        return await self.records(name, "TXT")

    async def records(self, name: str, kind: str) -> list[str]:
        if self.silent:
            raise Unanswered(f"{kind} of {name}")
        return self.values.get((kind, name), [])


@asynccontextmanager
async def ports_of(
    dsn: str,
    *,
    answer_max_s: float = 2.0,
    zone: Zone | None = None,
    now: Callable[[], datetime] | None = None,
) -> AsyncIterator[Ports]:
    """Ports on a migrated database; the operator's token is TOKEN.

    The clock is `now`, or stands at BEGIN.
    """
    async with pool(dsn, "pm_api", size_max=2, bound_each_time=True) as opened:
        with (
            blocking_pool(dsn, "pm_api", size_max=4) as blocking,
            EventStore(dsn, "pm_api") as store,
        ):
            reads = Reads(opened, answer_max_s=answer_max_s)
            desks = Desks(store, blocking.connection, "tests", SEALS)
            moment = now or (lambda: BEGIN)
            with imports_of(dsn, desks) as imports, tempfile.TemporaryDirectory() as folder:
                yield Ports(
                    reads=reads,
                    desks=desks,
                    callers=Several(
                        OperatorToken(TOKEN),
                        ApiKeys(reads),
                        Sessions(reads, moment),
                        StaffTokens(reads),
                    ),
                    cursors=Cursors(random.randbytes(16)),
                    clock=moment,
                    links={"Inbox": "http://127.0.0.1:1/"},
                    dns=Dns(lambda: zone or Zone(), "bounces.test"),
                    identity=identity_of(desks, moment),
                    imports=imports,
                    archives=Archives(Path(folder), lambda: None),
                    life=Life.begun("tests"),
                )


@contextmanager
def imports_of(dsn: str, desks: Desks) -> Iterator[Imports]:
    """Imports that run in a thread of this process; their files are in a folder for now."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder))
        work = Work(desks, partial(connect_sync, dsn, "pm_api"), spool)
        with Background(work, "imports") as worker:
            yield Imports(spool, worker.wake)


def identity_of(desks: Desks, clock: Callable[[], datetime]) -> Identity:
    """What commands about people work with; letters go to memory."""
    rows = Rows(desks.connect)
    return Identity(
        accounts=Accounts(rows, SEALS),
        passwords=Passwords(argon2id()),
        throttle=Throttle(rows, "tests"),
        mail=MemoryMail(),
        desks=desks,
        clock=clock,
        public_url="https://app.test",
    )


def client_of(app: FastAPI, token: str = TOKEN, tenant: str = "") -> httpx2.AsyncClient:
    """A client in this process that sends this bearer token, and X-Tenant when it is given."""
    headers = {"Authorization": f"Bearer {token}"} | ({"X-Tenant": tenant} if tenant else {})
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://api", headers=headers)


@asynccontextmanager
async def api_of(
    dsn: str, tenant: str = "ten_a", zone: Zone | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """The API, and a client that asks it as the operator about one tenant."""
    async with (
        ports_of(dsn, zone=zone) as ports,
        client_of(create_app(ports), tenant=tenant) as client,
    ):
        yield client
