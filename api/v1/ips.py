"""Sending IPs: what binds them, what left from them today, and commands on them."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints

from api import shapes
from api import shapes_content as told_shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, IdText, Reason
from api.callers import Caller
from api.commands import sending_ips as commands
from api.desk import Desk
from api.etags import IfMatch, at, shown, tagged
from api.problems import Problem, not_found
from api.wiring import PortsDep, at_desk, may
from domain import sending_ip
from domain.governor.plans import CURVE_DAYS_MAX
from domain.ports import Decided
from domain.sending_ip import EVERY_PROVIDER, MESSAGES_MAX, PORT_MAX, Egress, Rate
from domain.sending_ip import Warmup as Plan
from projections.holdings import queries as holdings
from projections.reads import freshness
from projections.sending_ips import queries as sending_ips

router = APIRouter(prefix="/v1/sending-ips", tags=["sending IPs"])
CAP_MAX = 1_000_000_000
RATE_MAX = 10_000.0
Reader = Annotated[Caller, may("ips:read")]
Writer = Annotated[Desk, at_desk("ips:write")]
ProviderPath = Annotated[
    str,
    Path(
        max_length=64,
        pattern=r"^(\*|[a-z0-9_.-]+)$",
        description="a mailbox provider; * is each one without a rule of its own",
    ),
]
Host = Annotated[str, StringConstraints(max_length=253, pattern=r"^[A-Za-z0-9_.:-]*$")]


PlanName = Literal["none", "conservative", "standard", "fast", "custom"]
Steps = Annotated[
    list[Annotated[int, Field(ge=1, le=MESSAGES_MAX)]],
    Field(max_length=CURVE_DAYS_MAX, description="messages a day, rising; with plan custom alone"),
]


class NewIp(Body):
    """Where mail leaves from, and by which route."""

    address: Annotated[
        str, Field(max_length=45, description="bound locally; empty: the system chooses")
    ] = ""
    route: Literal["mx", "relay"] = "mx"
    relay_host: Host = ""
    relay_port: Annotated[int, Field(ge=0, le=PORT_MAX)] = 0
    vps_id: IdText = ""
    warmup_plan: Annotated[
        Literal["none", "conservative", "standard", "fast"],
        Field(description="none: volume control leaves it alone"),
    ] = "none"


class Warmup(Body):
    """How it warms up: the plan, and what it shall carry to each provider in the end."""

    plan: PlanName
    curve: Steps = Field(default_factory=list)
    target: Annotated[
        int, Field(ge=0, le=MESSAGES_MAX, description="messages a day; 0: not told")
    ] = 0
    reason: Reason
    force: Annotated[bool, Field(description="also where a relay hides what providers answer")] = (
        False
    )


class Cap(Body):
    """At most so many messages a UTC day; null lifts the cap."""

    cap_per_day: Annotated[int | None, Field(ge=0, le=CAP_MAX, examples=[500])]
    reason: Reason


class NewRate(Body):
    """A token bucket: so many messages a second, `burst` at once."""

    rate_per_s: Annotated[float, Field(gt=0, le=RATE_MAX, allow_inf_nan=False, examples=[5.0])]
    burst: Annotated[int, Field(ge=1, le=1_000_000, examples=[10])]
    reason: Reason


class Retired(Body):
    """Why nothing leaves from it any more, or why it may again."""

    reason: Reason


@router.get("", responses=shapes.SENDING_IPS)
async def list_sending_ips(caller: Reader, ports: PortsDep) -> Json:
    """All sending IPs of the tenant: route, caps and rates per provider, use of this UTC day."""
    day = ports.clock().date()
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await sending_ips.ips(bound, day)
        placed = await holdings.placed(bound)
        as_of = await freshness(bound, "sending_ips")
    return listed([_placed(row, placed) for row in found], None, day=day, as_of=as_of)


@router.get("/{ip}", responses=shapes.SENDING_IP)
async def get_sending_ip(ip: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """One sending IP, as in the list; its ETag is for edits."""
    day = ports.clock().date()
    async with ports.reads.of(caller.tenant_id) as bound:
        tag = await shown(bound, sending_ip.stream(ip), "sending_ips")
        found = [row for row in await sending_ips.ips(bound, day) if row["ip"] == ip]
        placed = await holdings.placed(bound)
        as_of = await freshness(bound, "sending_ips")
    if not found:
        raise not_found("sending IP")
    answer = Json({"object": "sending_ip"} | _placed(found[0], placed) | {"as_of": as_of})
    answer.headers["etag"] = tag
    return answer


@router.post("", status_code=201, responses=told_shapes.IP_ADDED)
def add_ip(body: NewIp, desk: Writer, caller: Reader) -> Json:
    """Let the tenant send from an IP that there is already.

    Only the platform's own people name an address or a relay: either reaches into the network that
    all tenants share. Without one, the system chooses the address and mail goes by MX.
    """
    if not caller.ours and (body.address or body.route != "mx" or body.relay_host):
        raise Problem("forbidden", "only the platform's staff name an address or a relay")
    egress = Egress(_address(body.address), body.route, body.relay_host, body.relay_port)
    ip, decided = commands.create(desk, egress, body.vps_id, Plan(body.warmup_plan))
    return _told(ip, "active", decided, 201)


@router.put("/{ip}/caps/{provider}", responses=told_shapes.IP_EDITED)
def put_cap(
    ip: IdPath, provider: ProviderPath, body: Cap, desk: Writer, if_match: IfMatch = ""
) -> Json:
    """Bind, change or lift the daily cap towards a provider."""
    here, revision = at(desk, sending_ip.stream(ip), if_match)
    decided = commands.set_cap(here, ip, provider, body.cap_per_day, body.reason)
    return tagged(_told(ip, "active", decided), revision)


@router.put("/{ip}/rates/{provider}", responses=told_shapes.IP_EDITED)
def put_rate(
    ip: IdPath, provider: ProviderPath, body: NewRate, desk: Writer, if_match: IfMatch = ""
) -> Json:
    """Bind or change the rate towards a provider."""
    rate = Rate(body.rate_per_s, body.burst)
    here, revision = at(desk, sending_ip.stream(ip), if_match)
    decided = commands.set_rate(here, ip, provider, rate, body.reason)
    return tagged(_told(ip, "active", decided), revision)


@router.put("/{ip}/warmup", responses=told_shapes.IP_EDITED)
def put_warmup(ip: IdPath, body: Warmup, desk: Writer, if_match: IfMatch = "") -> Json:
    """Choose how it warms up towards each provider without a plan of its own.

    From then on volume control decides how much may leave; with the plan `none` no longer. An IP
    that hands its mail to a relay wants `force`, for a relay hides what providers answer.
    """
    return _choose(ip, EVERY_PROVIDER, body, desk, if_match)


@router.put("/{ip}/warmup/{provider}", responses=told_shapes.IP_EDITED)
def put_warmup_to(
    ip: IdPath, provider: ProviderPath, body: Warmup, desk: Writer, if_match: IfMatch = ""
) -> Json:
    """Choose how it warms up towards one provider."""
    return _choose(ip, provider, body, desk, if_match)


@router.post("/{ip}/quarantine", responses=told_shapes.IP_TOLD)
def quarantine_ip(ip: IdPath, body: Retired, desk: Writer) -> Json:
    """Let nothing new leave from it, until it is released. What is on the wire ends as it ends."""
    return _told(ip, "quarantined", commands.isolate(desk, ip, body.reason))


@router.post("/{ip}/release", responses=told_shapes.IP_TOLD)
def release_ip(ip: IdPath, body: Retired, desk: Writer) -> Json:
    """End its quarantine; caps, plans and what volume control decided hold as before."""
    return _told(ip, "active", commands.release(desk, ip, body.reason))


@router.post("/{ip}/retire", responses=told_shapes.IP_TOLD)
def retire_ip(ip: IdPath, body: Retired, desk: Writer) -> Json:
    """Send nothing more from this IP, ever."""
    return _told(ip, "retired", commands.retire(desk, ip, body.reason))


def _choose(ip: str, provider: str, body: Warmup, desk: Desk, if_match: str) -> Json:
    plan = Plan(body.plan, tuple(body.curve), body.target)
    here, revision = at(desk, sending_ip.stream(ip), if_match)
    decided = commands.choose_plan(here, ip, provider, plan, body.reason, force=body.force)
    return tagged(_told(ip, "active", decided), revision)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError as error:
        raise Problem("invalid", f"address: {text!r} is no IP address") from error


def _told(ip: str, state: str, decided: Decided, status: int = 200) -> Json:
    told = {"object": "sending_ip", "ip": ip, "state": state, "position": decided.position}
    return Json(told, status_code=status)


def _placed(row: dict[str, Any], placed: dict[str, dict[str, Any]]) -> dict[str, Any]:
    where = placed.get(row["ip"], {"vps_id": "", "domain_ids": []})
    return row | {"vps_id": where["vps_id"], "domain_ids": where["domain_ids"]}
