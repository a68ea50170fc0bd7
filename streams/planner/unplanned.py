"""Launches that the planning agent was never shown: found by what the schedule folded.

A runtime may count a record as read that no step saw (ADR 0012). The schedule reads the log by a
cursor of its own, so a campaign that it knows to run, and that has no plan, was passed over.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from adapters import codec
from adapters.decision_log import type_of
from adapters.postgres import named_sql, tenant_tx
from domain import campaign
from domain.campaign import CampaignLaunched

SQL = named_sql(Path(__file__).with_suffix(".sql"))
LOOK_EVERY_S = 10.0
AGE_S = 15.0  # by then the agent has long accepted it, unless it is behind: accepting twice is once
AT_ONCE = 100

log = structlog.get_logger(__name__)


async def missed(
    pool: AsyncConnectionPool[AsyncConnection[Any]], age_s: float
) -> list[CampaignLaunched]:
    """Launches older than this that nobody planned. Role of the pool: pm_worker."""
    async with pool.connection() as conn:
        values = {"age_s": age_s, "most": AT_ONCE}
        rows = await (await conn.execute(SQL["unplanned"], values)).fetchall()
    found = [await _launch(pool, *row) for row in rows]
    return [each for each in found if each]


async def _launch(
    pool: AsyncConnectionPool[AsyncConnection[Any]], campaign_id: str, tenant_id: str
) -> CampaignLaunched | None:
    """As the decision log has it; None where that is not there yet (`penguin restore`)."""
    async with pool.connection() as conn, tenant_tx(conn, tenant_id):
        values = {"stream": campaign.stream(campaign_id)}
        row = await (await conn.execute(SQL["launch"], values)).fetchone()
    if row is None:
        log.warning("launch_not_in_the_decision_log", campaign_id=campaign_id)
        return None
    event = codec.decode(*type_of(row[0]), bytes(row[1]))
    assert isinstance(event, CampaignLaunched)  # noqa: S101 - by its name
    log.error("launch_was_passed_over", campaign_id=campaign_id)
    return event
