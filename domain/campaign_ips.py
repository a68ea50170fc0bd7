"""The sending IPs of a campaign, once others take the place of those it had."""

from __future__ import annotations

from domain.event import Event, Topic, event_type


@event_type("CampaignIpsReplaced", topic=Topic.DECISIONS, key="tenant_id")
class CampaignIpsReplaced(Event):
    """What is not started yet leaves from these IPs; what is started ends where it is."""

    tenant_id: str
    campaign_id: str
    ips: list[str]
    pool_id: str  # that they are of; empty: of none
    reason: str
