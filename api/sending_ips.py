"""Sending IPs with what binds them and what left from them today."""

from __future__ import annotations

from fastapi import APIRouter

from api import shapes
from api.answers import Json, listed
from api.wiring import PortsDep, TenantDep
from projections.reads import freshness
from projections.sending_ips import queries as sending_ips

router = APIRouter(prefix="/v1/sending-ips", tags=["sending IPs"])


@router.get("", responses=shapes.SENDING_IPS)
async def list_sending_ips(tenant: TenantDep, ports: PortsDep) -> Json:
    """All sending IPs of the tenant: route, caps and rates per provider, use of this UTC day."""
    day = ports.clock().date()
    async with ports.reads.of(tenant) as bound:
        found = await sending_ips.ips(bound, day)
        as_of = await freshness(bound, "sending_ips")
    return listed(found, None, day=day, as_of=as_of)
