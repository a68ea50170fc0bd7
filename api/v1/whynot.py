"""Why is this not sending? The limit that binds, its rule and evidence, and when it lifts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api import shapes_volume as shapes
from api.answers import Json
from api.bodies import IdPath
from api.callers import Caller
from api.problems import not_found
from api.wiring import PortsDep, may
from domain.suppression import hash_key
from projections.whynot import why

router = APIRouter(prefix="/v1", tags=["volume control"])


@router.get("/campaigns/{campaign_id}/whynot", responses=shapes.WHYNOT)
async def whynot_campaign(
    campaign_id: IdPath, caller: Annotated[Caller, may("campaigns:read")], ports: PortsDep
) -> Json:
    """What holds the campaign's open sends, and what else does or soon may.

    `binding` is null while something may leave. `others` begin with what binds too; of the rest
    `evidence` tells how much is left. `lifts_at` is null where time alone does not help.
    """
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await why.of_a_campaign(bound, campaign_id, caller.workspace_ids)
    if found is None:
        raise not_found("campaign")
    return Json(found.as_json())


@router.get("/sending-ips/{ip}/whynot", responses=shapes.WHYNOT)
async def whynot_ip(
    ip: IdPath, caller: Annotated[Caller, may("ips:read")], ports: PortsDep
) -> Json:
    """What holds mail that may leave from the IP, as of a campaign."""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await why.of_an_ip(bound, ip)
    if found is None:
        raise not_found("sending IP")
    return Json(found.as_json())


@router.get("/sends/{send_id}/whynot", responses=shapes.WHYNOT)
async def whynot_send(
    send_id: IdPath, caller: Annotated[Caller, may("sends:read")], ports: PortsDep
) -> Json:
    """What holds one mail to one lead; of one that has its end, how it ended and by which rule."""
    async with ports.reads.of(caller.tenant_id) as bound:
        key = hash_key(ports.desks.id_key)
        found = await why.of_a_send(bound, send_id, caller.workspace_ids, key)
    if found is None:
        raise not_found("send")
    return Json(found.as_json())
