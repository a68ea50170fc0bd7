"""The tenant's audit log, newest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from projections.reads import Bound

SQL = named_sql(Path(__file__).parent / "queries.sql")
#: Above every position of the log.
END = 2**63 - 1
Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which entries; what is empty does not choose."""

    actor: str = ""
    type: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def page(
    bound: Bound,
    wanted: Wanted,
    *,
    after: int,
    limit: int,
    seen_by: str = "",
    workspaces: Collection[str] | None = None,
) -> list[Row]:
    """Entries before position `after`; `seen_by` looks only into `workspaces`, None: all."""
    chosen = None if workspaces is None else sorted(workspaces)
    return await bound.rows(
        SQL["page"],
        actor=wanted.actor,
        type=wanted.type,
        subject=wanted.subject,
        since=wanted.since,
        until=wanted.until,
        after=after,
        limit=limit,
        looker=seen_by,
        workspaces=chosen,
    )
