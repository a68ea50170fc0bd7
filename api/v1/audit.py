"""The audit log: who decided what about which thing, when and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from api import shapes_people as shapes
from api.answers import Json, listed
from api.bodies import IdText
from api.callers import Caller
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, may
from projections.audit_log import queries
from projections.reads import freshness

router = APIRouter(prefix="/v1/audit", tags=["audit"])
MODEL = "audit_log"
ActorQuery = Annotated[IdText, Query(description="only what this user, key or staff did")]
TypeQuery = Annotated[
    str, Query(pattern="^[A-Za-z0-9]{0,60}$", description="only events of this type")
]
SubjectQuery = Annotated[IdText, Query(description="only what is about the thing with this id")]
SinceQuery = Annotated[AwareDatetime | None, Query(description="from this moment on")]
UntilQuery = Annotated[AwareDatetime | None, Query(description="before this moment")]


@router.get("", responses=shapes.AUDIT)
async def list_audit(  # noqa: PLR0913, PLR0917 - the filters are the list's contract
    caller: Annotated[Caller, may("audit:read")],
    ports: PortsDep,
    actor: ActorQuery = "",
    type: TypeQuery = "",  # noqa: A002 - the name that callers use
    subject: SubjectQuery = "",
    since: SinceQuery = None,
    until: UntilQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """Every decision in the tenant, the newest first, with its whole event."""
    scope = (caller.tenant_id, "audit", actor, type, subject, str(since), str(until))
    after = int(ports.cursors.read(scope, cursor)[0]) if cursor else queries.END
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await queries.page(
            bound,
            queries.Wanted(actor, type, subject, since, until),
            after=after,
            limit=limit + 1,
            seen_by=caller.actor,
            workspaces=caller.workspace_ids,
        )
        as_of = await freshness(bound, MODEL)
    more = len(found) > limit
    following = ports.cursors.make(scope, [found[limit - 1]["pos"]]) if more else None
    entries = [{"object": "audit_entry"} | row for row in found[:limit]]
    return listed(entries, following, as_of=as_of)
