"""Rows that tests of the pipeline start from, written as the owner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg

from domain.campaign import CampaignLaunched
from domain.ids import deriver, new_id
from domain.ports import NextHop, Route
from domain.sending import SliceReleased

contact_of = deriver(b"tests", "cnt")


@dataclass(frozen=True)
class Tenant:
    """A tenant with one list and one sending IP, all under ids of its own."""

    tenant_id: str
    list_id: str
    ip: str


def launched(tenant: Tenant, **changes: Any) -> CampaignLaunched:
    """A launch of a campaign to the tenant's list."""
    now = datetime.now(UTC).replace(microsecond=0)
    fields: dict[str, Any] = {
        "tenant_id": tenant.tenant_id,
        "campaign_id": new_id("cmp"),
        "content_id": "content",
        "list_ids": [tenant.list_id],
        "sender_id": "sender",
        "domain_id": "domain",
        "ips": [tenant.ip],
        "priority": "normal",
        "message_class": "bulk",
        "sign": "rsa",
        "launched_at": now,
        "expires_at": now + timedelta(days=1),
    }
    return CampaignLaunched(**(fields | changes))


def add_tenant(dsn: str, *, route: str = "mx") -> Tenant:
    """A tenant that may send from one IP, as the schedule folds it."""
    tenant = Tenant(new_id("ten"), new_id("lst"), new_id("ip"))
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("INSERT INTO pipeline.tenant VALUES (%s, true)", (tenant.tenant_id,))
        conn.execute(
            "INSERT INTO pipeline.ip VALUES (%s, %s, '', %s, 'relay.test', 2525)",
            (tenant.ip, tenant.tenant_id, route),
        )
    return tenant


def add_leads(dsn: str, tenant: Tenant, addresses: Iterable[str]) -> list[str]:
    """Contacts of the tenant's list, in the order of the addresses; their ids."""
    rows = [
        (tenant.tenant_id, contact_of(tenant.tenant_id, address), address, address.split("@")[1])
        for address in addresses
    ]
    with psycopg.connect(dsn, autocommit=True) as conn, conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO vault.contact"
            " (tenant_id, contact_id, address, address_key, domain, fields)"
            """ VALUES (%s, %s, %s, %s, %s, '{"first_name": "Ada"}')""",
            [(*row[:3], *row[2:]) for row in rows],
        )
        cursor.executemany(
            "INSERT INTO vault.list_member VALUES (%s, %s, %s, 'imp')",
            [(tenant.tenant_id, tenant.list_id, row[1]) for row in rows],
        )
    return [contact for _, contact, _, _ in rows]


class ScriptedResolver:
    """`domain.ports.Resolver` that answers by table; a domain not in it is unreachable."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._routes = routes
        self.asked: list[str] = []

    async def route(self, domain: str) -> Route:
        self.asked.append(domain)
        return self._routes.get(domain, Route("", (), "unreachable"))

    async def txt(self, name: str) -> list[str]:
        """No domain of a test publishes records."""
        raise LookupError(name)


def mx(provider: str, host: str = "127.0.0.1", port: int = 25) -> Route:
    """A route with one hop."""
    return Route(provider, (NextHop(host, port),))


@dataclass(frozen=True)
class Released:
    """A batch of a running campaign, all of it released and to be claimed."""

    tenant: Tenant
    launch: CampaignLaunched
    batch_id: str
    release_id: str
    contacts: list[str]

    @property
    def hint(self) -> SliceReleased:
        """What the lane carries."""
        return SliceReleased(
            release_id=self.release_id,
            batch_id=self.batch_id,
            tenant_id=self.tenant.tenant_id,
            campaign_id=self.launch.campaign_id,
            n=1,
            ip=self.tenant.ip,
            provider="google",
            size=len(self.contacts),
            lease_until=datetime.now(UTC) + timedelta(seconds=15),
        )


def open_gate(dsn: str) -> None:
    """Postgres may release in its present life, and the schedule stands at the log's end."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("UPDATE pipeline.gate SET open = true, incarnation = pipeline.incarnation()")
        conn.execute(
            "INSERT INTO app.freshness (reader, caught_up_at)"
            " VALUES ('schedule', clock_timestamp() + interval '1 hour')"
            " ON CONFLICT (reader) DO UPDATE SET caught_up_at = excluded.caught_up_at"
        )


def release(dsn: str, addresses: Iterable[str], *, route: str = "mx") -> Released:
    """A tenant, its content, and a released batch of mail to the addresses; the gate is open."""
    tenant = add_tenant(dsn, route=route)
    contacts = add_leads(dsn, tenant, addresses)
    with psycopg.connect(dsn, autocommit=True) as conn:
        _add_texts(conn, tenant)
    open_gate(dsn)
    return release_to(dsn, tenant, contacts)


def release_to(
    dsn: str, tenant: Tenant, contacts: list[str], *, message_class: str = "bulk"
) -> Released:
    """A released batch of a campaign of its own, to contacts that are there."""
    launch = launched(tenant, message_class=message_class)
    batch_id, release_id = new_id("bat"), new_id("rel")
    made = Released(tenant, launch, batch_id, release_id, contacts)
    with psycopg.connect(dsn, autocommit=True) as conn:
        _add_campaign(conn, launch)
        conn.execute(
            "INSERT INTO vault.audience SELECT %s, %s, place - 1, %s, contact_id"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS a (contact_id, place)",
            (tenant.tenant_id, batch_id, launch.campaign_id, contacts),
        )
        _add_batch(conn, made)
        _add_release(conn, made)
    return made


def _add_texts(conn: psycopg.Connection[Any], tenant: Tenant) -> None:
    conn.execute("INSERT INTO vault.content VALUES (%s, 'content', '{}')", (tenant.tenant_id,))
    conn.execute(
        "INSERT INTO vault.sender VALUES (%s, 'sender', 'news@sender.test', 'News')",
        (tenant.tenant_id,),
    )
    conn.execute(
        "INSERT INTO vault.signing_key VALUES (%s, 'domain', 'pm1', 'rsa', 'secret', 'public')",
        (tenant.tenant_id,),
    )


def _add_campaign(conn: psycopg.Connection[Any], launch: CampaignLaunched) -> None:
    conn.execute(
        "INSERT INTO pipeline.campaign (campaign_id, tenant_id, state, sender_id, domain_id, sign,"
        " ips, message_class, priority, launched_at, expires_at)"
        " VALUES (%s, %s, 'running', %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            launch.campaign_id,
            launch.tenant_id,
            launch.sender_id,
            launch.domain_id,
            launch.sign,
            launch.ips,
            launch.message_class,
            launch.priority,
            launch.launched_at,
            launch.expires_at,
        ),
    )


def _add_batch(conn: psycopg.Connection[Any], made: Released) -> None:
    conn.execute(
        "INSERT INTO pipeline.batch (batch_id, tenant_id, campaign_id, step, content_id, provider,"
        " priority, message_class, due_at, expires_at, size)"
        " VALUES (%s, %s, %s, 1, 'content', 'google', 'normal', 'bulk', now(), %s, %s)",
        (
            made.batch_id,
            made.tenant.tenant_id,
            made.launch.campaign_id,
            made.launch.expires_at,
            len(made.contacts),
        ),
    )


def _add_release(conn: psycopg.Connection[Any], made: Released) -> None:
    conn.execute(
        "INSERT INTO pipeline.release (release_id, batch_id, n, number, tenant_id, campaign_id,"
        " provider, priority, ip, ranges, size, due_at, state, cap_day, cap_per_day, lease_until)"
        " VALUES (%s, %s, 1, 1, %s, %s, 'google', 'normal', %s, int4multirange(int4range(0, %s)),"
        " %s, now(), 'released', (now() AT TIME ZONE 'UTC')::date, 1000,"
        " clock_timestamp() + interval '1 hour')",
        (
            made.release_id,
            made.batch_id,
            made.tenant.tenant_id,
            made.launch.campaign_id,
            made.tenant.ip,
            len(made.contacts),
            len(made.contacts),
        ),
    )


def change(dsn: str, statement: LiteralString, *values: Any) -> None:
    """One statement as the owner."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(statement, values)


class NoLetters:
    """`domain.ports.DeadLetters` of a test in which nothing is given up on."""

    async def put(self, record: Any, reason: str) -> None:
        raise AssertionError(f"{record}: {reason}")
