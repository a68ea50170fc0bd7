"""The caller's own tenant: its name and what it chose for itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from api import shapes_people as shapes
from api.answers import Json
from api.bodies import Body, Name
from api.callers import Caller
from api.commands import tenants
from api.desk import Desk
from api.problems import not_found
from api.wiring import PortsDep, at_desk, may
from domain import fatigue
from domain.fatigue import Fatigue
from domain.refusals import Invalid

router = APIRouter(prefix="/v1/tenant", tags=["tenant"])


class ContactFatigue(Body):
    """How much marketing mail a contact may get of all campaigns; what is over it waits."""

    per_day: Annotated[
        int, Field(ge=1, le=fatigue.PER_DAY_MAX, description="in any 24 hours", examples=[2])
    ] = 2
    gap_h: Annotated[
        int, Field(ge=0, le=fatigue.GAP_H_MAX, description="hours between two", examples=[4])
    ] = 4


class TenantChange(Body):
    """What is left out stays as it is."""

    name: Name | None = None
    time_zone: (
        Annotated[str, Field(max_length=64, description="an IANA name", examples=["Europe/Berlin"])]
        | None
    ) = None
    contact_fatigue: Annotated[ContactFatigue | None, Field(description="null: no limit")] = None


@router.get("", responses=shapes.TENANT)
async def get_tenant(caller: Annotated[Caller, may("analytics:read")], ports: PortsDep) -> Json:
    """The tenant: name, time zone of its days, whether it may send, how much is in it."""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await bound.rows(tenants.SQL["own"])
        counts = await bound.rows(tenants.SQL["counts"])
    if not found:
        raise not_found("tenant")
    return Json({"object": "tenant"} | found[0] | counts[0])


@router.patch("", responses=shapes.TENANT_TOLD)
def change_tenant(body: TenantChange, desk: Annotated[Desk, at_desk("settings:write")]) -> Json:
    """Another name, time zone of reports and schedules, or limit of what a contact may get."""
    limits = "contact_fatigue" in body.model_fields_set
    if body.name is None and body.time_zone is None and not limits:
        raise Invalid("name: nothing is to be changed; give name, time_zone or contact_fatigue")
    position = tenants.change(desk, name=body.name, time_zone=body.time_zone)
    if limits:
        wanted = body.contact_fatigue
        limit = Fatigue(wanted.per_day, wanted.gap_h) if wanted else None
        position = tenants.set_fatigue(desk, limit) or position
    told = {"object": "tenant", "tenant_id": desk.tenant_id, "position": position}
    return Json(told)
