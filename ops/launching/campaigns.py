"""Campaigns by command: draft and launch, pause, resume, cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import api.desk
from api.commands import campaigns as commands
from api.commands.senders import Sender
from api.commands.templates import Published
from domain.campaign import CampaignDrafted
from domain.refusals import NotFound
from domain.sending import Priority
from ops.launching.desk import Desk

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
    """Draft and launch it; repeating finds it launched, or finished, and changes nothing.

    What `launch_checks` would ask for was seen to before: this may run before any fold has.
    """
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
        expire_after_s=commands.EXPIRE_AFTER_S,
    )
    own = desk.of(tenant_id)
    commands.draft(own, name, drafted)
    commands.start(own, campaign_id, datetime.now(UTC))


ASKED = "asked for by the operator"
#: What an operator may ask of a campaign, by the word that the command line uses.
DEEDS: dict[str, Callable[[api.desk.Desk, str], object]] = {
    "pause": partial(commands.pause, reason=ASKED),
    "resume": commands.resume,
    "cancel": partial(commands.cancel, reason=ASKED),
}


def act(desk: Desk, campaign_id: str, deed: str) -> str:
    """Pause, resume or cancel; returns the tenant. Raises NotFound, WrongState."""
    tenant_id = tenant_of(desk, campaign_id)
    DEEDS[deed](desk.of(tenant_id), campaign_id)
    return tenant_id


def tenant_of(desk: Desk, campaign_id: str) -> str:
    """Whose campaign it is. Raises NotFound for one that was never launched here."""
    found = desk.vault.execute(TENANT_OF, (campaign_id,)).fetchone()
    if found is None:
        raise NotFound(
            f"there is no campaign {campaign_id}: see `penguin events --type CampaignLaunched`"
        )
    return str(found[0])
