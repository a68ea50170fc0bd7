"""One send's story: every event about it, with its place in the log."""

from __future__ import annotations

from fastapi import APIRouter

from api import shapes
from api.answers import Json
from api.problems import not_found
from api.wiring import PortsDep, TenantDep
from projections.reads import freshness
from projections.send_ledger import queries as ledger

router = APIRouter(prefix="/v1/sends", tags=["sends"])


@router.get("/{send_id}", responses=shapes.SEND)
async def get_send(send_id: str, tenant: TenantDep, ports: PortsDep) -> Json:
    """What became of one mail to one contact, and why, event by event."""
    async with ports.reads.of(tenant) as bound:
        found = await ledger.story(bound, send_id) if "\x00" not in send_id else None
        as_of = await freshness(bound, "send_ledger")
    if found is None:
        raise not_found("send")
    return Json({"object": "send"} | found | {"as_of": as_of})
