"""The API's process: its ports built, its server run until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from adapters import postgres
from adapters.contacts.spool import Spool
from adapters.event_store import EventStore, OnFirstUse
from adapters.sealing import Seals
from adapters.settings import Settings
from api import main
from api.callers import OperatorToken, Several
from api.commands.domains import Dns
from api.commands.imports import Imports
from api.desk import Desks
from api.import_worker import ImportWorker, Work
from api.keys import ApiKeys
from api.limits import Allowance, Rates
from api.paging import Cursors
from api.sessions import Sessions
from api.staff_callers import StaffTokens
from api.wiring import Ports
from ops.identity import identity
from projections.reads import Reads


def clock() -> datetime:
    return datetime.now(UTC)


async def serve(
    settings: Settings,
    seals: Seals,
    dns: Dns,
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Serve until `stop`; imports run beside it, and go on elsewhere when it ends."""
    pool = postgres.pool(settings.database_url, "pm_api")
    await pool.open(wait=False)  # while Postgres is away the API says so
    reads = Reads(pool)
    blocking = postgres.blocking_pool(settings.database_url, "pm_api")
    store = OnFirstUse(partial(EventStore, settings.database_url, "pm_api", needs_relay=True))
    desks = Desks(store, blocking.connection, settings.id_key, seals)
    try:
        with importing(settings, desks) as imports:
            ports = Ports(
                reads=reads,
                desks=desks,
                callers=Several(
                    OperatorToken(settings.api_token),
                    ApiKeys(reads),
                    Sessions(reads, clock),
                    StaffTokens(reads),
                ),
                cursors=Cursors(settings.id_key.encode()),
                clock=clock,
                links={"Mail sink": f"http://{settings.inbox_host}:{settings.inbox_port}"},
                dns=dns,
                identity=identity(settings, desks, blocking.connection, dns, clock),
                imports=imports,
                rates=Rates(Allowance(settings.api_rate_per_min, settings.api_burst)),
            )
            app = main.create_app(ports, manners(settings, ports.identity.public_url))
            await main.serve(app, settings.api_host, settings.api_port, stop, ready)
    finally:
        store.close()
        blocking.close()
        await pool.close()


def manners(settings: Settings, public_url: str) -> main.Manners:
    """How the settings want clients to be met."""
    origins = (origin.strip() for origin in settings.api_origins.split(","))
    return main.Manners(
        secure=public_url.startswith("https:"),
        origins=tuple(origin for origin in origins if origin),
        in_flight_max=settings.api_in_flight_max,
    )


@contextmanager
def importing(settings: Settings, desks: Desks) -> Iterator[Imports]:
    """Imports of uploaded files: a worker in a thread, with connections of its own."""
    spool = Spool(settings.data_dir / "imports")
    connect = partial(postgres.connect_sync, settings.database_url, "pm_api", connect_timeout=5)
    with ImportWorker(Work(desks, connect, spool)) as worker:
        yield Imports(spool, worker.wake)
