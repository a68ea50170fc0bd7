"""The API's process: its ports built, its server run until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from adapters import postgres
from adapters.contacts.spool import Spool
from adapters.event_store import EventStore, OnFirstUse
from adapters.sealing import Seals
from adapters.settings import Settings
from api import main
from api.background import Background
from api.callers import OperatorToken, Several
from api.commands.domains import Dns
from api.commands.imports import Imports
from api.commands.tenant_exports import Archives
from api.desk import Desks
from api.export_worker import Exports, Tell
from api.idempotency import Life
from api.import_worker import Work
from api.keys import ApiKeys
from api.limits import Allowance, Rates
from api.paging import Cursors
from api.sessions import Sessions
from api.staff_callers import StaffTokens
from api.wiring import Ports
from ops.archiving import exporting
from ops.identity import identity
from ops.where import Where
from projections.reads import Reads

YOUNG_MAX = 5000  # new objects between two collections: some tens of requests make them


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
    pool = postgres.pool(settings.database_url, "pm_api", bound_each_time=True)
    await pool.open(wait=False)  # while Postgres is away the API says so
    reads = Reads(pool)
    blocking = postgres.blocking_pool(settings.database_url, "pm_api")
    store = OnFirstUse(partial(EventStore, settings.database_url, "pm_api", needs_relay=True))
    desks = Desks(store, blocking.connection, settings.id_key, seals)
    try:
        with (
            importing(settings, desks) as imports,
            exporting_tenants(settings, desks) as archives,
        ):
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
                archives=archives,
                life=Life.begun(f"{socket.gethostname()}/{settings.instance}"),
                rates=Rates(Allowance(settings.api_rate_per_min, settings.api_burst)),
            )
            app = main.create_app(ports, manners(settings, ports.identity.public_url))
            spare_what_stays()
            shared = settings.api_processes > 1
            await main.serve(app, settings.api_host, settings.api_port, stop, ready, shared=shared)
    finally:
        store.close()
        blocking.close()
        await pool.close()


def spare_what_stays() -> None:
    """Let no collection look at what lives as long as the process: a full one took 130 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX)


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
    with Background(Work(desks, connect, spool), "imports") as worker:
        yield Imports(spool, worker.wake)


@contextmanager
def exporting_tenants(settings: Settings, desks: Desks) -> Iterator[Archives]:
    """Archives of tenants: a worker in a thread; files in a folder of the data directory.

    Their secrets stay: only the command, which its operator calls, takes them along.
    """
    where = Where(
        data_dir=settings.data_dir,
        bootstrap=settings.kafka_bootstrap,
        dsn=settings.database_url,
        prefix=settings.prefix,
        id_key=settings.id_key,
        seals=desks.seals,
    )

    def write(tenant_id: str, path: Path, tell: Tell) -> dict[str, Any]:
        found = exporting.export(where, tenant_id, path, tell=tell)
        return {name: found.manifest[name] for name in ("exact", "members", "secrets", "left_out")}

    connect = partial(postgres.connect_sync, settings.database_url, "pm_api", connect_timeout=5)
    folder = settings.data_dir / "tenant-exports"
    exports = Exports(desks, connect, write, folder, clock)
    with Background(exports, "tenant exports") as background:
        yield Archives(folder, background.wake)
