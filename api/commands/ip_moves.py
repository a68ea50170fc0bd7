"""A tenant's mail moves to other sending IPs: quarantine, plans, domains and campaigns at once.

Each aggregate is decided as a whole. A command that broke off is repeated with the same words: what
is done already decides nothing again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from psycopg.errors import UndefinedTable

from adapters.postgres import named_sql
from api.commands import sending_ips
from api.desk import Desk
from domain import campaign, ip_pool, moving, sending_domain, sending_ip
from domain.ip_choice import BAD_BELOW
from domain.ports import Decided
from domain.refusals import Invalid, NotFound, WrongState
from domain.sending_ip import EVERY_PROVIDER, UNGOVERNED, Warmup

SQL = named_sql(Path(__file__).with_suffix(".sql"))
TOLD_MAX = 5  # findings that a refusal names


@dataclass(frozen=True)
class Move:
    """What somebody wants: whither, from where (empty: all others), by which plan, and why."""

    reason: str
    to_ips: tuple[str, ...] = ()
    pool_id: str = ""
    from_ips: tuple[str, ...] = ()
    plan: str = "standard"
    acknowledged: bool = False  # that the block comes of the tenant's own lists


@dataclass(frozen=True)
class _Ground:
    """What it comes to: IPs by their route, domains, campaigns with their IPs."""

    new: Mapping[str, str]
    old: Mapping[str, str]
    domains: Sequence[str]
    campaigns: Mapping[str, Sequence[str]]


def move(desk: Desk, wanted: Move) -> dict[str, Any]:
    """Do it; what came of it. Raises Invalid, NotFound, and WrongState.

    WrongState also when the tenant's own lists are why its mail is blocked, until that is
    acknowledged: other IPs would be blocked for the same. Old IPs are shut before anything else
    moves, so that what breaks off sends too little and never by the old ones.
    """
    _check(wanted)
    ground = _ground(desk, wanted)
    blame = _own_lists(desk, ground)
    if blame and not wanted.acknowledged:
        raise WrongState(_told(blame))
    noted = f"{wanted.reason} (acknowledged: {_named(blame)})" if blame else wanted.reason
    planned = [one for ip in ground.new if (one := _plan(desk, ip, wanted.plan, noted))]
    held = [sending_ips.isolate(desk, ip, noted) for ip in ground.old]
    domains = [_domain(desk, domain_id, ground) for domain_id in ground.domains]
    campaigns = [_campaign(desk, one, ground, wanted, noted) for one in ground.campaigns]
    done = [*planned, *held, *domains, *campaigns]
    return {
        "tenant_id": desk.tenant_id,
        "from_ips": list(ground.old),
        "to_ips": list(ground.new),
        "pool_id": wanted.pool_id,
        "planned": _changed(planned),
        "quarantined": _changed(held),
        "domains": _changed(domains),
        "campaigns": _changed(campaigns),
        "acknowledged": [f"{row['scope']}:{row['scope_id']}:{row['rule']}" for row in blame],
        "position": max((one.position for one in done if one.position), default=None),
    }


def _check(wanted: Move) -> None:
    if bool(wanted.to_ips) == bool(wanted.pool_id):
        raise Invalid("to_ips: name the new sending IPs, or a pool of them; one of the two")
    both = set(wanted.to_ips) & set(wanted.from_ips)
    if both:
        raise Invalid(f"from_ips: {', '.join(sorted(both))} is among the new ones; leave it out")
    if wanted.plan == UNGOVERNED:
        raise Invalid("plan: new IPs are warmed up; choose conservative, standard or fast")
    sending_ip.check_warmup(Warmup(wanted.plan))


# ---- what there is


def _ground(desk: Desk, wanted: Move) -> _Ground:
    new = {ip: _usable(desk, ip) for ip in wanted.to_ips or _of_pool(desk, wanted.pool_id)}
    known = {row["ip"]: row["route"] for row in desk.rows(SQL["ips"])}
    for ip in wanted.from_ips:
        if ip not in known:
            raise NotFound(f"from_ips: there is no sending IP {ip} in use; name one of the tenant")
    chosen = wanted.from_ips or [ip for ip in known if ip not in new]
    old = {ip: known[ip] for ip in chosen if ip not in new}
    domains = [row["domain_id"] for row in desk.rows(SQL["domains"], old=list(old))]
    ground = _Ground(new, old, domains, _campaigns(desk, old))
    _refuse_other_route(ground)
    return ground


def _of_pool(desk: Desk, pool_id: str) -> Sequence[str]:
    pool: ip_pool.State = desk.state(ip_pool, ip_pool.stream(pool_id))
    ip_pool.require_usable(pool)
    if not pool.ips:
        raise WrongState("pool_id: the pool has no sending IP; put one into it first")
    return pool.ips


def _usable(desk: Desk, ip: str) -> str:
    """The route of an IP that mail may move to. Raises NotFound, WrongState."""
    state: sending_ip.State = desk.state(sending_ip, sending_ip.stream(ip))
    sending_ip.require_active(state)
    if state.quarantined:
        raise WrongState(f"to_ips: {ip} is in quarantine; release it first, or name another")
    return state.egress.route


def _campaigns(desk: Desk, old: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """Those that have some of the old IPs, with all that they have."""
    found = {}
    for row in desk.rows(SQL["campaigns"]):
        ips = _awaited(desk, row["campaign_id"]) if row["ips"] is None else row["ips"]
        if set(ips) & set(old):
            found[row["campaign_id"]] = ips
    return found


def _awaited(desk: Desk, campaign_id: str) -> Sequence[str]:
    """What a scheduled campaign names; nothing where it takes all that there are by then."""
    state: campaign.State = desk.state(campaign, campaign.stream(campaign_id))
    plan = campaign.require(state)
    if not plan.pool_id:
        return plan.ips
    pool: ip_pool.State = desk.state(ip_pool, ip_pool.stream(plan.pool_id))
    return pool.ips


def _refuse_other_route(ground: _Ground) -> None:
    """Batches are planned per provider, or for the relay: they cannot change to the other."""
    before = {ground.old[ip] for ips in ground.campaigns.values() for ip in ips if ip in ground.old}
    if ground.campaigns and set(ground.new.values()) != before:
        told = f"they send by {_either(ground.new.values())}, campaigns so far by {_either(before)}"
        raise Invalid(f"to_ips: {told}, and their mail is planned for that; name others")


def _either(routes: Any) -> str:
    return " and ".join(sorted(set(routes)))


# ---- why the old ones may be blocked


def _own_lists(desk: Desk, ground: _Ground) -> list[dict[str, Any]]:
    """What says that the tenant's own lists or content are why its mail is not wanted."""
    found = desk.rows(SQL["own_breakers"], old=list(ground.old))
    given = {"domains": list(ground.domains), "bad": BAD_BELOW}
    try:
        return found + desk.rows(SQL["own_reputation"], **given)
    except UndefinedTable:  # nothing was ever scored here
        return found


def _named(blame: Sequence[Mapping[str, Any]]) -> str:
    told = [f"{row['scope']} {row['scope_id']} {row['rule']}" for row in blame[:TOLD_MAX]]
    more = len(blame) - len(told)
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")


def _told(blame: Sequence[Mapping[str, Any]]) -> str:
    return (
        f"acknowledge: the tenant's own lists are why its mail is held ({_named(blame)}), and other"
        " IPs would be held for the same; see to the lists first, or say that you know it"
        " (--acknowledge)"
    )


# ---- aggregate by aggregate


def _plan(desk: Desk, ip: str, plan: str, reason: str) -> Decided | None:
    """A warm-up plan for an IP without one, also where somebody chose `none` before."""
    state: sending_ip.State = desk.state(sending_ip, sending_ip.stream(ip))
    everywhere = state.warmups.get(EVERY_PROVIDER, Warmup(UNGOVERNED))
    if state.egress.route == "relay" or everywhere.plan != UNGOVERNED:
        return None
    return sending_ips.choose_plan(desk, ip, EVERY_PROVIDER, Warmup(plan), reason)


def _domain(desk: Desk, domain_id: str, ground: _Ground) -> Decided:
    decide = partial(moving.domain_ips, old=set(ground.old), new=list(ground.new))
    return desk.decide(sending_domain, sending_domain.stream(domain_id), decide)


def _campaign(desk: Desk, campaign_id: str, ground: _Ground, wanted: Move, reason: str) -> Decided:
    decide = partial(
        moving.campaign_ips,
        current=ground.campaigns[campaign_id],
        old=set(ground.old),
        new=list(ground.new),
        pool_id=wanted.pool_id,
        reason=reason,
    )
    return desk.decide(campaign, campaign.stream(campaign_id), decide)


def _changed(decided: Sequence[Decided]) -> int:
    return sum(1 for one in decided if one.events)
