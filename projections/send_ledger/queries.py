"""Who got it: pages of a campaign's sends, and the story of one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain import campaign, suppression
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


async def story(
    bound: Bound, send_id: str, workspaces: Collection[str] | None = None
) -> Row | None:
    """One send with every event about it, each with its place in the log.

    None: it is not the tenant's, or of a campaign in none of these workspaces. An event with
    `counted` false came after the attempt was settled, or was not the first of its kind: it changed
    nothing. `decisions`: about its campaign and its contact, with their actors.
    """
    seen = None if workspaces is None else list(workspaces)
    found = await bound.rows(SQL["one"], send_id=send_id, workspaces=seen)
    if not found:
        return None
    send = found[0]
    where = {"batch_id": send["batch_id"], "idx": send["idx"]}
    streams = [campaign.stream(send["campaign_id"]), suppression.stream(send["contact_id"])]
    requested, facts, signals, waiting, decisions, releases = await bound.several(
        (SQL["requested"], where),
        (SQL["story"], where),
        (SQL["signals"], {"send_id": send_id}),
        (SQL["held"], where),
        (SQL["decisions"], {"streams": streams}),
        (SQL["releases"], where),
    )
    events = sorted(requested + facts + signals, key=lambda event: event["at"])
    return send | {
        "events": [_brief(event) for event in events],
        "decisions": decisions,
        "releases": releases,
        "waiting": waiting[0] if waiting else None,
    }


def _brief(fact: Row) -> Row:
    """Without what does not apply: a start has no reply."""
    absent = {name for name, value in fact.items() if value == "" or (name == "code" and not value)}
    return {name: value for name, value in fact.items() if name not in absent}
