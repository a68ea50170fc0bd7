"""A tenant's mail moves to other sending IPs: what that is to a domain and to a campaign."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from domain import campaign, sending_domain
from domain.campaign import Status
from domain.campaign_ips import CampaignIpsReplaced
from domain.event import Event
from domain.sending_domain import DomainIpAssigned, DomainIpUnassigned

#: A campaign that may still release something, or will.
MOVED = frozenset({Status.SCHEDULED, Status.RUNNING, Status.PAUSED})


def domain_ips(
    state: sending_domain.State, *, old: Collection[str], new: Sequence[str]
) -> tuple[Event, ...]:
    """Let a domain's mail leave from the new IPs; only if some old one was meant for it."""
    gone = [ip for ip in state.ips if ip in old]
    if not gone:
        return ()
    own = {"tenant_id": state.tenant_id, "domain_id": state.domain_id}
    come = [ip for ip in new if ip not in state.ips]
    assigned = [DomainIpAssigned(**own, ip=ip) for ip in come]
    return (*assigned, *[DomainIpUnassigned(**own, ip=ip) for ip in gone])


def campaign_ips(
    state: campaign.State,
    *,
    current: Sequence[str],
    old: Collection[str],
    new: Sequence[str],
    pool_id: str,
    reason: str,
) -> tuple[Event, ...]:
    """Let what is not started of a campaign leave from the new IPs in place of the old ones.

    `current`: those that it has now, by its launch or its pool. One that has none of the old ones,
    or has ended, stays as it is. Raises NotFound.
    """
    plan = campaign.require(state)
    if state.status not in MOVED or not set(current) & set(old):
        return ()
    kept = [ip for ip in current if ip not in old]
    ips = list(dict.fromkeys([*kept, *new]))
    if (plan.ips, plan.pool_id) == (ips, pool_id):
        return ()
    replaced = CampaignIpsReplaced(
        tenant_id=plan.tenant_id,
        campaign_id=plan.campaign_id,
        ips=ips,
        pool_id=pool_id,
        reason=reason,
    )
    return (replaced,)
