"""IP pools: sending IPs among which campaigns' mail is shared out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import shapes_egress as shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, Name, Reason
from api.callers import Caller
from api.commands import ip_pools as commands
from api.desk import Desk
from api.problems import not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from domain.ports import Decided
from projections.holdings import pools
from projections.reads import freshness

router = APIRouter(prefix="/v1/ip-pools", tags=["IP pools"])
MODEL = "holdings"
Reader = Annotated[Caller, may("ips:read", models=(MODEL,))]
Writer = Annotated[Desk, at_desk("ips:write")]
RetiredQuery = Annotated[bool | None, Query(description="only retired pools, or only others")]
ProviderQuery = Annotated[
    str,
    Query(max_length=64, pattern=r"^[a-z0-9_.-]*$", description="what is left towards this one"),
]


class NewPool(Body):
    """What the pool is called."""

    name: Name


class Retired(Body):
    """Why nothing is launched from it any more."""

    reason: Reason


@router.get("", responses=shapes.POOLS)
async def list_ip_pools(
    caller: Reader,
    ports: PortsDep,
    retired: RetiredQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's pools, the oldest first, each with its sending IPs."""
    scope = (caller.tenant_id, "ip_pools", str(retired))
    after = str(ports.cursors.read(scope, cursor)[0]) if cursor else ""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await pools.page(bound, retired=retired, after=after, limit=limit + 1)
        as_of = await freshness(bound, MODEL)
    more = len(found) > limit
    following = ports.cursors.make(scope, [found[limit - 1]["pool_id"]]) if more else None
    return listed([_pool(row) for row in found[:limit]], following, as_of=as_of)


@router.get("/{pool_id}", responses=shapes.POOL)
async def get_ip_pool(
    pool_id: IdPath, caller: Reader, ports: PortsDep, provider: ProviderQuery = ""
) -> Json:
    """One pool; of each member what may still leave today, its reputation, its share of mail.

    `left` is null where nothing binds, `score` where it is unknown. `weight` is the share that both
    make; a member whose score is below 50 comes last. Only providers that some member met today or
    has a limit for are told, or the one that is asked for.
    """
    day = ports.clock().date()
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await pools.pool(bound, pool_id, provider=provider, day=day)
        as_of = await freshness(bound, MODEL)
    if found is None:
        raise not_found("IP pool")
    return Json(_pool(found) | {"as_of": as_of})


@router.post("", status_code=201, responses=shapes.POOL_CREATED)
def create_ip_pool(body: NewPool, desk: Writer) -> Json:
    """Make a pool; put sending IPs into it, then name it in a campaign."""
    pool_id, decided = commands.create(desk, body.name)
    return _told(pool_id, "active", decided, 201)


@router.patch("/{pool_id}", responses=shapes.POOL_RENAMED)
def rename_ip_pool(pool_id: IdPath, body: NewPool, desk: Writer) -> Json:
    """Call it otherwise."""
    commands.rename(desk, pool_id, body.name)
    return Json({"object": "ip_pool", "pool_id": pool_id, "name": body.name})


@router.put("/{pool_id}/ips/{ip}", responses=shapes.POOL_TOLD)
def put_pool_ip(pool_id: IdPath, ip: IdPath, desk: Writer) -> Json:
    """Let the pool's mail leave from a sending IP.

    A campaign that runs goes there with what its own IPs cannot carry today, once it is warm.
    """
    return _told(pool_id, "active", commands.put_ip(desk, pool_id, ip))


@router.delete("/{pool_id}/ips/{ip}", responses=shapes.POOL_TOLD)
def take_pool_ip(pool_id: IdPath, ip: IdPath, desk: Writer) -> Json:
    """Launch nothing from that IP for this pool; campaigns that run keep the IPs that they have."""
    return _told(pool_id, "active", commands.take_ip(desk, pool_id, ip))


@router.post("/{pool_id}/retire", responses=shapes.POOL_TOLD)
def retire_ip_pool(pool_id: IdPath, body: Retired, desk: Writer) -> Json:
    """Launch nothing from it any more; its IPs and campaigns that run stay as they are."""
    return _told(pool_id, "retired", commands.retire(desk, pool_id, body.reason))


def _told(pool_id: str, state: str, decided: Decided, status: int = 200) -> Json:
    told = {"object": "ip_pool", "pool_id": pool_id, "state": state, "position": decided.position}
    return Json(told, status_code=status)


def _pool(row: dict[str, Any]) -> dict[str, Any]:
    state = "active" if row["retired_at"] is None else "retired"
    return {"object": "ip_pool", "state": state} | row
