"""A timer: tenants whose use reached a share of their plan's limit → QuotaCrossed (decisions)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import structlog
from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool

from domain import usage
from domain.event import Topic
from domain.ids import deriver
from domain.ports import AsyncDecider
from projections.usage import queries
from streams import timers
from streams.runtime import StreamRuntime

READS: tuple[Topic, ...] = ()
WRITES = (Topic.DECISIONS,)
BACKED_BY = "rm.usage: what was not told is looked at again; the stream of the period tells it once"

LOOK_EVERY_S = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class MeteringDeps:
    """What metering needs. `pool`: role pm_projector, which sees the counters of all tenants."""

    pool: AsyncConnectionPool[AsyncConnection[Any]]
    decider: AsyncDecider
    clock: Callable[[], datetime]
    id_key: str


class Metering:
    """Tells each crossing of a limit once, from the read models of use and plans."""

    def __init__(self, deps: MeteringDeps) -> None:
        self._deps = deps
        self._command_id = deriver(deps.id_key.encode(), "cmd")

    async def look(self) -> None:
        """Record what was crossed since. Repeating, or looking at old rows, changes nothing."""
        try:
            async with self._deps.pool.connection() as conn:
                found = await queries.uncrossed(conn, self._deps.clock().date())
        except errors.UndefinedTable:
            return  # the read model is not built yet
        for tenant_id, period, used, limit in found:
            await self._cross(tenant_id, period, used, limit)

    async def _cross(self, tenant_id: str, period: date, used: int, limit: int) -> None:
        percents = usage.reached(used, limit)
        await self._deps.decider.transact(
            usage.stream(tenant_id, period),
            usage.initial,
            usage.evolve,
            partial(usage.cross, tenant_id=tenant_id, period=period, used=used, limit=limit),
            tenant_id=tenant_id,
            command_id=self._command_id("cross", tenant_id, period, limit, percents[-1]),
            actor="metering",
        )
        log.info("quota_crossed", tenant_id=tenant_id, percent=percents[-1], limit=limit)


def install(app: StreamRuntime, deps: MeteringDeps) -> None:
    """Put the metering timer on the app."""
    timers.every(app, LOOK_EVERY_S, "metering", Metering(deps).look)
