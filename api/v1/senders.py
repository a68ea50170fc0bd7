"""From addresses that campaigns can be from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from api import shapes_content as shapes
from api.answers import Json, listed
from api.bodies import NAME_MAX, Body
from api.callers import Caller
from api.commands import senders
from api.desk import Desk
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from projections.holdings import queries
from projections.reads import Bound, freshness

router = APIRouter(prefix="/v1/senders", tags=["senders"])
MODEL = "holdings"
Reader = Annotated[Caller, may("domains:read")]
Writer = Annotated[Desk, at_desk("domains:write")]
DisplayName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=NAME_MAX, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
    ),
    Field(description="shown beside the address", examples=["Example News"]),
]
AddressQuery = Annotated[
    str, Query(max_length=254, pattern=r"^[^\x00]*$", description="only this address")
]


class NewSender(Body):
    """Who mail is from. To send, its domain must be one of the tenant's, and verified."""

    address: Annotated[str, Field(max_length=254, examples=["news@example.com"])]
    name: DisplayName = ""


@router.post("", status_code=201, responses=shapes.SENDER_SAVED)
def save_sender(body: NewSender, desk: Writer) -> Json:
    """Keep a From address; the same address and name again are the same sender."""
    address = senders.checked(body.address)
    saved = senders.save(desk, address, body.name)
    told = {"object": "sender", "sender_id": saved.sender_id, "address": address}
    is_verified = senders.may_send(desk, saved)
    told |= {"name": body.name, "domain": saved.domain}
    return Json(told | {"domain_verified": is_verified}, status_code=201)


@router.get("", responses=shapes.SENDERS)
async def list_senders(
    caller: Reader,
    ports: PortsDep,
    address: AddressQuery = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's From addresses, and whether mail can be sent from them."""
    scope = (caller.tenant_id, "senders", address)
    after = str(ports.cursors.read(scope, cursor)[0]) if cursor else ""
    async with ports.reads.of(caller.tenant_id) as bound:
        rows = await queries.senders(
            bound,
            address=address,
            after=after,
            limit=limit + 1,
            workspaces=caller.workspace_ids,
        )
        found = await _with_domains(bound, rows)
        as_of = await freshness(bound, MODEL)
    more = len(found) > limit
    following = ports.cursors.make(scope, [found[limit - 1]["sender_id"]]) if more else None
    return listed(found[:limit], following, as_of=as_of)


async def _with_domains(bound: Bound, rows: list[queries.Row]) -> list[queries.Row]:
    named = [row | {"domain": row["address"].rpartition("@")[2]} for row in rows]
    verified = await queries.verified(bound, {row["domain"] for row in named})
    return [
        {"object": "sender"} | row | {"domain_verified": row["domain"] in verified} for row in named
    ]
