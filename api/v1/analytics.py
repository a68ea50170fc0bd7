"""Figures: the dashboard in one call, series in the tenant's time zone, funnel, providers, IPs.

Every rate comes with numerator and denominator (domain/rates.py); `as_of` says how far it follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from api import shapes_analytics as shapes
from api.answers import Json
from api.bodies import IdPath, IdText
from api.callers import Caller
from api.problems import not_found
from api.wiring import PortsDep, may, ports_of
from domain.spans import CUSTOM, DAYS_MAX, Span, edges, span, zone
from projections.reads import Bound, freshness
from projections.send_stats import figures
from projections.send_stats import queries as stats
from projections.usage import queries as usage

router = APIRouter(prefix="/v1", tags=["analytics"])
LEDGER = "send_ledger"
TOP = 10
Reader = Annotated[Caller, may("analytics:read")]
ZoneQuery = Annotated[
    str,
    Query(max_length=64, description="IANA time zone of days and hours", examples=["Asia/Kolkata"]),
]
ProviderQuery = Annotated[str, Query(max_length=200, description="only this mailbox provider")]
TopQuery = Annotated[int, Query(ge=1, le=100, description="how many at most")]


async def asked(
    request: Request,
    named: Annotated[
        str, Query(alias="range", pattern="^(7d|30d|90d|custom)$", description="ends today")
    ] = "30d",
    since: Annotated[date | None, Query(alias="from", description="first day of `custom`")] = None,
    until: Annotated[date | None, Query(alias="to", description="last day of `custom`")] = None,
    tz: ZoneQuery = "UTC",
) -> Span:
    """The days that a question is about. Raises Invalid."""
    return span(named, tz, ports_of(request).clock(), since, until)


Asked = Annotated[Span, Depends(asked)]


@router.get("/overview", responses=shapes.OVERVIEW)
async def get_overview(caller: Reader, ports: PortsDep, days: Asked) -> Json:
    """The dashboard: totals beside those of the days before, funnel, campaigns, bounces, usage."""
    seen = _seen(caller)
    async with ports.reads.of(caller.tenant_id) as bound:
        totals, before, states, top, bounces, used, as_of = await bound.together(
            stats.totals(bound, days, workspaces=seen),
            stats.totals(bound, days.before(), workspaces=seen),
            stats.campaign_states(bound, workspaces=seen),
            stats.top_campaigns(bound, days, workspaces=seen, limit=TOP),
            stats.reasons(bound, days, workspaces=seen, limit=TOP),
            usage.usage(bound, ports.clock().date()),
            freshness(bound, LEDGER),
        )
    found = {
        "totals": totals,
        "previous": before | {"range": _told(days.before())},
        "funnel": figures.funnel(totals["counters"]),
        "campaigns": {"total": sum(states.values()), "running": states.pop("running", 0)} | states,
        "top_campaigns": top,
        "bounces": bounces,
        "usage": used,
    }
    return _answer("overview", days, found, as_of)


@router.get("/analytics/timeseries", responses=shapes.TIMESERIES)
async def get_timeseries(
    caller: Reader,
    ports: PortsDep,
    days: Asked,
    by: Annotated[str, Query(pattern="^(hour|day|week|month)$")] = "day",
    campaign_id: Annotated[IdText, Query(description="only this campaign")] = "",
) -> Json:
    """Figures over time, cut where the zone's hours, days, weeks (from Monday) or months begin.

    Empty stretches are there too. The first and the last week or month end where the range does.
    """
    cuts = edges(days, by)
    async with ports.reads.of(caller.tenant_id) as bound:
        if campaign_id:
            await require_campaign(bound, caller, campaign_id)
        scope: dict[str, Any] = {"campaign_id": campaign_id, "workspaces": _seen(caller)}
        data = await stats.series(bound, cuts, days, **scope)
        totals = await stats.series(bound, [days.start, days.end], days, **scope)
        as_of = await freshness(bound, LEDGER)
    whole = {name: totals[0][name] for name in ("counters", "rates")}
    return _answer("timeseries", days, {"by": by, "data": data, "totals": whole}, as_of)


@router.get("/analytics/funnel", responses=shapes.FUNNEL)
async def get_funnel(
    caller: Reader,
    ports: PortsDep,
    days: Asked,
    campaign_id: Annotated[IdText, Query(description="only this campaign")] = "",
) -> Json:
    """Requested, sent, delivered, opened, clicked, replied: what happened within the range."""
    async with ports.reads.of(caller.tenant_id) as bound:
        if campaign_id:
            await require_campaign(bound, caller, campaign_id)
        ends = [days.start, days.end]
        scope: dict[str, Any] = {"campaign_id": campaign_id, "workspaces": _seen(caller)}
        (row,) = await stats.series(bound, ends, days, **scope)
        as_of = await freshness(bound, LEDGER)
    return _answer("funnel", days, {"stages": figures.funnel(row["counters"])}, as_of)


@router.get("/analytics/bounces", responses=shapes.BOUNCES)
async def get_bounces(
    caller: Reader, ports: PortsDep, days: Asked, provider: ProviderQuery = "", limit: TopQuery = 20
) -> Json:
    """The most frequent reasons of rejections, counted by UTC day: `utc_days` says which."""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await stats.reasons(
            bound, days, provider=provider, workspaces=_seen(caller), limit=limit
        )
        as_of = await freshness(bound, LEDGER)
    return _answer("bounces", days, found, as_of)


@router.get("/analytics/providers", responses=shapes.PROVIDERS)
async def get_providers(caller: Reader, ports: PortsDep, days: Asked) -> Json:
    """Figures by mailbox provider, where most was sent first."""
    return await _groups(caller, ports, days, "provider")


@router.get("/analytics/ips", responses=shapes.IPS)
async def get_ips(caller: Reader, ports: PortsDep, days: Asked) -> Json:
    """Figures by sending IP, where most was sent first. What never left is of none."""
    return await _groups(caller, ports, days, "ip")


async def _groups(caller: Caller, ports: PortsDep, days: Span, by: str) -> Json:
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await stats.groups(bound, days, by, workspaces=_seen(caller))
        as_of = await freshness(bound, LEDGER)
    return _answer(f"{by}s", days, {"data": found}, as_of)


@router.get("/campaigns/{campaign_id}/stats", responses=shapes.CAMPAIGN_STATS, tags=["campaigns"])
async def get_campaign_stats(
    campaign_id: IdPath,
    caller: Reader,
    ports: PortsDep,
    by: Annotated[str, Query(pattern="^(day|hour|week|month|step|provider|ip)$")] = "day",
    tz: ZoneQuery = "UTC",
) -> Json:
    """A campaign's figures from its first send on. By hour: its last 31 days."""
    where = zone(tz)
    async with ports.reads.of(caller.tenant_id) as bound:
        await require_campaign(bound, caller, campaign_id)
        steps = await stats.of_campaign(bound, campaign_id, "step")
        if by in {"step", "provider", "ip"}:
            data: Sequence[Any] = await stats.of_campaign(bound, campaign_id, by)
        else:
            data = await _series_of(bound, campaign_id, by, where.key)
        bounces = await stats.reasons_of_campaign(bound, campaign_id)
        as_of = await freshness(bound, LEDGER)
    total = figures.summed(row["counters"] for row in steps)
    found: dict[str, Any] = {"campaign_id": campaign_id, "by": by, "totals": total}
    found |= {"funnel": figures.funnel(total["counters"]), "bounces": bounces, "data": data}
    return Json({"object": "campaign_stats"} | found | {"as_of": as_of})


async def _series_of(bound: Bound, campaign_id: str, by: str, tz: str) -> Sequence[Any]:
    """All of its life, cut up; at most so many days back from its last sign of life."""
    life = await stats.life_of_campaign(bound, campaign_id)
    if life is None:
        return ()
    where = zone(tz)
    first, last = (at.astimezone(where).date() for at in life)
    most = 31 if by == "hour" else DAYS_MAX
    first = max(first, last - timedelta(days=most - 1))
    days = span(CUSTOM, tz, life[1], first, last)
    return await stats.series(bound, edges(days, by), days, campaign_id=campaign_id)


async def require_campaign(bound: Bound, caller: Caller, campaign_id: str) -> None:
    """Raises Problem not_found for one that is not the caller's to see (I11)."""
    if not await stats.campaign_is_there(bound, campaign_id, _seen(caller)):
        raise not_found("campaign")


def _seen(caller: Caller) -> tuple[str, ...] | None:
    return None if caller.workspace_ids is None else tuple(sorted(caller.workspace_ids))


def _told(days: Span) -> dict[str, Any]:
    begin, end = (at.astimezone(days.zone) for at in (days.start, days.end))
    return {"from": begin, "to": end, "tz": days.zone.key, "days": days.days}


def _answer(kind: str, days: Span, found: dict[str, Any], as_of: Any) -> Json:
    return Json({"object": kind, "range": _told(days)} | found | {"as_of": as_of})
