"""Plans a launched campaign: resolve providers, freeze the audience, write its batches.

Every step may be repeated after any crash: the frozen rows decide, and all ids are derived.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from adapters import codec
from adapters.postgres import named_sql, tenant_tx
from domain.campaign import CampaignLaunched
from domain.ports import EventLog, Resolver
from domain.sending import BATCH_SIZE_MAX
from streams.planner import order
from streams.planner.plan import STEP, Frozen, Identities
from streams.planner.providers import provider_for_all, resolve

SQL = named_sql(Path(__file__).with_name("planning.sql"))
BATCHES_AT_ONCE = 20  # appended together: about a megabyte

Connection = AsyncConnection[Any]


@dataclass(frozen=True)
class PlannerDeps:
    """What the planner needs. `pool`: role pm_worker; `readers`: role pm_api."""

    pool: AsyncConnectionPool[Connection]
    log: EventLog
    resolver: Resolver
    id_key: str
    readers: AsyncConnectionPool[Connection] | None = None  # None: nobody is known to engage


class PlanRow(NamedTuple):
    """A row of pipeline.plan, as the query `plan` reads it."""

    launched: Any  # the fields of CampaignLaunched
    frozen: bool
    next_ordinal: int
    total: int
    batches: int
    done: bool


class Planning:
    """Takes plans from `accepted` to `done`."""

    def __init__(self, deps: PlannerDeps) -> None:
        self._deps = deps
        self._ids = Identities(deps.id_key)

    async def accept(self, launched: CampaignLaunched) -> None:
        """Note that a campaign is to be planned. A repeat changes nothing."""
        row = {
            "campaign_id": launched.campaign_id,
            "tenant_id": launched.tenant_id,
            "launched": codec.encode(launched).decode(),
        }
        async with self._deps.pool.connection() as conn:
            await conn.execute(SQL["accept"], row)

    async def open_plans(self) -> list[str]:
        """Campaigns that are not fully planned, oldest first."""
        async with self._deps.pool.connection() as conn:
            cursor = await conn.execute(SQL["open_plans"])
            return [campaign_id for (campaign_id,) in await cursor.fetchall()]

    async def advance(self, campaign_id: str) -> bool:
        """Plan a campaign to its end; False when another planner is at it.

        Raises LookupError while its sending IPs are not known yet, and what Kafka or Postgres
        raise when they are away. It goes on from there when it is called again.
        """
        async with self._deps.pool.connection() as conn:
            cursor = await conn.execute(SQL["lock"], {"campaign_id": campaign_id})
            if await cursor.fetchone() != (True,):
                return False
            try:
                await self._plan(conn, campaign_id)
            finally:
                if not conn.broken:
                    await conn.execute(SQL["unlock"], {"campaign_id": campaign_id})
        return True

    async def _plan(self, conn: Connection, campaign_id: str) -> None:
        plan = await _plan_row(conn, campaign_id)
        if plan.done:
            return
        launched = _launched(plan.launched)
        if not plan.frozen:
            await self._freeze(conn, launched)
            plan = await _plan_row(conn, campaign_id)
        await self._write(conn, launched, plan)

    async def _freeze(self, conn: Connection, launched: CampaignLaunched) -> None:
        provider = await provider_for_all(conn, launched.ips)
        if provider is None:
            await resolve(conn, self._deps.resolver, launched.tenant_id, launched.list_ids)
        engaged = await order.engaged(self._deps.readers, launched)
        async with tenant_tx(conn, launched.tenant_id):
            cold = await order.cold(conn, launched) if engaged.contacts else order.Cold()
            zones = await order.zones(conn, launched)
            audience = {"list_ids": launched.list_ids, "provider": provider}
            found = vars(engaged) | vars(cold) | vars(zones) | order.bounds(launched)
            await conn.execute(SQL["gather"], audience | found)
            await self._cut(conn, launched)

    async def _cut(self, conn: Connection, launched: CampaignLaunched) -> None:
        cursor = await conn.execute(SQL["gathered_counts"])
        chunks = self._ids.chunks(launched.campaign_id, await cursor.fetchall())
        moments = order.Moments(launched)
        waits = [moments.of(chunk.zone, chunk.number) for chunk in chunks]
        values = {
            "tenant_id": launched.tenant_id,
            "campaign_id": launched.campaign_id,
            "step": STEP,
            "chunk_size": BATCH_SIZE_MAX,
            "ordinals": [chunk.ordinal for chunk in chunks],
            "batch_ids": [chunk.batch_id for chunk in chunks],
            "providers": [chunk.provider for chunk in chunks],
            "chunks": [chunk.number for chunk in chunks],
            "sizes": [chunk.size for chunk in chunks],
            "zones": [chunk.zone for chunk in chunks],
            "due_at": [due_at for due_at, _ in waits],
            "expires_at": [expires_at for _, expires_at in waits],
            "total": sum(chunk.size for chunk in chunks),
            "batches": len(chunks),
        }
        await conn.execute(SQL["freeze_batches"], values)
        await conn.execute(SQL["freeze_audience"], values)
        await conn.execute(SQL["mark_frozen"], values)

    async def _write(self, conn: Connection, launched: CampaignLaunched, plan: PlanRow) -> None:
        campaign = {"campaign_id": launched.campaign_id}
        ordinal = plan.next_ordinal
        while ordinal < plan.batches:
            ordinal += await self._append(conn, launched, ordinal)
            await conn.execute(SQL["mark_written"], campaign | {"ordinal": ordinal})
        ended = self._ids.audience_planned(launched, plan.total, plan.batches)
        await self._deps.log.append([ended])
        await conn.execute(SQL["mark_done"], campaign)

    async def _append(self, conn: Connection, launched: CampaignLaunched, ordinal: int) -> int:
        """Write the next batches; how many. They are counted only once Kafka acknowledged them."""
        wanted = {"campaign_id": launched.campaign_id, "step": STEP, "count": BATCHES_AT_ONCE}
        async with tenant_tx(conn, launched.tenant_id):
            cursor = await conn.execute(SQL["next_batches"], wanted | {"ordinal": ordinal})
            rows = await cursor.fetchall()
        drafts = [self._ids.batch_planned(launched, Frozen(*row)) for row in rows]
        await self._deps.log.append(drafts)
        return len(drafts)


async def _plan_row(conn: Connection, campaign_id: str) -> PlanRow:
    cursor = await conn.execute(SQL["plan"], {"campaign_id": campaign_id})
    found = await cursor.fetchone()
    if found is None:
        raise LookupError(f"no plan for {campaign_id}")
    return PlanRow(*found)


def _launched(fields: Any) -> CampaignLaunched:
    event = codec.decode("CampaignLaunched", 1, orjson.dumps(fields))
    assert isinstance(event, CampaignLaunched)  # noqa: S101 - by its name
    return event
