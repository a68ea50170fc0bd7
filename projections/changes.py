"""What changed for a tenant since a position: states, not differences.

Telling a change twice is harmless, and none is lost: a position is taken before what it stands for
is read. A position that this Postgres cannot know (it was restored) means: since ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain.rates import rates
from projections.reads import Bound
from projections.send_stats import figures
from projections.send_stats import queries as stats

SQL = named_sql(Path(__file__).parent / "changes.sql")
REACH = 2_000_000_000  # transactions; beyond 2^31 a row's age says nothing
Row = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A campaign as it is now. `decided`: its state may be another than before."""

    campaign_id: str
    workspace_id: str
    decided: bool
    state: Row
    counters: Row


@dataclass(frozen=True)
class Moved:
    """An import as it is now, with its job's columns (null: none runs)."""

    import_id: str
    workspace_id: str
    row: Row


@dataclass(frozen=True)
class Scope:
    """What volume control decided of a scope, as it holds now."""

    workspace_id: str
    row: Row


@dataclass(frozen=True)
class Since:
    """What changed at or after a position, and the position now."""

    position: int
    campaigns: list[Change]
    imports: list[Moved]
    scopes: list[Scope]


async def position(bound: Bound) -> int:
    """Where to go on from: what is committed later has a higher place."""
    (row,) = await bound.rows(SQL["position"])
    return int(row["position"])


async def since(bound: Bound, place: int | None) -> Since:
    """What changed at or after a position; None: all there is."""
    (now,) = await bound.rows(SQL["position"])
    known = place is not None and 0 < now["ahead"] - place + 1 < REACH
    after = place if known else None
    campaigns = await _campaigns(bound, after)
    imports = [
        Moved(row["import_id"], row.pop("workspace_id"), row)
        for row in await bound.rows(SQL["imports"], place=after)
    ]
    scopes = [
        Scope(row.pop("workspace_id"), row) for row in await bound.rows(SQL["scopes"], place=after)
    ]
    return Since(int(now["position"]), campaigns, imports, scopes)


async def _campaigns(bound: Bound, place: int | None) -> list[Change]:
    moved = await bound.rows(SQL["moved"], place=place)
    ids = [row["campaign_id"] for row in moved]
    states: dict[str, dict[str, int]] = {}
    for row in await bound.rows(SQL["states"], campaign_ids=ids):
        states.setdefault(row["campaign_id"], {})[row["state"]] = row["sends"]
    engaged = await stats.of_campaigns(bound, ids)
    return [_change(row, states.get(row["campaign_id"], {}), engaged) for row in moved]


async def read_to(bound: Bound) -> tuple[int, str, str]:
    """How far ledger, volume and imports are: while it is the same, nothing changed for anybody."""
    (row,) = await bound.rows(SQL["read"])
    return int(row["read"]), str(row["reader"]), str(row["jobs"])


def _change(row: Row, states: dict[str, int], engaged: dict[str, dict[str, int]]) -> Change:
    told = engaged.get(row["campaign_id"]) or figures.figures({})
    names = ("campaign_id", "state", "reason", "launched_at", "ended_at")
    return Change(
        row["campaign_id"],
        row["workspace_id"],
        row["decided"],
        {name: row[name] for name in names},
        {
            "campaign_id": row["campaign_id"],
            "requested": sum(states.values()),
            "states": dict(sorted(states.items())),
            "counters": told,
            "rates": rates(told),
        },
    )
