"""Sending domains: add one, publish its records, have them checked, send as it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from adapters.dns import Unanswered
from api import shapes_content as shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, IdText
from api.callers import Caller
from api.commands import domain_records, domains
from api.desk import Desk
from api.etags import IfMatch, at, shown, tagged
from api.problems import Problem, not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, Ports, PortsDep, at_desk, may
from domain import sending_domain
from domain.dkim_keys import KeyState
from projections.holdings import queries
from projections.reads import freshness

router = APIRouter(prefix="/v1/domains", tags=["domains"])
MODEL = "holdings"
Reader = Annotated[Caller, may("domains:read")]
Writer = Annotated[Desk, at_desk("domains:write")]
StateQuery = Annotated[
    str,
    Query(
        pattern="^(pending|verified|degraded|failed)?$", description="only domains in this state"
    ),
]
ReasonQuery = Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f@]+$")]


class NewDomain(Body):
    """A domain to send as: its keys are made at once."""

    domain: Annotated[str, Field(max_length=253, examples=["example.com"])]
    workspace_id: IdText = ""


@router.post("", status_code=201, responses=shapes.DOMAIN_ADDED)
def add_domain(body: NewDomain, desk: Writer, ports: PortsDep) -> Json:
    """Claim a domain. Its owner then publishes `records`, and has them checked."""
    name = body.domain.strip().rstrip(".").lower()
    added, decided = domains.claim(desk, name, body.workspace_id)
    records = domain_records.described(domains.records(added, ports.dns.bounce_host), [])
    found = _records(added.domain_id, name, added.condition, records)
    return Json(found | {"position": decided.position}, status_code=201)


@router.get("", responses=shapes.DOMAINS)
async def list_domains(
    caller: Reader,
    ports: PortsDep,
    state: StateQuery = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's sending domains by name."""
    scope = (caller.tenant_id, "domains", state)
    after = str(ports.cursors.read(scope, cursor)[0]) if cursor else ""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await queries.domains(
            bound, state=state, after=after, limit=limit + 1, workspaces=caller.workspace_ids
        )
        as_of = await freshness(bound, MODEL)
    more = len(found) > limit
    following = ports.cursors.make(scope, [found[limit - 1]["domain"]]) if more else None
    return listed([_domain(row) for row in found[:limit]], following, as_of=as_of)


@router.get("/{domain_id}", responses=shapes.DOMAIN)
async def get_domain(domain_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """A domain with each DNS record: what to publish, what was seen, what is wrong."""
    async with ports.reads.of(caller.tenant_id) as bound:
        tag = await shown(bound, sending_domain.stream(domain_id), MODEL)
        found = await queries.domain(bound, domain_id, caller.workspace_ids)
        as_of = await freshness(bound, MODEL)
    if found is None:
        raise not_found("sending domain")
    looks = found.pop("looks")
    described = domain_records.described(_wanted(found, ports), looks)
    answer = Json(_domain(found) | {"records": described, "as_of": as_of})
    answer.headers["etag"] = tag
    return answer


@router.post("/{domain_id}/check", responses=shapes.DOMAIN_CHECKED)
def check_domain(domain_id: IdPath, desk: Writer, ports: PortsDep) -> Json:
    """Look at the domain's DNS now. It is verified when every record that is `needed` is there.

    One that was verified degrades when records have gone. Domains are also looked at by themselves.
    """
    name = domains.known(desk, domain_id).domain
    try:
        checked = domains.check(desk, domain_id, ports.dns)
    except Unanswered as error:
        raise silent() from error
    looks = domain_records.rows_of(checked.looks)
    described = domain_records.described([look.record for look in checked.looks], looks)
    state = domains.known(desk, domain_id).condition
    return Json(_records(domain_id, name, state, described) | {"position": checked.position})


@router.delete("/{domain_id}", responses=shapes.DOMAIN_TOLD)
def remove_domain(
    domain_id: IdPath, desk: Writer, reason: ReasonQuery = "removed by its owner"
) -> Json:
    """Send as it no longer. The same tenant may add it again, with the same keys."""
    domains.known(desk, domain_id)
    decided = domains.remove(desk, domain_id, reason)
    told = {"object": "domain", "domain_id": domain_id, "state": "removed"}
    return Json(told | {"position": decided.position})


@router.put("/{domain_id}/ips/{ip}", responses=shapes.DOMAIN_IP)
def assign_ip(domain_id: IdPath, ip: IdPath, desk: Writer, if_match: IfMatch = "") -> Json:
    """Mean the domain's mail to leave from this sending IP."""
    return _assigned(desk, domain_id, ip, if_match, assigned=True)


@router.delete("/{domain_id}/ips/{ip}", responses=shapes.DOMAIN_IP)
def unassign_ip(domain_id: IdPath, ip: IdPath, desk: Writer, if_match: IfMatch = "") -> Json:
    """Mean the domain's mail to leave from this sending IP no longer."""
    return _assigned(desk, domain_id, ip, if_match, assigned=False)


def _assigned(desk: Desk, domain_id: str, ip: str, if_match: str, *, assigned: bool) -> Json:
    here, revision = at(desk, sending_domain.stream(domain_id), if_match)
    decided = domains.assign_ip(here, domain_id, ip, assigned=assigned)
    told = {"object": "domain_ip", "domain_id": domain_id, "ip": ip, "assigned": assigned}
    return tagged(Json(told | {"position": decided.position}), revision)


def silent() -> Problem:
    """No name server answered a look."""
    cure = "no name server answered, so nothing is known and nothing was changed; try again"
    return Problem("dns_silent", cure)


def _wanted(found: dict[str, Any], ports: Ports) -> list[Any]:
    keys = {
        key["selector"]: (key["algorithm"], key["public_key"], key["state"])
        for key in found["keys"]
        if key["state"] != KeyState.RETIRED
    }
    return domains.wanted(found["domain_id"], found["domain"], keys, ports.dns.bounce_host)


def _domain(row: dict[str, Any]) -> dict[str, Any]:
    return {"object": "domain"} | row


def _records(domain_id: str, name: str, state: str, records: list[Any]) -> dict[str, Any]:
    told = {"object": "domain", "domain_id": domain_id, "domain": name, "state": state}
    return told | {"records": records}
