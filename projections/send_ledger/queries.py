"""Who got it: pages of a campaign's sends, and the story of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from projections.reads import Bound

SQL = named_sql(Path(__file__).parent / "queries.sql")
Row = dict[str, Any]


async def page(
    bound: Bound, campaign_id: str, *, state: str, provider: str, after: tuple[str, int], limit: int
) -> list[Row]:
    """Sends of a campaign after (batch_id, index), in that order; empty state, provider: all."""
    return await bound.rows(
        SQL["page"],
        campaign_id=campaign_id,
        state=state,
        provider=provider,
        after_batch=after[0],
        after_idx=after[1],
        limit=limit,
    )


async def story(bound: Bound, send_id: str) -> Row | None:
    """One send with every event about it, each with its place in the log; None: not the tenant's.

    An event with `counted` false came after the attempt was settled and changed nothing.
    """
    found = await bound.rows(SQL["one"], send_id=send_id)
    if not found:
        return None
    send = found[0]
    requested = await bound.rows(SQL["requested"], batch_id=send["batch_id"])
    facts = await bound.rows(SQL["story"], batch_id=send["batch_id"], idx=send["idx"])
    return send | {"events": requested + [_brief(fact) for fact in facts]}


def _brief(fact: Row) -> Row:
    """Without what does not apply: a start has no reply."""
    absent = {name for name, value in fact.items() if value == "" or (name == "code" and not value)}
    return {name: value for name, value in fact.items() if name not in absent}
