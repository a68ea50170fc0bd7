"""What became of mail in numbers: over time, by provider, IP, campaign and step, and why not."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain.rates import share
from domain.spans import Span
from projections.reads import Bound
from projections.send_stats import figures

SQL = named_sql(Path(__file__).parent / "queries.sql")
LIMIT = 100
BOUNCES = ("rejected",)
Row = dict[str, Any]
Workspaces = Collection[str] | None  # None: all of the tenant's


async def series(
    bound: Bound,
    edges: Sequence[datetime],
    span: Span,
    *,
    campaign_id: str = "",
    workspaces: Workspaces = None,
) -> list[Row]:
    """One row per stretch between edges, also where nothing happened; times in the span's zone."""
    values = {"edges": list(edges[:-1]), "start": edges[0], "end": edges[-1]}
    if campaign_id:
        rows = await bound.rows(SQL["series_of_campaign"], campaign_id=campaign_id, **values)
    elif workspaces is None:
        rows = await bound.rows(SQL["series"], **values)
    else:
        query = SQL["series_of_workspaces"]
        rows = await bound.rows(query, workspaces=list(workspaces), **values)
    found = figures.by_key(rows, "n")
    return [
        {"start": start.astimezone(span.zone), "end": end.astimezone(span.zone)}
        | figures.told(found.get(number, {}))
        for number, (start, end) in enumerate(itertools.pairwise(edges), start=1)
    ]


async def totals(bound: Bound, span: Span, *, workspaces: Workspaces = None) -> Row:
    """Figures and rates of the whole span."""
    (row,) = await series(bound, [span.start, span.end], span, workspaces=workspaces)
    return {"counters": row["counters"], "rates": row["rates"]}


async def groups(
    bound: Bound, span: Span, by: str, *, workspaces: Workspaces = None, limit: int = LIMIT
) -> Sequence[Row]:
    """Figures by `provider`, `ip` or `campaign`, what sent most first."""
    rows = await bound.rows(
        SQL["cells"], by=by, workspaces=_named(workspaces), **_parted(span.start, span.end)
    )
    name = "campaign_id" if by == "campaign" else by
    return figures.ranked(figures.by_key(rows), name, limit)


async def top_campaigns(
    bound: Bound, span: Span, *, workspaces: Workspaces = None, limit: int = 10
) -> list[Row]:
    """The campaigns that sent most, with their names."""
    rows = await bound.rows(
        SQL["top_campaigns"], workspaces=_named(workspaces), limit=limit,
        sent=list(figures.FIGURES["sent"]), **_parted(span.start, span.end),
    )  # fmt: skip
    names = {row["key"]: row["name"] for row in rows}
    found = figures.ranked(figures.by_key(rows), "campaign_id", limit)
    return [{"name": names[row["campaign_id"]]} | row for row in found]


async def campaign_is_there(bound: Bound, campaign_id: str, workspaces: Workspaces) -> bool:
    """Whether the tenant has this campaign, in one of these workspaces."""
    values = {"campaign_id": campaign_id, "workspaces": _named(workspaces)}
    return bool(await bound.rows(SQL["campaign"], **values))


async def campaign_states(bound: Bound, *, workspaces: Workspaces = None) -> dict[str, int]:
    """How many campaigns are in which state."""
    rows = await bound.rows(SQL["campaign_states"], workspaces=_named(workspaces))
    return {row["state"]: row["campaigns"] for row in rows}


async def of_campaign(bound: Bound, campaign_id: str, by: str) -> list[Row]:
    """A campaign's figures by `step`, `provider` or `ip`; what is of no IP yet has none."""
    query = SQL["of_campaign_by_ip"] if by == "ip" else SQL["of_campaign"]
    rows = await bound.rows(query, campaign_id=campaign_id, by=by)
    found = figures.by_key(rows)
    return [
        {by: int(key) if by == "step" else key} | figures.told(found[key])
        for key in sorted(found, key=lambda key: int(key) if by == "step" else key)
    ]


async def of_campaigns(bound: Bound, campaign_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Campaign → figures, for those that have any."""
    rows = await bound.rows(SQL["of_campaigns"], campaign_ids=list(campaign_ids))
    return {key: figures.figures(metrics) for key, metrics in figures.by_key(rows).items()}


async def life_of_campaign(bound: Bound, campaign_id: str) -> tuple[datetime, datetime] | None:
    """When anything first and last happened to its sends; None: nothing did."""
    (row,) = await bound.rows(SQL["life_of_campaign"], campaign_id=campaign_id)
    return (row["first"], row["last"]) if row["first"] else None


async def reasons(
    bound: Bound,
    span: Span,
    *,
    provider: str = "",
    states: Sequence[str] = BOUNCES,
    workspaces: Workspaces = None,
    limit: int = 20,
) -> Row:
    """Why sends came to these ends, most frequent first; of the UTC days that the span touches."""
    days = _days(span)
    rows = await bound.rows(
        SQL["reasons"], states=list(states), provider=provider, workspaces=_named(workspaces),
        first_day=days["from"], last_day=days["to"], limit=LIMIT,
    )  # fmt: skip
    return {"utc_days": days, "reasons": _shares(rows)[:limit]}


async def reasons_of_campaign(
    bound: Bound, campaign_id: str, *, provider: str = "", states: Sequence[str] = BOUNCES
) -> list[Row]:
    """Why a campaign's sends came to these ends, the most frequent first."""
    rows = await bound.rows(
        SQL["reasons_of_campaign"], campaign_id=campaign_id, states=list(states),
        provider=provider, limit=LIMIT,
    )  # fmt: skip
    return _shares(rows)


def _shares(rows: Sequence[Row]) -> list[Row]:
    total = sum(row["sends"] for row in rows)
    return [row | {"share": share(row["sends"], total)} for row in rows]


def _days(span: Span) -> dict[str, date]:
    last = span.end - timedelta(microseconds=1)
    return {"from": span.start.date(), "to": last.date()}


def _named(workspaces: Workspaces) -> list[str] | None:
    return None if workspaces is None else list(workspaces)


def _parted(start: datetime, end: datetime) -> dict[str, Any]:
    """The whole UTC days of a stretch of time, and what lies before and after them."""
    first = start.date() if start == _midnight(start.date()) else start.date() + timedelta(days=1)
    last = max(first, end.date())
    days_start = min(_midnight(first), end)
    return {
        "start": start, "end": end, "first_day": first, "last_day": last,
        "days_start": days_start, "days_end": max(days_start, min(_midnight(last), end)),
    }  # fmt: skip


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
