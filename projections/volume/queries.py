"""Plans, quotas and breakers of cells, how they came about, and what left; reputation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from projections.reads import Bound

SQL = named_sql(Path(__file__).parent / "queries.sql")
#: Above every position of the log.
END = 2**63 - 1
ORDERS = ("VolumeOrdered", "WarmupPlanChosen")  # what people decide
Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which decisions; what is empty does not choose."""

    scope: str = ""
    scope_id: str = ""
    provider: str = ""
    rule: str = ""
    types: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


async def decisions(
    bound: Bound,
    wanted: Wanted,
    *,
    after: int,
    limit: int,
    workspaces: Collection[str] | None = None,
) -> list[Row]:
    """Decisions before position `after`, the newest first.

    Those of campaigns and domains only of these workspaces; None: all.
    """
    return await bound.rows(
        SQL["decisions"],
        **asdict(wanted) | {"types": list(wanted.types) or None},
        after=after,
        limit=limit,
        workspaces=_listed(workspaces),
    )


async def reputation(
    bound: Bound,
    *,
    scope: str,
    after: tuple[str, str, str],
    limit: int,
    workspaces: Collection[str] | None = None,
) -> list[Row]:
    """The score of each scope now, after (scope, id, provider), in that order."""
    return await bound.rows(
        SQL["reputation"],
        scope=scope,
        a_scope=after[0],
        a_id=after[1],
        a_provider=after[2],
        limit=limit,
        workspaces=_listed(workspaces),
    )


async def scores(
    bound: Bound,
    scope: str,
    scope_id: str,
    *,
    provider: str,
    after: int,
    limit: int,
    workspaces: Collection[str] | None = None,
) -> list[Row] | None:
    """A scope's scores before position `after`, the newest first; None: it never had one."""
    of = {"scope": scope, "scope_id": scope_id}
    known, found = await bound.several(
        (SQL["scored"], of | {"workspaces": _listed(workspaces)}),
        (SQL["scores"], of | {"provider": provider, "after": after, "limit": limit}),
    )
    return found if known else None


def _listed(workspaces: Collection[str] | None) -> list[str] | None:
    return None if workspaces is None else sorted(workspaces)
