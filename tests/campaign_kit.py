"""A tenant with everything a campaign needs, made by the API's own commands and folds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg

from adapters import postgres
from adapters.message.template_file import parse_source
from api.commands import domains, senders, sending_ips, templates
from api.desk import Desk
from domain import sending_domain, tenant
from domain.sending_ip import Egress
from tests.decided_kit import decided
from tests.schedule_kit import apply

TEMPLATE = "---\nsubject: Hi {{ first_name }}\n---\n<p>Hello {{ first_name }}</p>"
LEADS = ("ann@gmail.test", "ben@gmail.test", "cec@other.test")


@dataclass(frozen=True)
class Ground:
    """The ids of what a campaign is made of."""

    template_id: str
    list_id: str
    sender_id: str
    domain_id: str
    ip: str

    @property
    def plan(self) -> dict[str, Any]:
        """A request for a campaign that can be launched."""
        return {
            "name": "Spring news",
            "template_id": self.template_id,
            "list_ids": [self.list_id],
            "sender_id": self.sender_id,
            "ips": [self.ip],
        }


def lay(desk: Desk, dsn: str, leads: Iterable[str] = LEADS) -> Ground:
    """Tenant, verified domain, sender, template, IP without a cap and a list with these leads."""
    known = partial(tenant.create, tenant_id=desk.tenant_id)
    desk.decide(tenant, tenant.stream(desk.tenant_id), known)
    domain_id = domains.ensure(desk, "sender.test")
    seen = partial(sending_domain.record_check, seen=["dkim"], missing=[])
    desk.decide(sending_domain, sending_domain.stream(domain_id), seen)
    sender = senders.save(desk, "news@sender.test", "News")
    template_id = desk.fresh_id("tpl")
    templates.create(desk, template_id)
    templates.publish(desk, template_id, parse_source(TEMPLATE, "spring.html"))
    ip = sending_ips.ensure(desk, Egress(), None)
    list_id = desk.fresh_id("lst")
    add_list(dsn, desk.tenant_id, list_id, leads)
    return Ground(template_id, list_id, sender.sender_id, domain_id, ip)


def add_list(
    dsn: str,
    tenant_id: str,
    list_id: str,
    leads: Iterable[str],
    fields: str = '{"first_name": "A"}',
) -> None:
    """A list with contacts of these addresses; who is known already is not made again."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("INSERT INTO vault.lead_list VALUES (%s, %s, now())", (tenant_id, list_id))
        for lead in leads:
            conn.execute(
                "INSERT INTO vault.contact"
                " (tenant_id, contact_id, address, address_key, domain, fields)"
                " VALUES (%s, %s, %s, lower(%s), split_part(%s, '@', 2), %s)"
                " ON CONFLICT (tenant_id, address_key) DO NOTHING",
                (tenant_id, f"lea_{lead.split('@')[0]}", lead, lead, lead, fields),
            )
            conn.execute(
                "INSERT INTO vault.list_member SELECT tenant_id, %s, contact_id, 'imp'"
                " FROM vault.contact WHERE tenant_id = %s AND address_key = lower(%s)",
                (list_id, tenant_id, lead),
            )


async def fold(dsn: str) -> None:
    """Bring the rows that claims and checks look at up with every decision so far."""
    async with await postgres.connect(dsn, "pm_projector") as conn:
        await apply(conn, decided(dsn))
