"""Campaigns by command: draft and launch, pause, resume, cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from api.commands.senders import Sender
from api.commands.templates import Published
from domain import campaign
from domain.campaign import CampaignDrafted
from domain.event import Event
from domain.refusals import NotFound
from domain.sending import Priority
from ops.launching.desk import Desk

EXPIRE_AFTER_S = 72 * 3600  # bulk mail is worth sending for three days (deliverability.md §7.3)
LABEL = """
INSERT INTO vault.label (tenant_id, id, kind, label) VALUES (%s, %s, 'campaign', %s)
ON CONFLICT (tenant_id, id) DO NOTHING
"""
TENANT_OF = "SELECT tenant_id FROM pipeline.campaign WHERE campaign_id = %s"


@dataclass(frozen=True)
class Plan:
    """What a campaign consists of."""

    published: Published
    list_id: str
    sender: Sender
    domain_id: str
    ip: str
    sign: str
    priority: str = Priority.NORMAL
    message_class: str = "bulk"


def launch(desk: Desk, tenant_id: str, campaign_id: str, name: str, plan: Plan) -> None:
    """Draft and launch it; repeating finds it launched, or finished, and changes nothing."""
    drafted = CampaignDrafted(
        tenant_id=tenant_id,
        campaign_id=campaign_id,
        template_id=plan.published.template_id,
        content_id=plan.published.content_id,
        list_ids=[plan.list_id],
        sender_id=plan.sender.sender_id,
        domain_id=plan.domain_id,
        ips=[plan.ip],
        priority=plan.priority,
        message_class=plan.message_class,
        sign=plan.sign,
        expire_after_s=EXPIRE_AFTER_S,
    )
    desk.write(tenant_id, LABEL, (tenant_id, campaign_id, name))
    stream = campaign.stream(campaign_id)
    desk.decide(campaign, stream, partial(campaign.draft, drafted=drafted), tenant_id=tenant_id)
    start = partial(_launch_once, now=datetime.now(UTC))
    desk.decide(campaign, stream, start, tenant_id=tenant_id)


def _launch_once(state: campaign.State, *, now: datetime) -> tuple[Event, ...]:
    return () if state.launched else campaign.launch(state, now=now)


Decide = Callable[[campaign.State], Sequence[Event]]
#: What an operator may ask of a campaign, by the word that the command line uses.
DEEDS: dict[str, Decide] = {
    "pause": partial(campaign.pause, reason="asked for by the operator"),
    "resume": campaign.resume,
    "cancel": partial(campaign.cancel, reason="asked for by the operator"),
}


def act(desk: Desk, campaign_id: str, deed: str) -> str:
    """Pause, resume or cancel; returns the tenant. Raises NotFound, WrongState."""
    tenant_id = tenant_of(desk, campaign_id)
    desk.decide(campaign, campaign.stream(campaign_id), DEEDS[deed], tenant_id=tenant_id)
    return tenant_id


def tenant_of(desk: Desk, campaign_id: str) -> str:
    """Whose campaign it is. Raises NotFound for one that was never launched here."""
    found = desk.vault.execute(TENANT_OF, (campaign_id,)).fetchone()
    if found is None:
        raise NotFound(
            f"there is no campaign {campaign_id}: see `penguin events --type CampaignLaunched`"
        )
    return str(found[0])
