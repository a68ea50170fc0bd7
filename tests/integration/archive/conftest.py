"""Two installations on real Postgres and Kafka, and a tenant that moves from one to the other."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from adapters import kafka_log
from adapters.event_store import EventStore
from adapters.kafka_log import KafkaLog
from adapters.relay import Relay
from adapters.sealing import Seals, new_key_line, signing_key_field
from domain import campaign, sending_ip, tenant
from domain.event import Event, Topic
from ops.where import Where
from projections import live, models
from projections.runner import Reader
from projections.session import Place
from streams.schedule.fold import ScheduleFold
from tests.integration.projections.conftest import History, tell_campaign
from tests.pipeline_world import NoLetters
from tests.vault_kit import insert

PRIVATE_KEY = b"canary-private-key"
AGGREGATES: dict[str, Any] = {"campaign": campaign, "ip": sending_ip, "tenant": tenant}


@dataclass(frozen=True)
class Installation:
    """One installation; `running` has its relay, read models and schedule at work."""

    where: Where
    key: str  # the secret key's line

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        where, stop = self.where, asyncio.Event()
        place = Place(where.dsn, where.bootstrap, where.prefix)
        schedule = Reader.of(ScheduleFold(id_key="k", retry_scale=1.0), place, None)
        relay = Relay(where.dsn, where.bootstrap, where.prefix)
        tasks = [
            asyncio.create_task(relay.run(stop, lambda: None)),
            asyncio.create_task(live.run(place, NoLetters(), stop)),
            asyncio.create_task(schedule.run(stop)),
        ]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)


@contextlib.contextmanager
def database(server: dict[str, str], template: str) -> Iterator[str]:
    name = sql.Identifier(f"pm_test_{uuid.uuid4().hex[:12]}")
    with psycopg.connect(server["dsn"], autocommit=True) as conn:
        make = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log")
        conn.execute(make.format(name, sql.Identifier(template)))
        yield psycopg.conninfo.make_conninfo(server["dsn"], dbname=name.as_string().strip('"'))
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@asynccontextmanager
async def installed(
    server: dict[str, str], template: str, folder: Path
) -> AsyncIterator[Installation]:
    prefix = f"t{uuid.uuid4().hex[:10]}."
    with database(server, template) as dsn:
        models.ensure_schemas(dsn)
        await kafka_log.ensure_topics(server["bootstrap"], prefix, 1)
        key = new_key_line()
        yield Installation(
            Where(folder, server["bootstrap"], dsn, prefix, id_key=prefix, seals=Seals.under(key)),
            key,
        )


@pytest.fixture
async def old(
    server: dict[str, str], template_database: str, tmp_path: Path
) -> AsyncIterator[Installation]:
    async with installed(server, template_database, tmp_path) as made, made.running():
        yield made


@pytest.fixture
async def new(
    server: dict[str, str], template_database: str, tmp_path: Path
) -> AsyncIterator[Installation]:
    async with installed(server, template_database, tmp_path) as made, made.running():
        yield made


def history(name: str, tenant_id: str, *, finished: bool = True) -> History:
    """A campaign to its end, or one whose second batch nobody has attempted."""
    told = History(random.Random(name), name=name)
    tell_campaign(told, tenant_id, f"cmp_{name}", (7, 3))
    if not finished:
        kept = told.partitions
        told.partitions = {
            place: [one for one in records if _is_early(one.event)]
            for place, records in kept.items()
        }
    return told


def _is_early(event: Any) -> bool:
    late = type(event).__name__ in {"CampaignFinished", "AmbiguityResolved"}
    return (not late and not str(getattr(event, "batch_id", "")).endswith("_1")) or (
        type(event).__name__ == "BatchPlanned"
    )


async def put(installation: Installation, told: History, tenant_id: str) -> None:
    """The history's decisions into the event store, all else into the log."""
    where = installation.where
    decisions = [
        one.event for (topic, _), some in told.partitions.items() for one in some
        if topic == Topic.DECISIONS
    ]  # fmt: skip
    await asyncio.to_thread(_decide, where.dsn, tenant_id, decisions)
    drafts = [draft for draft in told.drafts() if draft.topic != Topic.DECISIONS]
    async with KafkaLog(where.bootstrap, where.prefix, linger_ms=5) as log:
        await log.append(drafts)


def _decide(dsn: str, tenant_id: str, decisions: list[Event]) -> None:
    created = tenant.TenantCreated(tenant_id=tenant_id)
    with EventStore(dsn, "pm_api") as store:
        for event in (created, *decisions):
            stream, aggregate = _stream(event, tenant_id)
            store.transact(
                stream,
                aggregate.initial,
                aggregate.evolve,
                partial(_once, event),
                tenant_id=tenant_id,
                actor="usr_a",
            )


def _once(event: Event, state: Any) -> tuple[Event, ...]:
    known = isinstance(event, tenant.TenantCreated) and bool(state.tenant_id)
    return () if known else (event,)


def _stream(event: Any, tenant_id: str) -> tuple[str, Any]:
    name = type(event).__name__
    if name.startswith("Campaign"):
        return campaign.stream(event.campaign_id), campaign
    if name.startswith("SendingIp"):
        return sending_ip.stream(event.ip), sending_ip
    if name.startswith("Tenant"):
        return tenant.stream(tenant_id), tenant
    return f"other-{tenant_id}", tenant


def fill_vault(installation: Installation, tenant_id: str) -> None:
    """Contacts, a label, a domain's sealed key and its reservation, a suppression."""
    dsn, seals = installation.where.dsn, installation.where.seals
    insert(
        dsn,
        "INSERT INTO vault.contact (tenant_id, contact_id, address, address_key, domain, fields)"
        " VALUES (%s, %s, %s, %s, 'example.org', %s)",
        [
            (tenant_id, f"lea_{n}", f"{tenant_id}.{n}@example.org", f"{tenant_id}.{n}@example.org",
             '{"first_name": "Ånna \\\\ \\"q\\" \\n\\ttab"}')
            for n in range(1500)
        ],
    )  # fmt: skip
    insert(
        dsn,
        "INSERT INTO vault.label VALUES (%s, %s, 'tenant', %s)",
        [(tenant_id, tenant_id, f"name of {tenant_id}")],
    )
    place = signing_key_field(tenant_id, "dom_1", "pm1")
    insert(
        dsn,
        "INSERT INTO vault.signing_key VALUES (%s, 'dom_1', 'pm1', 'rsa', %s, 'public')",
        [(tenant_id, seals.seal(PRIVATE_KEY, *place))],
    )
    insert(
        dsn,
        "INSERT INTO es.reservation VALUES ('sending domain', '', %s, 'domain-dom_1', %s)",
        [(f"{tenant_id}.example.org", tenant_id)],
    )
