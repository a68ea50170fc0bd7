"""pm.attempts → contacts whose address was refused for good get no more mail (pm.decisions)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool

from adapters import codec
from adapters.postgres import named_sql, tenant_tx
from domain import suppression
from domain.event import Topic
from domain.ids import deriver
from domain.indexes import multirange
from domain.outcomes import suppresses
from domain.ports import AsyncDecider, DeadLetters
from domain.sending import Outcome, OutcomesRecorded
from domain.suppression import Subject
from streams import guard, timers
from streams.runtime import StreamRuntime

READS = (Topic.ATTEMPTS,)
WRITES = (Topic.DECISIONS,)
BACKED_BY = (
    "rm.send_fact: every ten minutes what it tells of rejections is suppressed where that was"
    " missed; command ids derived from event and index make a repeat the same command"
)

SWEEP_EVERY_S = 600.0
SWEPT_BACK_S = 2 * 86400.0
REASON = "hard_bounce"
OUTCOMES = b"OutcomesRecorded"
SQL = named_sql(Path(__file__).with_name("suppressing.sql"))

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SuppressingDeps:
    """What suppressing needs. Role of `pool`: pm_worker, of `api_pool`: pm_api (read models)."""

    pool: AsyncConnectionPool[AsyncConnection[Any]]
    api_pool: AsyncConnectionPool[AsyncConnection[Any]]
    decider: AsyncDecider
    id_key: str


@dataclass(frozen=True)
class Rejections:
    """Sends of a batch that one event says were rejected for one reason."""

    tenant_id: str
    event_id: str
    batch_id: str
    reason: str
    ranges: str  # a multirange


class Suppressing:
    """Suppresses who was rejected for good, and nobody for a policy or reputation answer (I12)."""

    def __init__(self, deps: SuppressingDeps) -> None:
        self._deps = deps
        self._command_id = deriver(deps.id_key.encode(), "cmd")

    async def hear(self, record: Any) -> None:
        """One step of the agent. Repeating it changes nothing."""
        if dict(record.headers).get("ce_type") != OUTCOMES:
            return
        recorded = codec.recorded(record)
        event = recorded.event
        assert isinstance(event, OutcomesRecorded)  # noqa: S101 - by its name
        for result in event.results:
            if result["outcome"] == Outcome.REJECTED and suppresses(result["reason"]):
                ranges = multirange(result["ranges"])
                told = (event.tenant_id, recorded.meta.id, event.batch_id, result["reason"])
                await self._suppress(Rejections(*told, ranges))

    async def sweep(self) -> None:
        """Suppress what was missed. Needs the ledger; without one there is nothing to go by."""
        async with self._deps.pool.connection() as conn:
            cursor = await conn.execute(SQL["active_tenants"], {"within_s": SWEPT_BACK_S})
            tenants = [tenant_id for (tenant_id,) in await cursor.fetchall()]
        for tenant_id in tenants:
            for rejections in await self._told_by_the_ledger(tenant_id):
                await self._suppress(rejections)

    async def _told_by_the_ledger(self, tenant_id: str) -> list[Rejections]:
        try:
            async with self._deps.api_pool.connection() as conn, tenant_tx(conn, tenant_id):
                cursor = await conn.execute(SQL["rejections"], {"within_s": SWEPT_BACK_S})
                rows = await cursor.fetchall()
        except errors.UndefinedTable:
            log.warning("suppressing_not_swept", reason="there is no send ledger")
            return []
        return [Rejections(tenant_id, *row) for row in rows if suppresses(row[2])]

    async def _suppress(self, rejections: Rejections) -> None:
        values = {
            "batch_id": rejections.batch_id,
            "ranges": rejections.ranges,
            "hash_key": suppression.hash_key(self._deps.id_key),
        }
        async with (
            self._deps.pool.connection() as conn,
            tenant_tx(conn, rejections.tenant_id),
        ):
            contacts = await (await conn.execute(SQL["contacts"], values)).fetchall()
        for index, contact_id, address_hash in contacts:
            who = Subject(rejections.tenant_id, contact_id, address_hash)
            await self._decide(rejections, index, who)

    async def _decide(self, rejections: Rejections, index: int, who: Subject) -> None:
        decide = partial(
            suppression.suppress,
            who=who,
            reason=REASON,
            evidence=f"{rejections.reason} in {rejections.event_id}",
        )
        await self._deps.decider.transact(
            suppression.stream(who.contact_id),
            suppression.initial,
            suppression.evolve,
            decide,
            tenant_id=rejections.tenant_id,
            command_id=self._command_id("suppress", rejections.event_id, index),
            actor="suppressing",
            causation=rejections.event_id,
        )


def install(app: StreamRuntime, deps: SuppressingDeps, letters: DeadLetters) -> None:
    """Put the suppressing agent and its sweep on the app."""
    suppressing = Suppressing(deps)
    guard.agent(app, READS, "suppressing", suppressing.hear, letters)
    timers.every(app, SWEEP_EVERY_S, "suppressing", suppressing.sweep)
