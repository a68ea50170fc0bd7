"""What a tenant stands on before it sends: itself, a sending IP, a verified sending domain."""

from __future__ import annotations

import random
from functools import partial

from adapters.dns import DnsResolver, Unanswered
from adapters.settings import Settings
from api.commands import domains, sending_ips
from domain import tenant
from domain.sending_ip import Egress
from ops import dns_server
from ops.errors import DoesNotHold, Missing
from ops.launching.desk import Desk
from ops.where import Where

LABEL = """
INSERT INTO vault.label (tenant_id, id, kind, label) VALUES (%s, %s, %s, %s)
ON CONFLICT (tenant_id, id) DO UPDATE SET label = excluded.label
"""


def ensure_tenant(desk: Desk, name: str) -> str:
    """The tenant of this name, made if it is new; returns its id."""
    tenant_id = desk.derive("ten", name)
    desk.decide(
        tenant,
        tenant.stream(tenant_id),
        partial(tenant.create, tenant_id=tenant_id),
        tenant_id=tenant_id,
    )
    desk.write(tenant_id, LABEL, (tenant_id, tenant_id, "tenant", name))
    return tenant_id


def ensure_ip(desk: Desk, tenant_id: str, egress: Egress, cap_per_day: int | None) -> str:
    """As `sending_ips.ensure`."""
    return sending_ips.ensure(desk.of(tenant_id), egress, cap_per_day)


def ensure_domain(desk: Desk, tenant_id: str, domain: str) -> str:
    """As `domains.ensure`."""
    return domains.ensure(desk.of(tenant_id), domain)


def verify_domain(desk: Desk, tenant_id: str, domain_id: str, domain: str) -> list[str]:
    """Look at the domain's DNS, and record what was seen; returns the records that are there.

    On the embedded stack the DNS stand-in publishes them first. Raises DoesNotHold naming what is
    missing, Missing when DNS does not answer.
    """
    try:
        found = domains.check(desk.of(tenant_id), domain_id, dns_of(desk.where))
    except Unanswered as error:
        raise Missing(f"DNS does not answer for {domain}: {error}") from error
    if found.missing:
        missing = ", ".join(found.missing)
        raise DoesNotHold(f"{domain} cannot send yet; publish these records: {missing}")
    return found.seen


def dns_of(where: Where) -> domains.Dns:
    """How commands look at a stack's DNS; its stand-in publishes what they look for."""

    def reader() -> DnsResolver:
        return DnsResolver(where.dns_server, where.smtp_port, random.Random())  # noqa: S311 - spreads load

    if not where.dns_server:
        return domains.Dns(reader, Settings().bounce_host)
    publish = partial(dns_server.publish_record, where.data_dir)
    return domains.Dns(reader, Settings().bounce_host, publish)
