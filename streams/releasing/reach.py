"""Which IPs each campaign may leave from in a tick, and what binds it beside their cells. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streams.releasing.bounds import Campaign
from streams.releasing.picking import Allowance, Wider


def reach(
    allowed: Allowance, campaigns: Mapping[str, Campaign], others: Mapping[str, Sequence[str]]
) -> tuple[dict[str, list[str]], dict[str, Wider]]:
    """By campaign its IPs with room, and what its domain and its excess may come to.

    A campaign that a breaker or a daily limit shuts is left out, as is one without an IP.
    `others`: the IPs that may take its excess, should they be warm.
    """
    usable, wider = {}, {}
    for campaign_id, campaign in campaigns.items():
        if allowed.bounds.shuts(campaign):
            continue
        own = [ip for ip in campaign.ips if ip in allowed.alive]
        ips = [ip for ip in own if ip in allowed.lanes and not allowed.bounds.shuts_ip(ip)]
        found = _wider(allowed, campaign, own, others.get(campaign_id, ()))
        if ips or found.spares:
            usable[campaign_id], wider[campaign_id] = ips, found
    return usable, wider


def _wider(
    allowed: Allowance, campaign: Campaign, own: Sequence[str], others: Sequence[str]
) -> Wider:
    spares = allowed.bounds.spares(campaign, own, [ip for ip in others if ip in allowed.lanes])
    every = sorted({*own, *(ip for ips in spares.values() for ip in ips)})
    return Wider(allowed.bounds.wide_left(campaign, every), spares)
