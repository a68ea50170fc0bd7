"""The people of a tenant: who is in, with which role, in which workspaces."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from api import shapes_people as shapes
from api.answers import Json
from api.bodies import Body, IdPath
from api.callers import Caller
from api.commands import people, workspaces
from api.commands.people import Place
from api.desk import Desk
from api.listing import Rows, seen_by
from api.problems import not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from domain.access import ROLES
from domain.membership import REASONS, Granter
from domain.refusals import Invalid

router = APIRouter(prefix="/v1", tags=["users"])
Reader = Annotated[Caller, may("users:read")]
Writer = Annotated[Caller, may("users:write")]
AtDesk = Annotated[Desk, at_desk("users:write")]
RoleName = Annotated[
    str, Field(pattern=f"^({'|'.join(ROLES)})$", description="a role", examples=["member"])
]
ReasonCode = Annotated[
    str, Field(pattern=f"^({'|'.join(REASONS)})$", description="why: a code", examples=["left"])
]
WorkspaceIds = Annotated[
    list[Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]] | None,
    Field(max_length=100, description="the only ones it is for; null: all of them"),
]
RoleQuery = Annotated[
    str, Query(pattern=f"^({'|'.join(ROLES)})?$", description="only people with this role")
]
ReasonQuery = Annotated[str, Query(pattern=f"^({'|'.join(REASONS)})$", description="why: a code")]
PEOPLE = Rows(people.SQL["page"], "user_id", lambda row: {"object": "user"} | row)


class UserChange(Body):
    """What is left out stays as it is."""

    role: RoleName | None = None
    workspace_ids: WorkspaceIds = None
    reason: ReasonCode = "unspecified"


class Why(Body):
    """Why it is done."""

    reason: ReasonCode = "unspecified"


def granter(caller: Caller) -> Granter:
    """The caller as who gives and takes."""
    return Granter(caller.permissions, caller.workspace_ids)


@router.get("/roles", responses=shapes.ROLES, dependencies=[may("users:read")])
async def list_roles() -> Json:
    """Every role of a tenant's people, and what it may do: scopes of API keys are named so too."""
    data = [
        {"object": "role", "role": role, "permissions": sorted(permissions)}
        for role, permissions in ROLES.items()
    ]
    return Json({"object": "list", "data": data, "has_more": False})


@router.get("/users", responses=shapes.USERS)
async def list_users(
    caller: Reader,
    ports: PortsDep,
    role: RoleQuery = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's people, by id."""
    return await PEOPLE.page(ports, caller, cursor, limit, role=role)


@router.get("/users/{user_id}", responses=shapes.USER)
async def get_user(user_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """One person of the tenant."""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await bound.rows(people.SQL["one"], user_id=user_id, workspaces=seen_by(caller))
    if not found:
        raise not_found("user")
    return Json({"object": "user"} | found[0])


@router.patch("/users/{user_id}", responses=shapes.USER_TOLD)
def change_user(user_id: IdPath, body: UserChange, caller: Writer, desk: AtDesk) -> Json:
    """Another role or other workspaces, from the person's next request on.

    Nobody gives or takes a role above their own, and the last owner keeps theirs.
    """
    given = body.model_fields_set
    if body.role is None and "workspace_ids" not in given:
        raise Invalid("role: nothing is to be changed; give role or workspace_ids")
    row = people.one(desk, user_id)
    chosen = body.workspace_ids if "workspace_ids" in given else row["workspace_ids"]
    if "workspace_ids" in given:
        workspaces.require_living(desk, chosen)
    place = Place(body.role or row["role"], None if chosen is None else tuple(chosen))
    decided = people.change(desk, user_id, place, by=granter(caller), reason=body.reason)
    return _told(user_id, row["state"], place.role, decided.position)


@router.post("/users/{user_id}/disable", responses=shapes.USER_TOLD)
def disable_user(user_id: IdPath, body: Why, caller: Writer, desk: AtDesk) -> Json:
    """Take a person's access to this tenant, at once; they keep their place."""
    row = people.one(desk, user_id)
    decided = people.disable(desk, user_id, by=granter(caller), reason=body.reason)
    return _told(user_id, "disabled", row["role"], decided.position)


@router.post("/users/{user_id}/enable", responses=shapes.USER_TOLD)
def enable_user(user_id: IdPath, body: Why, caller: Writer, desk: AtDesk) -> Json:
    """Give a disabled person their access back."""
    row = people.one(desk, user_id)
    decided = people.enable(desk, user_id, by=granter(caller), reason=body.reason)
    return _told(user_id, "active", row["role"], decided.position)


@router.delete("/users/{user_id}", responses=shapes.USER_TOLD)
def remove_user(
    user_id: IdPath, caller: Writer, desk: AtDesk, reason: ReasonQuery = "unspecified"
) -> Json:
    """Remove a person from this tenant, at once. Their account and other tenants stay theirs."""
    row = people.one(desk, user_id)
    decided = people.end(desk, user_id, by=granter(caller), reason=reason)
    return _told(user_id, "removed", row["role"], decided.position)


def _told(user_id: str, state: str, role: str, position: int | None) -> Json:
    told: dict[str, Any] = {"object": "user", "user_id": user_id, "state": state, "role": role}
    return Json(told | {"position": position})
