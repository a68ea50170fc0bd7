"""VPS: which ones a tenant has, in which state, with which sending IPs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from api import shapes_content as shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, Name, Reason
from api.callers import Caller
from api.commands import vps
from api.desk import Desk
from api.etags import IfMatch, at, shown, tagged
from api.problems import not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from domain import vps as aggregate
from projections.holdings import queries
from projections.reads import freshness

router = APIRouter(prefix="/v1/vps", tags=["VPS"])
MODEL = "holdings"
Reader = Annotated[Caller, may("ips:read")]
Writer = Annotated[Desk, at_desk("ips:write")]
StateQuery = Annotated[
    str,
    Query(
        pattern="^(registered|active|maintenance|decommissioned)?$",
        description="only VPS in this state",
    ),
]


class NewVps(Body):
    """A VPS that there is already."""

    name: Name
    region: Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")] = ""


class VpsState(Body):
    """The state to put it into, and why."""

    state: Literal["active", "maintenance", "decommissioned"]
    reason: Reason = "asked for by its owner"


@router.post("", status_code=201, responses=shapes.SERVER_REGISTERED)
def register_vps(body: NewVps, desk: Writer) -> Json:
    """Note a VPS of the tenant."""
    vps_id, decided = vps.register(desk, body.name, body.region)
    return _told(vps_id, "registered", decided.position, 201)


@router.get("", responses=shapes.SERVERS)
async def list_vps(
    caller: Reader,
    ports: PortsDep,
    state: StateQuery = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's VPS, the oldest first."""
    scope = (caller.tenant_id, "vps", state)
    after = str(ports.cursors.read(scope, cursor)[0]) if cursor else ""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await queries.servers(bound, state=state, after=after, limit=limit + 1)
        as_of = await freshness(bound, MODEL)
    more = len(found) > limit
    following = ports.cursors.make(scope, [found[limit - 1]["vps_id"]]) if more else None
    return listed([_vps(row) for row in found[:limit]], following, as_of=as_of)


@router.get("/{vps_id}", responses=shapes.SERVER)
async def get_vps(vps_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """One VPS and the sending IPs that belong to it."""
    async with ports.reads.of(caller.tenant_id) as bound:
        tag = await shown(bound, aggregate.stream(vps_id), MODEL)
        found = await queries.server(bound, vps_id)
        as_of = await freshness(bound, MODEL)
    if found is None:
        raise not_found("VPS")
    answer = Json(_vps(found) | {"as_of": as_of})
    answer.headers["etag"] = tag
    return answer


@router.put("/{vps_id}/state", responses=shapes.SERVER_TOLD)
def put_state(vps_id: IdPath, body: VpsState, desk: Writer, if_match: IfMatch = "") -> Json:
    """Put it into service, out of service for a while, or give it up."""
    here, revision = at(desk, aggregate.stream(vps_id), if_match)
    decided = vps.turn(here, vps_id, body.state, body.reason)
    return tagged(_told(vps_id, body.state, decided.position), revision)


@router.put("/{vps_id}/ips/{ip}", responses=shapes.IP_TOLD)
def place_ip(vps_id: IdPath, ip: IdPath, desk: Writer) -> Json:
    """Record that a sending IP belongs to this VPS."""
    decided = vps.place_ip(desk, vps_id, ip)
    told = {"object": "sending_ip", "ip": ip, "state": "active"}
    return Json(told | {"position": decided.position})


def _told(vps_id: str, state: str, position: int | None, status: int = 200) -> Json:
    told = {"object": "vps", "vps_id": vps_id, "state": state, "position": position}
    return Json(told, status_code=status)


def _vps(row: dict[str, Any]) -> dict[str, Any]:
    return {"object": "vps"} | row
