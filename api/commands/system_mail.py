"""The platform's own mail: through our own pipeline, as a campaign to one contact each.

It stands under the platform's tenant. Each letter has a contact of its own, because a link belongs
to one letter; address and link are forgotten once the link has expired.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from pathlib import Path

import structlog
from psycopg.types.json import Jsonb

from adapters.dns import Unanswered
from adapters.message.template_file import parse_template
from api.commands import domains, senders, sending_ips, templates
from api.commands.domains import Dns
from api.commands.senders import Sender
from api.desk import Desk, Desks
from domain import campaign, lead_list, tenant
from domain.campaign import CampaignDrafted
from domain.lead_list import ImportCounts
from domain.platform import PLATFORM_TENANT
from domain.ports import Letter, LetterKind
from domain.sending import Priority
from domain.sending_ip import Egress

log = structlog.get_logger()

ACTOR = "system"
LETTERS = Path(__file__).parents[1] / "letters"
SENDER_NAME = "PenguinMails"
HOUR_S = 3600
FORGET_AFTER_S = 8 * 24 * HOUR_S  # the longest link, an invitation's, serves for a week

LABEL = """
INSERT INTO vault.label (tenant_id, id, kind, label)
VALUES (%(tenant_id)s, %(id)s, %(kind)s, %(label)s) ON CONFLICT (tenant_id, id) DO NOTHING
"""
CONTACT = """
INSERT INTO vault.contact (tenant_id, contact_id, address, domain, fields)
VALUES (%(tenant_id)s, %(contact_id)s, %(address)s, %(domain)s, %(fields)s)
"""
LIST = """
INSERT INTO vault.lead_list (tenant_id, list_id, created_at)
VALUES (%(tenant_id)s, %(list_id)s, %(now)s)
"""
MEMBER = """
INSERT INTO vault.list_member (tenant_id, list_id, contact_id, import_id)
VALUES (%(tenant_id)s, %(list_id)s, %(contact_id)s, %(import_id)s)
"""
FORGET = """
UPDATE vault.contact AS c
SET address = NULL, address_key = NULL, domain = '', fields = '{}', erased_at = %(now)s
FROM vault.list_member AS m JOIN vault.lead_list AS l USING (tenant_id, list_id)
WHERE l.tenant_id = %(tenant_id)s AND l.created_at < %(before)s
  AND c.tenant_id = m.tenant_id AND c.contact_id = m.contact_id AND c.erased_at IS NULL
"""


@dataclass(frozen=True)
class Ground:
    """What every letter stands on."""

    sender: Sender
    domain_id: str
    ip: str


def prepare(desk: Desk, sender_address: str, dns: Dns) -> Ground:
    """Tenant, sender, sending IP and domain of the platform, with a look at its DNS.

    The embedded stack's stand-in publishes the records; elsewhere the operator does, who finds them
    as those of any domain. Mail goes out without them, and may not be trusted. Repeating changes
    nothing.
    """
    create = partial(tenant.create, tenant_id=desk.tenant_id)
    desk.decide(tenant, tenant.stream(desk.tenant_id), create)
    desk.write(LABEL, id=desk.tenant_id, kind="tenant", label=SENDER_NAME)
    sender = senders.save(desk, senders.checked(sender_address), SENDER_NAME)
    domain_id = domains.ensure(desk, sender.domain)
    _look(desk, domain_id, sender.domain, dns)
    return Ground(sender, domain_id, sending_ips.ensure(desk, Egress(), None))


def _look(desk: Desk, domain_id: str, domain: str, dns: Dns) -> None:
    try:
        missing = domains.check(desk, domain_id, dns).missing
    except Unanswered:
        missing = ["an answer of any name server"]
    if missing:
        log.warning("system_mail_domain_lacks_records", domain=domain, missing=missing)


@dataclass
class PipelineMail:
    """`domain.ports.SystemMail` on our own pipeline, high priority. Threads may share it."""

    desks: Desks
    sender_address: str
    dns: Dns
    clock: Callable[[], datetime]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ground: Ground | None = None
    _published: dict[LetterKind, templates.Published] = field(default_factory=dict)

    def send(self, letter: Letter) -> None:
        """As the port promises: the campaign is launched."""
        desk = self.desks.at(PLATFORM_TENANT, ACTOR)
        with self._lock:
            ground = self._ground = self._ground or prepare(desk, self.sender_address, self.dns)
            published = self._published.get(letter.kind) or _publish(desk, letter.kind)
            self._published[letter.kind] = published
        now = self.clock()
        list_id = _address(desk, letter, now)
        _launch(desk, letter, list_id, ground, published, now)
        forget = now - timedelta(seconds=FORGET_AFTER_S)
        desk.write(FORGET, now=now, before=forget)


def _publish(desk: Desk, kind: LetterKind) -> templates.Published:
    template_id = desk.derive("tpl", PLATFORM_TENANT, "letter", kind)
    templates.create(desk, template_id)
    return templates.publish(desk, template_id, parse_template(LETTERS / f"{kind}.html"))


def _address(desk: Desk, letter: Letter, now: datetime) -> str:
    """A list that holds whom the letter goes to."""
    contact_id, list_id, import_id = (desk.fresh_id(prefix) for prefix in ("lea", "lst", "imp"))
    hours = str(ceil(letter.lifetime_s / HOUR_S))
    values = {
        "tenant_id": desk.tenant_id,
        "contact_id": contact_id,
        "list_id": list_id,
        "import_id": import_id,
        "address": letter.address,
        "domain": letter.address.rpartition("@")[2].lower(),
        "fields": Jsonb(dict(letter.fields) | {"link": letter.link, "hours": hours}),
        "now": now,
    }
    with desk.transaction() as conn:
        for statement in (CONTACT, LIST, MEMBER):
            conn.execute(statement, values)
    stream = lead_list.stream(list_id)
    create = partial(lead_list.create, tenant_id=desk.tenant_id, list_id=list_id)
    desk.decide(lead_list, stream, create)
    record = partial(lead_list.record_import, import_id=import_id, counts=ImportCounts(1, 1, 0, 0))
    desk.decide(lead_list, stream, record)
    return list_id


def _launch(
    desk: Desk,
    letter: Letter,
    list_id: str,
    ground: Ground,
    published: templates.Published,
    now: datetime,
) -> None:
    campaign_id = desk.fresh_id("cmp")
    drafted = CampaignDrafted(
        tenant_id=desk.tenant_id,
        campaign_id=campaign_id,
        template_id=published.template_id,
        content_id=published.content_id,
        list_ids=[list_id],
        sender_id=ground.sender.sender_id,
        domain_id=ground.domain_id,
        ips=[ground.ip],
        priority=Priority.HIGH,
        message_class="transactional",
        sign="rsa",
        expire_after_s=letter.lifetime_s,
    )
    desk.write(LABEL, id=campaign_id, kind="campaign", label=f"letter: {letter.kind}")
    stream = campaign.stream(campaign_id)
    desk.decide(campaign, stream, partial(campaign.draft, drafted=drafted))
    desk.decide(campaign, stream, partial(campaign.launch, now=now))
