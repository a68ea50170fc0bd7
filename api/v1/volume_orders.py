"""What people order of volume control; the list of orders is beside its other decisions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from api import shapes_egress as shapes
from api.answers import Json
from api.bodies import Body, IdText, Reason
from api.callers import Caller
from api.commands import volume_orders as commands
from api.desk import Desk
from api.wiring import at_desk, may
from domain.governor.orders import QUOTA_MAX, Order, Target

router = APIRouter(prefix="/v1/volume/orders", tags=["volume control"])
Writer = Annotated[Desk, at_desk("ips:write")]
Orderer = Annotated[Caller, may("ips:write")]


class NewOrder(Body):
    """What volume control shall do, of which scope, and why."""

    scope: Literal["cell", "domain", "ip", "tenant", "campaign"]
    scope_id: Annotated[
        IdText, Field(description="of a cell: the sending IP's; left out: the tenant's own")
    ] = ""
    provider: Annotated[
        str,
        StringConstraints(max_length=64, pattern=r"^[a-z0-9_.-]*$"),
        Field(description="of a cell or domain", examples=["gmail"]),
    ] = ""
    action: Annotated[
        Literal["stop", "resume", "quota", "warm"],
        Field(description="resume ends a breaker, by probes; warm: it was warmed up elsewhere"),
    ]
    quota: Annotated[
        int, Field(ge=0, le=QUOTA_MAX, description="messages a day, with quota, or warm of a cell")
    ] = 0
    reason: Reason


@router.post("", status_code=202, responses=shapes.ORDERED)
def order_volume(body: NewOrder, desk: Writer, caller: Orderer) -> Json:
    """Stop or resume a scope, set its quota, or call it warm.

    The platform's staff alone raise a quota above what volume control allows, call something warm,
    end what staff ordered, and end a block of an IP. What holds comes with the agent's next turn.
    """
    scope_id = body.scope_id or (desk.tenant_id if body.scope == "tenant" else "")
    target = Target(desk.tenant_id, body.scope, scope_id, body.provider)
    wanted = Order(body.action, body.reason, body.quota, caller.ours)
    decided = commands.give(desk, target, wanted)
    told: dict[str, Any] = {"object": "volume_order", "scope": body.scope, "scope_id": scope_id}
    told |= {"provider": body.provider, "action": body.action, "quota": body.quota}
    told |= {"changed": bool(decided.events), "position": decided.position}
    return Json(told, status_code=202)
