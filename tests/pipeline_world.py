"""Rows that tests of the pipeline start from, written as the owner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from domain.campaign import CampaignLaunched
from domain.ids import deriver, new_id
from domain.ports import NextHop, Route

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
