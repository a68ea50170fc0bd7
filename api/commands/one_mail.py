"""A mail to a few addresses that somebody typed, through our own pipeline, right now.

It is a transactional campaign of high priority to a list that is no list of the tenant's. An
address that is a lead's goes to that lead, so that its suppressions hold; any other gets a contact
that is forgotten after a day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from adapters.contacts.lead_rows import BadRow, check_address
from api.commands import domains, senders
from api.desk import Desk
from domain import campaign, sending_domain
from domain.campaign import CampaignDrafted
from domain.refusals import Invalid, WrongState
from domain.sending import Priority
from domain.suppression import hash_key

LIFETIME_S = 3600
FORGET_AFTER = timedelta(days=1)

LEAD = """
SELECT contact_id FROM vault.contact
WHERE tenant_id = %(tenant_id)s AND address_key = %(key)s AND erased_at IS NULL
"""
SUPPRESSED = """
WITH asked AS (SELECT vault.address_hash(%(key)s, %(hash_key)s) AS address_hash)
SELECT reason FROM vault.suppression JOIN asked USING (address_hash)
WHERE tenant_id = %(tenant_id)s AND scope = 'tenant'
UNION ALL
SELECT reason FROM vault.platform_suppression JOIN asked USING (address_hash)
"""
CONTACT = """
INSERT INTO vault.contact (tenant_id, contact_id, address, domain)
VALUES (%(tenant_id)s, %(contact_id)s, %(address)s, %(domain)s) ON CONFLICT DO NOTHING
"""
LIST = """
INSERT INTO vault.lead_list (tenant_id, list_id, created_at)
VALUES (%(tenant_id)s, %(list_id)s, %(now)s) ON CONFLICT DO NOTHING
"""
MEMBER = """
INSERT INTO vault.list_member (tenant_id, list_id, contact_id, import_id)
VALUES (%(tenant_id)s, %(list_id)s, %(contact_id)s, %(list_id)s) ON CONFLICT DO NOTHING
"""
#: Contacts that only such a list ever held: they have no address_key, as no lead is without.
FORGET = """
UPDATE vault.contact AS c
SET address = NULL, domain = '', fields = '{}', erased_at = %(now)s
FROM vault.list_member AS m JOIN vault.lead_list AS l USING (tenant_id, list_id)
WHERE l.tenant_id = %(tenant_id)s AND l.created_at < %(before)s AND m.import_id = m.list_id
  AND c.tenant_id = m.tenant_id AND c.contact_id = m.contact_id AND c.address_key IS NULL
  AND c.erased_at IS NULL
"""
LABEL = """
INSERT INTO vault.label (tenant_id, id, kind, label)
VALUES (%(tenant_id)s, %(id)s, 'campaign', %(label)s) ON CONFLICT (tenant_id, id) DO NOTHING
"""
USABLE_IPS = """
SELECT ip FROM pipeline.ip WHERE tenant_id = %(tenant_id)s AND NOT retired ORDER BY ip
"""


@dataclass(frozen=True)
class Mail:
    """What is sent: published content, from one of the tenant's senders."""

    template_id: str
    content_id: str
    sender_id: str
    label: str
    workspace_id: str = ""


@dataclass(frozen=True)
class Sent:
    """The campaign that carries it, and where the log must be read to for it to show."""

    campaign_id: str
    position: int | None


def require_sender(desk: Desk, sender_id: str) -> str:
    """The domain's id of a sender that may send. Raises NotFound, WrongState."""
    sender = senders.known(desk, sender_id)
    domain_id = domains.id_of(desk, sender.domain)
    if not desk.state(sending_domain, sending_domain.stream(domain_id)).may_send:
        cure = f"add {sender.domain}, publish its records and have it checked"
        raise WrongState(f"sender_id: its domain is not verified; {cure}")
    return domain_id


def send(desk: Desk, mail: Mail, to: Sequence[str], now: datetime) -> Sent:
    """Launch it. Raises NotFound, Invalid (an address is none, or is suppressed), WrongState."""
    domain_id = require_sender(desk, mail.sender_id)
    ips = [str(row["ip"]) for row in desk.rows(USABLE_IPS)]
    if not ips:
        raise WrongState("ips: there is no sending IP to send from; add one first")
    addressees = {_checked(address).lower(): _checked(address) for address in to}
    campaign_id, list_id = desk.fresh_id("cmp"), desk.fresh_id("lst")
    contacts = {key: _contact(desk, key) for key in addressees}
    _address(desk, list_id, {contacts[key]: addressees[key] for key in addressees}, now)
    drafted = CampaignDrafted(
        tenant_id=desk.tenant_id,
        campaign_id=campaign_id,
        template_id=mail.template_id,
        content_id=mail.content_id,
        list_ids=[list_id],
        sender_id=mail.sender_id,
        domain_id=domain_id,
        ips=ips,
        priority=Priority.HIGH,
        message_class="transactional",
        sign="rsa",
        expire_after_s=LIFETIME_S,
        workspace_id=mail.workspace_id,
    )
    return Sent(campaign_id, _launch(desk, drafted, mail.label, now))


def _launch(desk: Desk, drafted: CampaignDrafted, label: str, now: datetime) -> int | None:
    """Repeating a request finds it launched and changes nothing."""
    desk.write(LABEL, id=drafted.campaign_id, label=label)
    stream = campaign.stream(drafted.campaign_id)
    before = desk.state(campaign, stream)
    if before.launched:
        return desk.decide(campaign, stream, lambda _: ()).position
    desk.decide(campaign, stream, partial(campaign.draft, drafted=drafted))
    return desk.decide(campaign, stream, partial(campaign.launch, now=now)).position


def _contact(desk: Desk, key: str) -> str:
    """The lead of an address, else a fresh contact's id. Raises Invalid for a suppressed one."""
    fresh = desk.fresh_id("lea")
    found = desk.rows(LEAD, key=key)
    if found:
        return str(found[0]["contact_id"])
    if rows := desk.rows(SUPPRESSED, key=key, hash_key=hash_key(desk.id_key)):
        raise Invalid(f"to: one of these addresses is suppressed ({rows[0]['reason']})")
    return fresh


def _address(desk: Desk, list_id: str, to: Mapping[str, str], now: datetime) -> None:
    """The list of whom it goes to, by contact; what earlier ones held is forgotten."""
    own = {"tenant_id": desk.tenant_id, "list_id": list_id, "now": now}
    with desk.transaction() as conn:
        conn.execute(FORGET, own | {"before": now - FORGET_AFTER})
        conn.execute(LIST, own)
        for contact_id, address in to.items():
            row = own | {"contact_id": contact_id, "address": address}
            conn.execute(CONTACT, row | {"domain": address.rpartition("@")[2]})
            conn.execute(MEMBER, row)


def _checked(address: str) -> str:
    try:
        return check_address(address.strip())[0]
    except BadRow as bad:
        raise Invalid(f"to: {bad}; write it as ann@example.com") from bad
