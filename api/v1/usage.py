"""What a tenant used of its plan; and the plan's limit, which staff set."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from api import shapes_analytics as shapes
from api.answers import Json
from api.bodies import Body, Reason
from api.callers import Caller
from api.desk import Desk
from api.problems import Problem
from api.wiring import PortsDep, at_desk, may
from domain import plan_limit
from domain.plan_limit import LIMIT_MAX
from projections.reads import freshness
from projections.usage import queries

router = APIRouter(prefix="/v1/usage", tags=["usage"])
Reader = Annotated[Caller, may("analytics:read")]
Writer = Annotated[Desk, at_desk("settings:write")]
#: Whose limits are not their own: members of staff, and the operator of the stack.
STAFF = ("stf_", "operator")


class Limit(Body):
    """How many sends a month the plan covers; null: as many as they like."""

    sends_per_month: Annotated[int | None, Field(ge=1, le=LIMIT_MAX, examples=[50_000])]
    reason: Reason


@router.get("", responses=shapes.USAGE)
async def get_usage(caller: Reader, ports: PortsDep) -> Json:
    """Sends of this month (UTC) against the plan's limit, crossings of 80, 90, 95 and 100 percent.

    A send is used once: in the month in which its first attempt started. Retries are free, and so
    is what was suppressed, cancelled or expired before any attempt.
    """
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await queries.usage(bound, ports.clock().date())
        as_of = await freshness(bound, "send_ledger")
    return Json({"object": "usage"} | found | {"as_of": as_of})


@router.put("/limit", responses=shapes.LIMIT_SET)
def set_limit(body: Limit, desk: Writer) -> Json:
    """Set what the tenant's plan covers. For staff alone; repeating it changes nothing."""
    if not desk.actor.startswith(STAFF):
        raise Problem("forbidden", "only staff set what a plan covers")
    decide = partial(
        plan_limit.set_limit,
        tenant_id=desk.tenant_id,
        sends_per_month=body.sends_per_month,
        reason=body.reason,
    )
    decided = desk.decide(plan_limit, plan_limit.stream(desk.tenant_id), decide)
    found = {"object": "plan", "sends_per_month": body.sends_per_month}
    return Json(found | {"position": decided.position})
