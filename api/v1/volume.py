"""Volume control: the warm-up board, what was decided and why, and reputation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime

from api import shapes_volume as shapes
from api.answers import Json, listed
from api.bodies import IdPath, IdText
from api.callers import Caller
from api.problems import not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, may
from projections.reads import freshness
from projections.volume import board, queries
from projections.volume.queries import END, ORDERS, Wanted

router = APIRouter(prefix="/v1", tags=["volume control"])
MODEL = "volume"
SCOPES = ("cell", "domain", "ip", "tenant", "campaign")
Reader = Annotated[Caller, may("ips:read", models=(MODEL,))]
ScopeQuery = Annotated[
    str, Query(pattern=f"^({'|'.join(SCOPES)})?$", description="only of this kind of scope")
]
ProviderName = r"^[a-z0-9_.-]*$"
ProviderQuery = Annotated[
    str, Query(max_length=64, pattern=ProviderName, description="only towards this provider")
]
ProviderPath = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9_.-]+$")]
ScopeIdQuery = Annotated[
    IdText, Query(alias="id", description="only of this IP, domain, tenant or campaign")
]
IpQuery = Annotated[IdText, Query(description="only of this sending IP")]
RuleQuery = Annotated[
    str, Query(max_length=64, pattern="^[a-z_]*$", description="only by this rule")
]
SinceQuery = Annotated[AwareDatetime | None, Query(description="from this moment on")]
UntilQuery = Annotated[AwareDatetime | None, Query(description="before this moment")]
ScoredScope = Literal["cell", "ip", "domain", "tenant"]
Rows = Sequence[dict[str, Any]]


@router.get("/warmup", responses=shapes.BOARD)
async def warmup_board(
    caller: Reader,
    ports: PortsDep,
    ip: IpQuery = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The board: each sending IP and provider with its plan, day, quota, use, rate and breaker.

    `day` counts from the cell's first mail; `used` and `left` are of this UTC day. Not governed
    (plan `none`), an IP has no quota and no rate here: what binds it stands at /v1/sending-ips.
    """
    day = ports.clock().date()
    scope = (caller.tenant_id, "warmup", ip)
    after = tuple(ports.cursors.read(scope, cursor)) if cursor else ("", "")
    async with ports.reads.of(caller.tenant_id) as bound:
        cells, as_of = await bound.together(board.board(bound, day, ip), freshness(bound, MODEL))
    rows = [row for row in cells if (row["ip"], row["provider"]) > after]
    following = _next(rows, limit, lambda last: [last["ip"], last["provider"]])
    data = [{"object": "warmup_cell"} | row for row in rows[:limit]]
    place = ports.cursors.make(scope, following) if following else None
    return listed(data, place, date=day, as_of=as_of)


@router.get("/warmup/{ip}/{provider}/series", responses=shapes.SERIES)
async def warmup_series(
    ip: IdPath, provider: ProviderPath, caller: Reader, ports: PortsDep
) -> Json:
    """A cell's UTC days since its first mail, a year at most: the plan at best beside what was.

    `planned` is what the plan comes to when every day earns its step; `quota` what held at the
    day's end; `deferred` and `blocked` count answers about policy or reputation alone.
    """
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await board.series(bound, ip, provider, ports.clock().date())
        as_of = await freshness(bound, MODEL)
    if found is None:
        raise not_found("cell")
    return Json({"object": "warmup_series"} | found | {"as_of": as_of})


def wanted(
    scope: ScopeQuery = "",
    scope_id: ScopeIdQuery = "",
    ip: IpQuery = "",
    provider: ProviderQuery = "",
    rule: RuleQuery = "",
    since: SinceQuery = None,
    until: UntilQuery = None,
) -> Wanted:
    """Which decisions a list is asked for; `ip` is short for the id of a cell or IP."""
    return Wanted(scope, scope_id or ip, provider, rule, (), since, until)


WantedDep = Annotated[Wanted, Depends(wanted)]


@router.get("/volume/decisions", responses=shapes.DECISIONS)
async def list_volume_decisions(
    caller: Reader,
    ports: PortsDep,
    asked: WantedDep,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """What was decided about volume, the newest first: each with its rule and the counts behind it.

    Quotas, rates, breakers, phases and asked reviews by the governor; plans and orders by people
    (`rule` is `ordered`, `actor` who). `details` are what only this type says.
    """
    return await _decisions(caller, ports, asked, limit, cursor)


@router.get("/volume/orders", responses=shapes.ORDERS)
async def list_volume_orders(
    caller: Reader,
    ports: PortsDep,
    ip: IpQuery = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """What people ordered of volume control, and which plans they chose; the newest first."""
    return await _decisions(caller, ports, Wanted(scope_id=ip, types=ORDERS), limit, cursor)


async def _decisions(
    caller: Caller, ports: PortsDep, asked: Wanted, limit: int, cursor: str
) -> Json:
    scope = (caller.tenant_id, "volume", *map(str, vars(asked).values()))
    after = int(ports.cursors.read(scope, cursor)[0]) if cursor else END
    async with ports.reads.of(caller.tenant_id) as bound:
        rows, as_of = await bound.together(
            queries.decisions(
                bound, asked, after=after, limit=limit + 1, workspaces=caller.workspace_ids
            ),
            freshness(bound, MODEL),
        )
    following = _next(rows, limit, lambda last: [last["pos"]])
    place = ports.cursors.make(scope, following) if following else None
    data = [{"object": "volume_decision"} | row for row in rows[:limit]]
    return listed(data, place, as_of=as_of)


@router.get("/reputation", responses=shapes.REPUTATION)
async def list_reputation(
    caller: Reader,
    ports: PortsDep,
    scope: Annotated[
        str, Query(pattern="^(cell|ip|domain|tenant)?$", description="only of this kind")
    ] = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The score of each cell, IP, domain and of the tenant, with what it is made of.

    100 is best. `score` null: too little evidence. What was never scored is not listed.
    """
    name = (caller.tenant_id, "reputation", scope)
    given = ports.cursors.read(name, cursor) if cursor else ["", "", ""]
    after = (str(given[0]), str(given[1]), str(given[2]))
    async with ports.reads.of(caller.tenant_id) as bound:
        rows, as_of = await bound.together(
            queries.reputation(
                bound, scope=scope, after=after, limit=limit + 1, workspaces=caller.workspace_ids
            ),
            freshness(bound, MODEL),
        )
    following = _next(rows, limit, lambda last: [last["scope"], last["scope_id"], last["provider"]])
    place = ports.cursors.make(name, following) if following else None
    return listed([{"object": "reputation"} | row for row in rows[:limit]], place, as_of=as_of)


@router.get("/reputation/{scope}/{scope_id}/history", responses=shapes.SCORES)
async def reputation_history(
    scope: ScoredScope,
    scope_id: IdPath,
    caller: Reader,
    ports: PortsDep,
    provider: ProviderQuery = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """A scope's scores as they came, the newest first, each with its components."""
    name = (caller.tenant_id, "scores", scope, scope_id, provider)
    after = int(ports.cursors.read(name, cursor)[0]) if cursor else END
    async with ports.reads.of(caller.tenant_id) as bound:
        rows, as_of = await bound.together(
            queries.scores(
                *(bound, scope, scope_id),
                provider=provider,
                after=after,
                limit=limit + 1,
                workspaces=caller.workspace_ids,
            ),
            freshness(bound, MODEL),
        )
    if rows is None:
        raise not_found("scope with a score")
    following = _next(rows, limit, lambda last: [last["pos"]])
    place = ports.cursors.make(name, following) if following else None
    data = [{"object": "reputation_score"} | row for row in rows[:limit]]
    return listed(data, place, as_of=as_of)


def _next(rows: Rows, limit: int, place: Callable[[dict[str, Any]], list[Any]]) -> list[Any] | None:
    """Where the next page begins after, if there is one."""
    return place(dict(rows[limit - 1])) if len(rows) > limit else None
