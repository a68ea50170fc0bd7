"""API keys of a tenant: made, shown once, rotated, revoked. A revoked key opens nothing at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from api import shapes_people as shapes
from api.answers import Json
from api.bodies import Body, IdPath, Name
from api.callers import Caller
from api.commands import keys, workspaces
from api.commands.keys import CreatedKey
from api.desk import Desk
from api.key_tokens import LIVE, TEST
from api.listing import Rows, seen_by
from api.problems import not_found
from api.v1.users import RoleName, WorkspaceIds, granter
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from domain.access import PERMISSIONS
from domain.api_key import EXPIRES_IN_DAYS_MAX, OVERLAP_MAX, REASONS, Grant

router = APIRouter(prefix="/v1/keys", tags=["keys"])
Reader = Annotated[Caller, may("keys:read")]
Writer = Annotated[Caller, may("keys:write")]
AtDesk = Annotated[Desk, at_desk("keys:write", fresh=True)]
Scope = Annotated[str, Field(max_length=40, examples=["leads:read"])]
ReasonQuery = Annotated[str, Query(pattern=f"^({'|'.join(REASONS)})$", description="why: a code")]


def _key(row: dict[str, Any]) -> dict[str, Any]:
    """A key as people may see it: enough of its text to tell it from others."""
    shown = {name: value for name, value in row.items() if name != "handle"}
    kind = TEST if row["test"] else LIVE
    return {"object": "key"} | shown | {"starts_with": f"pm_{kind}_{row['handle']}"}


KEYS = Rows(keys.SQL["page"], "key_id", _key)


class NewKey(Body):
    """What the key may do: a role, or scopes; never more than who makes it."""

    name: Name
    role: RoleName | None = None
    scopes: Annotated[tuple[Scope, ...], Field(max_length=len(PERMISSIONS))] = ()
    workspace_ids: WorkspaceIds = None
    expires_in_days: Annotated[int, Field(ge=1, le=EXPIRES_IN_DAYS_MAX)] | None = None
    test: Annotated[bool, Field(description="a test key looks and changes nothing")] = False


class Rotate(Body):
    """How long the old key goes on beside the new one."""

    overlap_s: Annotated[int, Field(ge=0, le=int(OVERLAP_MAX.total_seconds()))] = 0


@router.post("", status_code=201, responses=shapes.KEY_MADE)
def create_key(body: NewKey, caller: Writer, desk: AtDesk, ports: PortsDep) -> Json:
    """Make a key. `key` is shown in this answer alone; only its hash is kept."""
    workspaces.require_living(desk, body.workspace_ids)
    now, days, chosen = ports.clock(), body.expires_in_days, body.workspace_ids
    wanted = Grant(
        role=body.role or "",
        scopes=body.scopes,
        workspace_ids=None if chosen is None else tuple(chosen),
        test=body.test,
        expires_at=None if days is None else now + timedelta(days=days),
    )
    return _made(keys.create(desk, wanted, name=body.name, by=granter(caller), now=now))


@router.get("", responses=shapes.KEYS)
async def list_keys(
    caller: Reader, ports: PortsDep, limit: LimitQuery = DEFAULT_LIMIT, cursor: CursorQuery = ""
) -> Json:
    """The tenant's keys, the newest first, without their secrets."""
    return await KEYS.page(ports, caller, cursor, limit)


@router.get("/{key_id}", responses=shapes.KEY)
async def get_key(key_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """One key: what it may do, until when, when it was last used (to the minute)."""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await bound.rows(keys.SQL["one"], key_id=key_id, workspaces=seen_by(caller))
    if not found:
        raise not_found("key")
    return Json(_key(found[0]))


@router.post("/{key_id}/rotate", status_code=201, responses=shapes.KEY_MADE)
def rotate_key(key_id: IdPath, body: Rotate, caller: Writer, desk: AtDesk, ports: PortsDep) -> Json:
    """Put a new key in its place, with the same rights; the old one ends after `overlap_s`."""
    overlap = timedelta(seconds=body.overlap_s)
    return _made(keys.rotate(desk, key_id, by=granter(caller), now=ports.clock(), overlap=overlap))


@router.delete("/{key_id}", responses=shapes.KEY_TOLD)
def revoke_key(
    key_id: IdPath, desk: AtDesk, ports: PortsDep, reason: ReasonQuery = "unspecified"
) -> Json:
    """End a key: the next request with it is refused."""
    position = keys.revoke(desk, key_id, reason=reason, now=ports.clock())
    told = {"object": "key", "key_id": key_id, "state": "revoked", "position": position}
    return Json(told)


def _made(made: CreatedKey) -> Json:
    told = {"object": "key", "key_id": made.key_id, "key": made.text, "position": made.position}
    answer = Json(told, status_code=201)
    answer.headers["cache-control"] = "no-store"
    return answer
