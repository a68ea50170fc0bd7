"""What a tenant stands on before it sends: itself, a sending IP, a verified sending domain."""

from __future__ import annotations

import asyncio
import random
from functools import partial

from adapters.dns import DnsResolver, Unanswered
from adapters.message.dkim import new_key
from adapters.sending_records import DnsRecord, check_domain, expected_records
from adapters.settings import Settings
from domain import sending_domain, sending_ip, tenant
from domain.ports import Reservation
from domain.sending_ip import EVERY_PROVIDER, Egress
from ops import dns_server
from ops.errors import DoesNotHold, Missing
from ops.launching.desk import Desk

#: selector → algorithm (deliverability.md §5.1)
SELECTORS = {"pm1": "rsa", "pme": "ed25519"}

LABEL = """
INSERT INTO vault.label (tenant_id, id, kind, label) VALUES (%s, %s, %s, %s)
ON CONFLICT (tenant_id, id) DO UPDATE SET label = excluded.label
"""

KEPT_KEYS = "SELECT selector, algorithm, public_key FROM vault.signing_key WHERE domain_id = %s"
KEEP_KEY = """
INSERT INTO vault.signing_key (tenant_id, domain_id, selector, algorithm, private_key, public_key)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
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
    """The tenant's sending IP for this egress, with this cap towards every provider; its id.

    Campaigns with and without a cap go by different ones: neither lifts or binds the other's.
    """
    bound = "capped" if cap_per_day is not None else "free"
    hop = (egress.route, egress.relay_host, egress.relay_port, bound)
    ip = desk.derive("ip", tenant_id, egress.address, *hop)
    stream = sending_ip.stream(ip)
    add = partial(sending_ip.add, tenant_id=tenant_id, ip=ip, egress=egress)
    desk.decide(sending_ip, stream, add, tenant_id=tenant_id)
    cap = partial(
        sending_ip.set_cap,
        provider=EVERY_PROVIDER,
        cap_per_day=cap_per_day,
        reason="asked for by the operator" if cap_per_day is not None else "no cap asked for",
    )
    desk.decide(sending_ip, stream, cap, tenant_id=tenant_id)
    return ip


def ensure_domain(desk: Desk, tenant_id: str, domain: str) -> str:
    """The tenant's sending domain with its signing keys; returns its id.

    Raises Taken when another tenant has it.
    """
    domain_id = desk.derive("dom", tenant_id, domain)
    stream = sending_domain.stream(domain_id)
    add = partial(sending_domain.add, tenant_id=tenant_id, domain_id=domain_id, domain=domain)
    desk.decide(
        sending_domain,
        stream,
        add,
        tenant_id=tenant_id,
        reservations=[Reservation("sending domain", domain)],
    )
    for selector, (algorithm, public) in _keys(desk, tenant_id, domain_id).items():
        create = partial(
            sending_domain.create_key, selector=selector, algorithm=algorithm, public_key=public
        )
        desk.decide(sending_domain, stream, create, tenant_id=tenant_id)
    return domain_id


def _keys(desk: Desk, tenant_id: str, domain_id: str) -> dict[str, tuple[str, str]]:
    """By selector: algorithm and public key. What is missing is made, what was there wins."""
    kept = {row[0] for row in desk.read(tenant_id, KEPT_KEYS, (domain_id,))}
    for selector, algorithm in SELECTORS.items():
        if selector not in kept:
            key = new_key(algorithm)
            values = (tenant_id, domain_id, selector, algorithm, key.private_der, key.public_base64)
            desk.write(tenant_id, KEEP_KEY, values)
    return {row[0]: (row[1], row[2]) for row in desk.read(tenant_id, KEPT_KEYS, (domain_id,))}


def records(desk: Desk, tenant_id: str, domain_id: str, domain: str) -> list[DnsRecord]:
    """What the owner of the domain publishes."""
    keys = _keys(desk, tenant_id, domain_id)
    return expected_records(domain, domain_id.partition("_")[2], keys, Settings().bounce_host)


def verify_domain(desk: Desk, tenant_id: str, domain_id: str, domain: str) -> list[str]:
    """Look at the domain's DNS, and record what was seen; returns the records that are there.

    On the embedded stack the DNS stand-in publishes them first. Raises DoesNotHold naming what is
    missing, Missing when DNS does not answer.
    """
    wanted = records(desk, tenant_id, domain_id, domain)
    if desk.where.dns_server:
        for record in wanted:
            dns_server.publish(desk.where.data_dir, record.name, record.kind, [record.value])
    try:
        resolver = DnsResolver(desk.where.dns_server, desk.where.smtp_port, random.Random())  # noqa: S311 - spreads load
        seen, missing = asyncio.run(check_domain(resolver, wanted))
    except Unanswered as error:
        raise Missing(f"DNS does not answer for {domain}: {error}") from error
    check = partial(sending_domain.record_check, seen=seen, missing=missing)
    stream = sending_domain.stream(domain_id)
    desk.decide(sending_domain, stream, check, tenant_id=tenant_id)
    if missing:
        raise DoesNotHold(f"{domain} cannot send yet; publish these records: {', '.join(missing)}")
    return seen
