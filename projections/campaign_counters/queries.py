"""Campaigns with their counters and rates, as people look at them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from projections.reads import Bound
from projections.send_ledger.project import STATES

SQL = named_sql(Path(__file__).parent / "queries.sql")
OPEN_STATES = ("waiting", "started", "deferred")
Row = dict[str, Any]


async def page(bound: Bound, *, after: str, limit: int) -> list[Row]:
    """Campaigns, the newest first, from the one after `after` on; with counters."""
    found = await bound.rows(SQL["page"], after=after, limit=limit)
    return await _counted(bound, found)


async def one(bound: Bound, campaign_id: str) -> Row | None:
    """One campaign with its counters, also by provider; None: the tenant has no such one."""
    found = await bound.rows(SQL["one"], campaign_id=campaign_id)
    counted = await _counted(bound, found)
    return counted[0] if counted else None


async def _counted(bound: Bound, campaigns: list[Row]) -> list[Row]:
    ids = [campaign["campaign_id"] for campaign in campaigns]
    cells = await bound.rows(SQL["counters"], campaign_ids=ids)
    released = {
        row["campaign_id"]: row["sends"]
        for row in await bound.rows(SQL["released"], campaign_ids=ids)
    }
    for campaign in campaigns:
        own = [cell for cell in cells if cell["campaign_id"] == campaign["campaign_id"]]
        campaign["counters"] = _counters(own) | {
            "planned": campaign.pop("planned_total"),
            "released": released.get(campaign["campaign_id"], 0),
        }
        campaign["rates"] = _rates(campaign["counters"])
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


def _rates(counters: Row) -> Row:
    """Shares 0 to 1 with what they are made of (reference/product.md §5); no sends, no value.

    Sent: what reached a receiving server and ended there, or may have.
    """
    sent = counters["accepted"] + counters["rejected"] + counters["ambiguous"]
    return {
        "delivery": _share(counters["accepted"], sent),
        "bounce": _share(counters["rejected"], sent),
        "ambiguous": _share(counters["ambiguous"], sent),
    }


def _share(numerator: int, denominator: int) -> Row:
    value = round(numerator / denominator, 6) if denominator else None
    return {"numerator": numerator, "denominator": denominator, "value": value}
