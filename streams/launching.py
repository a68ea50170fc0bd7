"""A timer: campaigns whose scheduled moment has come → launched, or blocked (pm.decisions)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from adapters.postgres import named_sql
from domain.event import Topic
from domain.refusals import Refused
from streams import timers
from streams.runtime import StreamRuntime

READS: tuple[Topic, ...] = ()
WRITES = (Topic.DECISIONS,)
BACKED_BY = (
    "pipeline.scheduled_launch: a row stands there until the schedule has read that the campaign"
    " launched, or why not; the decision is about one moment, so that a repeat decides nothing"
)

LOOK_EVERY_S = 1.0
DUE_AT_ONCE = 50
SQL = named_sql(Path(__file__).with_name("launching.sql"))

log = structlog.get_logger(__name__)

#: Takes the decision about (tenant, campaign, scheduled moment, now); says what became of it.
Launch = Callable[[str, str, datetime, datetime], str]


@dataclass(frozen=True)
class LaunchingDeps:
    """What launching needs. `pool`: role pm_worker; `launch` blocks, and raises as a Decider."""

    pool: AsyncConnectionPool[AsyncConnection[Any]]
    launch: Launch
    clock: Callable[[], datetime]


class Launching:
    """Launches what is due, the longest due first; what was missed while all was down too."""

    def __init__(self, deps: LaunchingDeps) -> None:
        self._deps = deps
        self._told: set[tuple[str, datetime]] = set()  # decided; the fold takes them off the list

    async def look(self) -> None:
        """Decide about every campaign that is due. Repeating changes nothing."""
        now = self._deps.clock()
        for campaign_id, tenant_id, at in await self._due(now):
            if (campaign_id, at) not in self._told:
                await self._launch(tenant_id, campaign_id, at, now)

    async def _due(self, now: datetime) -> list[tuple[str, str, datetime]]:
        async with self._deps.pool.connection() as conn:
            wanted = {"now": now, "at_once": DUE_AT_ONCE + len(self._told)}
            rows = await (await conn.execute(SQL["due"], wanted)).fetchall()
        self._told &= {(row[0], row[2]) for row in rows}
        return [(row[0], row[1], row[2]) for row in rows]

    async def _launch(self, tenant_id: str, campaign_id: str, at: datetime, now: datetime) -> None:
        try:
            became = await asyncio.to_thread(self._deps.launch, tenant_id, campaign_id, at, now)
        except Refused:  # of this one alone: the others must not wait for it
            log.exception("scheduled_campaign_not_launched", campaign_id=campaign_id)
            return
        log.info("scheduled_campaign_decided", campaign_id=campaign_id, became=became)
        self._told.add((campaign_id, at))


def install(app: StreamRuntime, deps: LaunchingDeps) -> None:
    """Put the launching timer on the app."""
    timers.every(app, LOOK_EVERY_S, "launching", Launching(deps).look)
