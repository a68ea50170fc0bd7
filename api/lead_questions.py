"""Questions about lists, leads, segments and imports: rows of the vault, of one tenant."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString

from adapters.contacts.leads import Statement
from adapters.postgres import named_sql
from projections.reads import Bound

QUERIES = named_sql(Path(__file__).with_name("lead_questions.sql"))
Row = dict[str, Any]
Only = frozenset[str] | None  # the workspaces that the asker sees; None: all


async def found(bound: Bound, statement: Statement) -> list[Row]:
    """What a made statement finds; the tenant is always a parameter."""
    return await bound.rows(statement.sql, **statement.values)


async def page(
    bound: Bound,
    what: LiteralString,
    *,
    only: Only,
    after: tuple[datetime | str | None, str] = (None, ""),
    limit: int,
    **filters: Any,
) -> list[Row]:
    """A page of `lists`, `segments` or `imports`, the newest first."""
    return await bound.rows(
        QUERIES[what],
        id="",
        only=_sorted(only),
        after_at=after[0],
        after_id=after[1],
        limit=limit,
        **filters,
    )


async def one(bound: Bound, what: LiteralString, thing_id: str, only: Only) -> Row | None:
    """One of them by its id; None: not the asker's."""
    rows = await bound.rows(
        QUERIES[what],
        id=thing_id,
        only=_sorted(only),
        after_at=None,
        after_id="",
        limit=1,
        archived=None,
        list_id="",
    )
    return rows[0] if rows else None


async def rejects(bound: Bound, import_id: str, *, after: int, limit: int) -> list[Row]:
    """Rows that an import could not use, after a line: line, reason, row."""
    return await bound.rows(QUERIES["rejects"], id=import_id, after=after, limit=limit)


def _sorted(only: Only) -> list[str] | None:
    return None if only is None else sorted(only)
