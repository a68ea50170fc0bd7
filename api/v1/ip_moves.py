"""For staff: a tenant's mail moves to other sending IPs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from api import shapes_egress as shapes
from api.answers import Json
from api.bodies import Body, IdPath, IdText, Reason
from api.callers import Caller
from api.commands import ip_moves as commands
from api.commands import tenants
from api.problems import Problem, not_found
from api.wiring import PortsDep, may
from domain.platform import PLATFORM_TENANT

router = APIRouter(prefix="/v1/staff/tenants", tags=["staff"])
IPS_MAX = 200
Mover = Annotated[Caller, may("ips:write")]
Ips = Annotated[list[Annotated[IdText, Field(min_length=1)]], Field(max_length=IPS_MAX)]


class NewMove(Body):
    """Whither, from where, and why."""

    to_ips: Ips = Field(default_factory=list, description="the new ones; or name `pool_id`")
    pool_id: Annotated[IdText, Field(description="a pool whose IPs are the new ones")] = ""
    from_ips: Ips = Field(default_factory=list, description="left out: all others in use")
    plan: Annotated[
        Literal["conservative", "standard", "fast"],
        Field(description="by which new IPs without a plan warm up"),
    ] = "standard"
    reason: Reason
    acknowledge: Annotated[
        bool, Field(description="that the tenant's own lists are why its mail is held")
    ] = False


@router.post("/{tenant_id}/move", responses=shapes.MOVED)
def move_tenant(tenant_id: IdPath, body: NewMove, caller: Mover, ports: PortsDep) -> Json:
    """Move a tenant's mail to clean infrastructure.

    The old IPs are quarantined; domains and campaigns that had them have the new ones, which warm
    up by a plan. What is started ends where it is. Refused where the tenant's own lists are why it
    is held, until that is acknowledged. Broken off, it is repeated with the same words.
    """
    if not caller.ours:
        raise Problem("forbidden", "only the platform's staff move a tenant")
    desk = ports.desks.at(tenant_id, caller.actor)
    if tenant_id == PLATFORM_TENANT or not tenants.exists(desk):
        raise not_found("tenant")
    wanted = commands.Move(
        reason=body.reason,
        to_ips=tuple(body.to_ips),
        pool_id=body.pool_id,
        from_ips=tuple(body.from_ips),
        plan=body.plan,
        acknowledged=body.acknowledge,
    )
    return Json({"object": "ip_move"} | commands.move(desk, wanted))
