"""Campaigns with their counters and rates, as people look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain.rates import rates
from projections.reads import Bound
from projections.send_ledger.project import STATES
from projections.send_stats import figures
from projections.send_stats import queries as stats

SQL = named_sql(Path(__file__).parent / "queries.sql")
#: What recipients did: sends, not events.
ENGAGEMENT = ("opened", "clicked", "replied", "unsubscribed", "complaints", "late_bounced")
OPEN_STATES = ("waiting", "started", "deferred")
Row = dict[str, Any]


@dataclass(frozen=True)
class Only:
    """Which campaigns of a list are wanted; as it is made, all of them."""

    state: str = ""
    workspace_id: str | None = None  # empty: those of no workspace
    workspaces: frozenset[str] | None = None  # the only ones that the asker may see
    since: datetime | None = None  # drafted then or later
    until: datetime | None = None  # drafted before


ALL = Only()


async def page(bound: Bound, *, after: str, limit: int, only: Only = ALL) -> list[Row]:
    """Campaigns, the newest first, from the one after `after` on; with counters."""
    found = await bound.rows(SQL["page"], after=after, limit=limit, **_values(only))
    ids = [campaign["campaign_id"] for campaign in found]
    return _counted(found, await _counts(bound, ids))


async def one(
    bound: Bound, campaign_id: str, workspaces: frozenset[str] | None = None
) -> Row | None:
    """One campaign with its counters, also by provider; None: the asker has no such one."""
    values = _values(Only(workspaces=workspaces))
    found, counts = await bound.together(
        bound.rows(SQL["one"], campaign_id=campaign_id, **values), _counts(bound, [campaign_id])
    )
    counted = _counted(found, counts)
    return counted[0] if counted else None


def _values(only: Only) -> Row:
    visible = None if only.workspaces is None else sorted(only.workspaces)
    return asdict(only) | {"workspaces": visible}


@dataclass(frozen=True)
class _Counts:
    """What campaigns are told with: their sends by provider and state, and what became of them."""

    cells: list[Row]
    released: dict[str, int]
    engaged: dict[str, dict[str, int]]


async def _counts(bound: Bound, ids: list[str]) -> _Counts:
    cells, released, engaged = await bound.together(
        bound.rows(SQL["counters"], campaign_ids=ids),
        bound.rows(SQL["released"], campaign_ids=ids),
        stats.of_campaigns(bound, ids),
    )
    return _Counts(cells, {row["campaign_id"]: row["sends"] for row in released}, engaged)


def _counted(campaigns: list[Row], counts: _Counts) -> list[Row]:
    cells, released, engaged = counts.cells, counts.released, counts.engaged
    for campaign in campaigns:
        own = [cell for cell in cells if cell["campaign_id"] == campaign["campaign_id"]]
        campaign["counters"] = _counters(own) | {
            "planned": campaign.pop("planned_total"),
            "released": released.get(campaign["campaign_id"], 0),
        }
        told = engaged.get(campaign["campaign_id"]) or figures.figures({})
        campaign["engagement"] = {name: told[name] for name in ENGAGEMENT}
        campaign["rates"] = rates(told)
        campaign["providers"] = {
            provider: _counters([cell for cell in own if cell["provider"] == provider])
            for provider in {cell["provider"]: None for cell in own}
        }
    return campaigns


def _counters(cells: Sequence[Row]) -> Row:
    """Sends per state; requested is their sum, open is what has no end yet."""
    states = dict.fromkeys(STATES, 0)
    for cell in cells:
        states[cell["state"]] += int(cell["sends"])
    requested, still_open = sum(states.values()), sum(states[state] for state in OPEN_STATES)
    return {"requested": requested, "open": still_open, **states}
