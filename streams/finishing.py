"""A timer: campaigns whose sends have all come to their end → CampaignFinished (pm.decisions)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool

from adapters.postgres import named_sql, tenant_tx
from domain import campaign
from domain.event import Topic
from domain.ids import deriver
from domain.ports import AsyncDecider
from domain.refusals import Refused
from domain.sending import ENDS
from streams import timers
from streams.runtime import StreamRuntime
from streams.schedule.settling import settled

READS: tuple[Topic, ...] = ()
WRITES = (Topic.DECISIONS,)
BACKED_BY = "pipeline.campaign: one that is not finished is looked at again at the next turn"

LOOK_EVERY_S = 0.5
SQL = named_sql(Path(__file__).with_name("finishing.sql"))

log = structlog.get_logger(__name__)

Pool = AsyncConnectionPool[AsyncConnection[Any]]
Counted = Callable[[str, str], Awaitable[Mapping[str, int]]]


@dataclass(frozen=True)
class FinishingDeps:
    """What finishing needs. `pool`: role pm_worker."""

    pool: Pool
    counted: Counted  # (tenant, campaign) → state → sends
    decider: AsyncDecider
    id_key: str


class Finishing:
    """Finishes campaigns from counts: requested = the sum of the outcomes (I6)."""

    def __init__(self, deps: FinishingDeps) -> None:
        self._deps = deps
        self._command_id = deriver(deps.id_key.encode(), "cmd")
        self._told: set[str] = set()  # decided or refused; the fold takes them off the list

    async def look(self) -> None:
        """Finish what is at its end. Repeating changes nothing."""
        for campaign_id, tenant_id, total in await self._settled():
            counts = await self._deps.counted(tenant_id, campaign_id)
            outcomes = {state: sends for state, sends in counts.items() if sends}
            if sum(outcomes.values()) == total and outcomes.keys() <= set(ENDS):
                await self._finish(tenant_id, campaign_id, total, outcomes)

    async def _settled(self) -> list[tuple[str, str, int]]:
        async with self._deps.pool.connection() as conn:
            rows = await (await conn.execute(SQL["unfinished"])).fetchall()
            self._told &= {row[0] for row in rows}
            return [row for row in rows if row[0] not in self._told and await settled(conn, row[0])]

    async def _finish(
        self, tenant_id: str, campaign_id: str, requested: int, outcomes: Mapping[str, int]
    ) -> None:
        decide = partial(campaign.finish, requested=requested, outcomes=outcomes)
        try:
            await self._deps.decider.transact(
                campaign.stream(campaign_id),
                campaign.initial,
                campaign.evolve,
                decide,
                tenant_id=tenant_id,
                command_id=self._command_id("finish", campaign_id),
                actor="finishing",
            )
        except Refused:
            log.exception("campaign_not_finished", campaign_id=campaign_id)
        else:
            log.info("campaign_finished", campaign_id=campaign_id, **outcomes)
        self._told.add(campaign_id)


def counted_in(api_pool: Pool) -> Counted:
    """Counts from the read model; role of the pool: pm_api. Nothing while it is not built."""

    async def counted(tenant_id: str, campaign_id: str) -> Mapping[str, int]:
        try:
            async with api_pool.connection() as conn, tenant_tx(conn, tenant_id):
                cursor = await conn.execute(SQL["counted"], {"campaign_id": campaign_id})
                return dict(await cursor.fetchall())
        except errors.UndefinedTable:
            return {"unknown": 1}

    return counted


def install(app: StreamRuntime, deps: FinishingDeps) -> None:
    """Put the finishing timer on the app."""
    timers.every(app, LOOK_EVERY_S, "finishing", Finishing(deps).look)
