"""A campaign: draft → scheduled → running ↔ paused → finished or cancelled."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from domain.event import Event, Topic, Unit, event_type


@event_type("CampaignDrafted", topic=Topic.DECISIONS, key="tenant_id")
class CampaignDrafted(Event):
    """A campaign was put together; nothing is sent yet."""

    tenant_id: str
    campaign_id: str
    template_id: str
    content_id: str  # of the template version
    list_ids: list[str]
    sender_id: str  # the From address, in the vault
    domain_id: str
    ips: list[str]  # sending IPs it may use
    priority: str
    message_class: str  # bulk or transactional
    sign: str  # none, ed25519, rsa or both
    expire_after_s: Annotated[int, Unit("seconds")]


@event_type("CampaignScheduled", topic=Topic.DECISIONS, key="tenant_id")
class CampaignScheduled(Event):
    """It launches at this moment."""

    tenant_id: str
    campaign_id: str
    at: datetime


@event_type("CampaignLaunched", topic=Topic.DECISIONS, key="tenant_id")
class CampaignLaunched(Event):
    """Its audience is to be frozen and planned, and its sends are to go out."""

    tenant_id: str
    campaign_id: str
    content_id: str
    list_ids: list[str]
    sender_id: str
    domain_id: str
    ips: list[str]
    priority: str
    message_class: str
    sign: str
    launched_at: datetime
    expires_at: datetime


@event_type("CampaignPaused", topic=Topic.DECISIONS, key="tenant_id")
class CampaignPaused(Event):
    """Waiting and released-but-unclaimed sends stay where they are until it is resumed."""

    tenant_id: str
    campaign_id: str
    reason: str


@event_type("CampaignResumed", topic=Topic.DECISIONS, key="tenant_id")
class CampaignResumed(Event):
    """It goes on."""

    tenant_id: str
    campaign_id: str


@event_type("CampaignCancelled", topic=Topic.DECISIONS, key="tenant_id")
class CampaignCancelled(Event):
    """What was not started ends as cancelled; what is on the wire ends as it ends."""

    tenant_id: str
    campaign_id: str
    reason: str


@event_type("CampaignFinished", topic=Topic.DECISIONS, key="tenant_id")
class CampaignFinished(Event):
    """Every requested send has its end: requested = the sum of `outcomes` (I6)."""

    tenant_id: str
    campaign_id: str
    requested: Annotated[int, Unit("sends")]
    outcomes: dict[str, int]
