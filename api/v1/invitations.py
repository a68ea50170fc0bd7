"""Invitations into a tenant: by mail, for a role, good once and for seven days."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api import shapes_people as shapes
from api.answers import Json
from api.bodies import Body, IdPath
from api.callers import Caller
from api.commands import invitations, workspaces
from api.commands.people import Place
from api.desk import Desk
from api.listing import Rows
from api.problems import Problem
from api.sessions import Sessions
from api.v1.auth import Password
from api.v1.person import IdentityDep, SiteDep
from api.v1.users import RoleName, WorkspaceIds, granter
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may

router = APIRouter(prefix="/v1/invitations", tags=["users"])
Reader = Annotated[Caller, may("users:read")]
Writer = Annotated[Caller, may("users:write")]
AtDesk = Annotated[Desk, at_desk("users:write", sends=True)]
StateQuery = Annotated[
    str, Query(pattern="^(open|accepted|revoked)?$", description="only invitations in this state")
]
INVITATIONS = Rows(
    invitations.SQL["page"], "invitation_id", lambda row: {"object": "invitation"} | row
)


class Invite(Body):
    """Whom to invite, and what they may do once they are in."""

    address: Annotated[str, Field(max_length=320, examples=["ada@example.com"])]
    role: RoleName
    workspace_ids: WorkspaceIds = None


class Accept(Body):
    """The link's token; with a password, an account is made for the address of the mail."""

    token: Annotated[str, Field(max_length=100, examples=["pm_invite_…"])]
    password: Password | None = None


@router.post("", status_code=201, responses=shapes.INVITED)
def invite(body: Invite, caller: Writer, desk: AtDesk, identity: IdentityDep) -> Json:
    """Mail somebody a link into the tenant. Nobody invites into a role above their own."""
    workspaces.require_living(desk, body.workspace_ids)
    chosen = body.workspace_ids
    place = Place(body.role, None if chosen is None else tuple(chosen))
    invitation_id, position = invitations.send(
        desk, identity, body.address, place, by=granter(caller)
    )
    return _told(invitation_id, "open", position, status=201)


@router.get("", responses=shapes.INVITATIONS)
async def list_invitations(
    caller: Reader,
    ports: PortsDep,
    state: StateQuery = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's invitations, the newest first."""
    return await INVITATIONS.page(ports, caller, cursor, limit, state=state)


@router.post("/accept", responses=shapes.ACCEPTED)
async def accept(
    body: Accept,
    request: Request,
    ports: PortsDep,
    identity: IdentityDep,
    here: SiteDep,
    authorization: Annotated[str, Header(description="`Bearer` and a session's token")] = "",
) -> Json:
    """Come into the tenant by the link of the mail: as who is logged in, or with a new account."""
    shown = here.token_of(request, authorization)
    living = await Sessions(ports.reads, ports.clock).whose(shown) if shown else None
    if living is not None:
        found = await run_in_threadpool(invitations.accept, identity, body.token, living.user_id)
    elif shown or body.password is None:
        raise Problem("unauthorized", "log in first, or give a password for a new account")
    else:
        found = await run_in_threadpool(
            invitations.accept_as_new, identity, body.token, body.password
        )
    told: dict[str, Any] = {"object": "membership", "tenant_id": found.tenant_id}
    told |= {"user_id": found.user_id, "role": found.role, "position": found.position}
    return Json(told)


@router.post("/{invitation_id}/resend", responses=shapes.INVITATION_TOLD)
def resend(invitation_id: IdPath, caller: Writer, desk: AtDesk, identity: IdentityDep) -> Json:
    """Mail a fresh link, good for seven days again; the older link is void."""
    position = invitations.resend(desk, identity, invitation_id, by=granter(caller))
    return _told(invitation_id, "open", position)


@router.delete("/{invitation_id}", responses=shapes.INVITATION_TOLD)
def revoke(invitation_id: IdPath, desk: Annotated[Desk, at_desk("users:write")]) -> Json:
    """Void the invitation; its link opens nothing any more."""
    return _told(invitation_id, "revoked", invitations.revoke(desk, invitation_id))


def _told(invitation_id: str, state: str, position: int | None, status: int = 200) -> Json:
    told = {"object": "invitation", "invitation_id": invitation_id, "state": state}
    return Json(told | {"position": position}, status_code=status)
