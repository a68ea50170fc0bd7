"""The ledger: one row per send, by any filter; and one send's whole story."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from api import shapes_analytics as shapes
from api.answers import Json, listed
from api.bodies import IdPath, IdText
from api.callers import Caller
from api.problems import not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, may
from domain.sending import Outcome
from projections.reads import freshness
from projections.send_ledger import pages, queries
from projections.send_ledger.pages import FIRST, LAST, After, Wanted

router = APIRouter(prefix="/v1/sends", tags=["sends"])
LEDGER = "send_ledger"
Reader = Annotated[Caller, may("sends:read")]
STATES = ("waiting", "started", *(outcome.value for outcome in Outcome))
MomentQuery = Annotated[AwareDatetime | None, Query(examples=["2026-01-05T00:00:00Z"])]


async def wanted(
    campaign_id: Annotated[IdText, Query(description="only of this campaign")] = "",
    contact_id: Annotated[IdText, Query(description="only to this lead")] = "",
    provider: Annotated[str, Query(max_length=200, description="only this mailbox provider")] = "",
    state: Annotated[
        str, Query(pattern=f"^({'|'.join(STATES)})?$", description="only in this state")
    ] = "",
    ip: Annotated[IdText, Query(description="only from this sending IP")] = "",
    requested_from: MomentQuery = None,
    requested_to: MomentQuery = None,
) -> Wanted:
    """What a list of sends is asked for, by whoever may see all of them."""
    return Wanted(
        campaign_id=campaign_id,
        contact_id=contact_id,
        provider=provider.replace("\x00", ""),
        state=state,
        ip=ip,
        since=requested_from or FIRST,
        until=requested_to or LAST,
    )


WantedDep = Annotated[Wanted, Depends(wanted)]


@router.get("", responses=shapes.SENDS)
async def list_sends(
    caller: Reader,
    ports: PortsDep,
    found_by: WantedDep,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """Sends by campaign, lead, provider, state, IP and the moment they were requested.

    What was requested last comes first; within a batch by index. `signals` are the kinds of what
    the recipient or a machine did.
    """
    seen = caller.workspace_ids
    found_by = replace(found_by, workspaces=None if seen is None else tuple(sorted(seen)))
    scope = (caller.tenant_id, "sends", *_named(found_by))
    after = _after(ports.cursors.read(scope, cursor)) if cursor else After()
    async with ports.reads.of(caller.tenant_id) as bound:
        rows, as_of = await bound.together(
            pages.page(bound, found_by, after, limit + 1), freshness(bound, LEDGER)
        )
    last = rows[limit - 1] if len(rows) > limit else None
    following = ports.cursors.make(scope, _place(last)) if last else None
    data = [{"object": "send"} | row for row in rows[:limit]]
    return listed(data, following, as_of=as_of)


@router.get("/{send_id}", responses=shapes.SEND)
async def get_send(send_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """What became of one mail to one lead, and why: events, decisions, releases, what holds it."""
    async with ports.reads.of(caller.tenant_id) as bound:
        found, as_of = await bound.together(
            queries.story(bound, send_id, caller.workspace_ids), freshness(bound, LEDGER)
        )
    if found is None:
        raise not_found("send")
    return Json({"object": "send"} | found | {"as_of": as_of})


def _named(found_by: Wanted) -> list[str]:
    return [str(value) for value in vars(found_by).values()]


def _place(row: dict[str, Any]) -> list[Any]:
    return [row["requested_at"].astimezone(UTC).isoformat(), row["batch_id"], row["idx"]]


def _after(place: list[Any]) -> After:
    return After(datetime.fromisoformat(place[0]), str(place[1]), int(place[2]))
