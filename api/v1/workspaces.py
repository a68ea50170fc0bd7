"""Workspaces: parts of a tenant with things and people of their own, as for an agency's clients."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import shapes_people as shapes
from api.answers import Json
from api.bodies import Body, IdPath, Name
from api.callers import Caller
from api.commands import workspaces
from api.desk import Desk
from api.listing import Rows, seen_by
from api.problems import not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, Ports, PortsDep, at_desk, may

router = APIRouter(prefix="/v1/workspaces", tags=["workspaces"])
Reader = Annotated[Caller, may("workspaces:read")]
AtDesk = Annotated[Desk, at_desk("workspaces:write")]
ArchivedQuery = Annotated[bool, Query(description="the archived ones too")]
WORKSPACES = Rows(workspaces.SQL["page"], "workspace_id", lambda row: {"object": "workspace"} | row)
MEMBERS = Rows(workspaces.SQL["members"], "user_id", lambda row: {"object": "user"} | row)


class Named(Body):
    """What people call it."""

    name: Name


@router.post("", status_code=201, responses=shapes.WORKSPACE_MADE)
def create_workspace(body: Named, desk: AtDesk, ports: PortsDep) -> Json:
    """A new workspace."""
    workspace_id, position = workspaces.create(desk, name=body.name, now=ports.clock())
    return _told(workspace_id, position, status=201)


@router.get("", responses=shapes.WORKSPACES)
async def list_workspaces(
    caller: Reader,
    ports: PortsDep,
    *,
    archived: ArchivedQuery = False,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The workspaces that the caller may see, by id."""
    return await WORKSPACES.page(ports, caller, cursor, limit, archived=archived)


@router.get("/{workspace_id}", responses=shapes.WORKSPACE)
async def get_workspace(workspace_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """One workspace."""
    return Json({"object": "workspace"} | await _known(ports, caller, workspace_id))


@router.patch("/{workspace_id}", responses=shapes.WORKSPACE_TOLD)
def rename_workspace(workspace_id: IdPath, body: Named, desk: AtDesk) -> Json:
    """Call it otherwise."""
    return _told(workspace_id, workspaces.rename(desk, workspace_id, name=body.name))


@router.post("/{workspace_id}/archive", responses=shapes.WORKSPACE_TOLD)
def archive_workspace(workspace_id: IdPath, desk: AtDesk, ports: PortsDep) -> Json:
    """Close it for what is new; what it holds stays and can be looked at."""
    return _told(workspace_id, workspaces.archive(desk, workspace_id, now=ports.clock()))


@router.get("/{workspace_id}/users", responses=shapes.USERS)
async def list_workspace_users(
    workspace_id: IdPath,
    caller: Annotated[Caller, may("users:read")],
    ports: PortsDep,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """Who may see the workspace: its own people, and those of the whole tenant."""
    await _known(ports, caller, workspace_id)
    return await MEMBERS.page(ports, caller, cursor, limit, workspace_id=workspace_id)


async def _known(ports: Ports, caller: Caller, workspace_id: str) -> dict[str, Any]:
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await bound.rows(
            workspaces.SQL["one"], workspace_id=workspace_id, workspaces=seen_by(caller)
        )
    if not found:
        raise not_found("workspace")
    return found[0]


def _told(workspace_id: str, position: int | None, status: int = 200) -> Json:
    told = {"object": "workspace", "workspace_id": workspace_id, "position": position}
    return Json(told, status_code=status)
