"""Campaigns, their counters and rates, and who got the mail."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import shapes
from api.answers import Json, listed
from api.problems import not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, TenantDep
from domain.sending import Outcome
from projections.campaign_counters import queries as campaigns
from projections.reads import Bound, freshness
from projections.send_ledger import queries as ledger

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])
LEDGER = "send_ledger"
STATES = ("waiting", "started", *(outcome.value for outcome in Outcome))
StateQuery = Annotated[
    str, Query(pattern=f"^({'|'.join(STATES)})?$", description="only sends in this state")
]
ProviderQuery = Annotated[str, Query(max_length=200, description="only this mailbox provider")]


@router.get("", responses=shapes.CAMPAIGNS)
async def list_campaigns(
    tenant: TenantDep, ports: PortsDep, limit: LimitQuery = DEFAULT_LIMIT, cursor: CursorQuery = ""
) -> Json:
    """The tenant's campaigns with their counters, the newest first."""
    scope = (tenant, "campaigns")
    after = str(ports.cursors.read(scope, cursor)[0]) if cursor else ""
    async with ports.reads.of(tenant) as bound:
        found = await campaigns.page(bound, after=after, limit=limit + 1)
        as_of = await freshness(bound, LEDGER)
    more = len(found) > limit
    following = ports.cursors.make(scope, [found[limit - 1]["campaign_id"]]) if more else None
    return listed([_campaign(row) for row in found[:limit]], following, as_of=as_of)


@router.get("/{campaign_id}", responses=shapes.CAMPAIGN)
async def get_campaign(campaign_id: str, tenant: TenantDep, ports: PortsDep) -> Json:
    """State, counters and rates of a campaign. At rest, requested is the sum of the ends."""
    async with ports.reads.of(tenant) as bound:
        found = await _known(bound, campaign_id)
        as_of = await freshness(bound, LEDGER)
    return Json(_campaign(found) | {"as_of": as_of})


@router.get("/{campaign_id}/sends", responses=shapes.SENDS)
async def list_sends(
    campaign_id: str,
    tenant: TenantDep,
    ports: PortsDep,
    state: StateQuery = "",
    provider: ProviderQuery = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The ledger: one row per send of the campaign, in a fixed order."""
    scope = (tenant, "sends", campaign_id, state, provider)
    batch_id, idx = ports.cursors.read(scope, cursor) if cursor else ("", -1)
    async with ports.reads.of(tenant) as bound:
        await _known(bound, campaign_id)
        found = await ledger.page(
            bound,
            campaign_id,
            state=state,
            provider=provider,
            after=(batch_id, idx),
            limit=limit + 1,
        )
        as_of = await freshness(bound, LEDGER)
    last = found[limit - 1] if len(found) > limit else None
    following = ports.cursors.make(scope, [last["batch_id"], last["idx"]]) if last else None
    return listed(found[:limit], following, as_of=as_of)


async def _known(bound: Bound, campaign_id: str) -> dict[str, Any]:
    found = await campaigns.one(bound, campaign_id) if "\x00" not in campaign_id else None
    if found is None:
        raise not_found("campaign")
    return found


def _campaign(row: dict[str, Any]) -> dict[str, Any]:
    return {"object": "campaign"} | row
