"""For staff: all tenants, and staff themselves. No role of a tenant's people opens any of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from api import shapes_people as shapes
from api.answers import Json
from api.bodies import Body, IdPath, Name, Reason
from api.callers import Caller
from api.commands import staff, tenants
from api.commands.keys import CreatedKey
from api.desk import Desk
from api.listing import Rows
from api.problems import not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, Ports, PortsDep, may
from domain.access import STAFF_ROLES
from domain.platform import PLATFORM, PLATFORM_TENANT
from domain.tenant import DAILY_LIMIT_MAX

router = APIRouter(prefix="/v1/staff", tags=["staff"])
TenantReader = Annotated[Caller, may("tenants:read")]
TenantWriter = Annotated[Caller, may("tenants:write")]
StaffReader = Annotated[Caller, may("staff:read")]
StaffWriter = Annotated[Caller, may("staff:write")]
StaffRole = Annotated[str, Field(pattern=f"^({'|'.join(STAFF_ROLES)})$", examples=["support"])]
TENANTS = Rows(tenants.SQL["all"], "tenant_id", lambda row: {"object": "tenant"} | row)
STAFF = Rows(staff.SQL["page"], "staff_id", lambda row: {"object": "staff"} | row)


class Suspend(Body):
    """Why: a code, which the tenant's audit log shows."""

    reason: Literal["abuse", "unpaid", "security", "asked"]


class DailyLimit(Body):
    """How many messages of the tenant may leave on a UTC day; null: as many as come."""

    daily_limit: Annotated[int | None, Field(ge=1, le=DAILY_LIMIT_MAX, examples=[20_000])]
    reason: Reason


class NewStaff(Body):
    """Whom to take on, and what they may do in any tenant."""

    name: Name
    role: StaffRole


class StaffChange(Body):
    """Another role."""

    role: StaffRole


@router.get("/tenants", responses=shapes.TENANTS)
async def list_tenants(
    caller: TenantReader,
    ports: PortsDep,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """All tenants, by id."""
    return await TENANTS.page(ports, _at_platform(caller), cursor, limit, name="")


@router.get("/tenants/{tenant_id}", responses=shapes.TENANT, dependencies=[may("tenants:read")])
async def get_any_tenant(tenant_id: IdPath, ports: PortsDep) -> Json:
    """One tenant, with how much is in it."""
    async with ports.reads.of(tenant_id) as bound:
        found = await bound.rows(tenants.SQL["own"])
        counts = await bound.rows(tenants.SQL["counts"])
    if not found or tenant_id == PLATFORM_TENANT:
        raise not_found("tenant")
    return Json({"object": "tenant"} | found[0] | counts[0])


@router.post("/tenants/{tenant_id}/suspend", responses=shapes.TENANT_STATE)
def suspend_tenant(tenant_id: IdPath, body: Suspend, caller: TenantWriter, ports: PortsDep) -> Json:
    """Stop everything that the tenant sends, until it is restored."""
    decided = tenants.suspend(ports.desks.at(tenant_id, caller.actor), reason=body.reason)
    return _state(tenant_id, "suspended", decided.position)


@router.post("/tenants/{tenant_id}/restore", responses=shapes.TENANT_STATE)
def restore_tenant(tenant_id: IdPath, caller: TenantWriter, ports: PortsDep) -> Json:
    """Let the tenant send again."""
    decided = tenants.restore(ports.desks.at(tenant_id, caller.actor))
    return _state(tenant_id, "active", decided.position)


@router.put("/tenants/{tenant_id}/limit", responses=shapes.TENANT_LIMIT)
def limit_tenant(
    tenant_id: IdPath, body: DailyLimit, caller: TenantWriter, ports: PortsDep
) -> Json:
    """Bind, change or lift how much of the tenant's mail leaves on a UTC day.

    What is over it waits for the next day. It counts every attempt, of all campaigns together.
    """
    desk = ports.desks.at(tenant_id, caller.actor)
    decided = tenants.set_daily_limit(desk, daily_limit=body.daily_limit, reason=body.reason)
    told = {"object": "tenant", "tenant_id": tenant_id, "daily_limit": body.daily_limit}
    return Json(told | {"position": decided.position})


@router.get("/members", responses=shapes.STAFF)
async def list_staff(
    caller: StaffReader,
    ports: PortsDep,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """All staff, also who was removed."""
    return await STAFF.page(ports, _at_platform(caller), cursor, limit)


@router.post("/members", status_code=201, responses=shapes.STAFF_MADE)
def add_staff(body: NewStaff, caller: StaffWriter, ports: PortsDep) -> Json:
    """Take somebody on. `token` is shown in this answer alone; only its hash is kept."""
    desk, now = _desk(ports, caller), ports.clock()
    return _made(staff.add(desk, name=body.name, role=body.role, by=caller.permissions, now=now))


@router.patch("/members/{staff_id}", responses=shapes.STAFF_TOLD)
def change_staff(staff_id: IdPath, body: StaffChange, caller: StaffWriter, ports: PortsDep) -> Json:
    """Another role, from their next request on."""
    desk = _desk(ports, caller)
    return _told(staff_id, staff.change(desk, staff_id, role=body.role, by=caller.permissions))


@router.post("/members/{staff_id}/token", status_code=201, responses=shapes.STAFF_MADE)
def renew_staff_token(staff_id: IdPath, caller: StaffWriter, ports: PortsDep) -> Json:
    """Another token; the old one ends now."""
    return _made(staff.renew(_desk(ports, caller), staff_id, by=caller.permissions))


@router.delete("/members/{staff_id}", responses=shapes.STAFF_TOLD)
def remove_staff(staff_id: IdPath, caller: StaffWriter, ports: PortsDep) -> Json:
    """Let somebody go: the next request with their token is refused."""
    return _told(staff_id, staff.remove(_desk(ports, caller), staff_id, by=caller.permissions))


def _at_platform(caller: Caller) -> Caller:
    """The caller where all tenants and staff are seen, whichever tenant the request names."""
    return replace(caller, tenant_id=PLATFORM)


def _desk(ports: Ports, caller: Caller) -> Desk:
    return ports.desks.at(PLATFORM, caller.actor)


def _state(tenant_id: str, state: str, position: int | None) -> Json:
    told = {"object": "tenant", "tenant_id": tenant_id, "state": state, "position": position}
    return Json(told)


def _told(staff_id: str, position: int | None) -> Json:
    told: dict[str, Any] = {"object": "staff", "staff_id": staff_id, "position": position}
    return Json(told)


def _made(made: CreatedKey) -> Json:
    told = {"object": "staff", "staff_id": made.key_id, "token": made.text}
    answer = Json(told | {"position": made.position}, status_code=201)
    answer.headers["cache-control"] = "no-store"
    return answer
