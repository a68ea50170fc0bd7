"""Ends what was begun: erasures whose event is not told yet, tenants whose window is over.

Backed by vault.duty: whatever dies in between, the next turn goes on. Each step may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from adapters.postgres import named_sql, tenant_tx
from domain import campaign, lead_list, tenant
from domain.ports import AsyncDecider
from domain.refusals import Refused
from streams import timers
from streams.runtime import StreamRuntime

SQL = named_sql(Path(__file__).with_suffix(".sql"))
LOOK_EVERY_S = 5.0
DUTIES_AT_ONCE = 100
ROWS_AT_ONCE = 5000  # a transaction; the next tenant's mail does not wait behind it

log = structlog.get_logger(__name__)
Pool = AsyncConnectionPool[AsyncConnection[Any]]


@dataclass(frozen=True)
class Duty:
    """A row of vault.duty that is due."""

    tenant_id: str
    kind: str
    subject: str
    actor: str


@dataclass(frozen=True)
class DeletingDeps:
    """What deleting needs. `pool`: role pm_worker."""

    pool: Pool
    decider: AsyncDecider
    clock: Callable[[], datetime]
    rows_at_once: int = ROWS_AT_ONCE


class Deleting:
    """Takes up what is due. Two at once do no harm."""

    def __init__(self, deps: DeletingDeps) -> None:
        self._deps = deps
        self._steps = {"erasure": self._tell_erasure, "deletion": self._delete}

    async def look(self) -> int:
        """Do what is due now; how many duties came to their end."""
        values = {"now": self._deps.clock(), "most": DUTIES_AT_ONCE}
        async with self._deps.pool.connection() as conn:
            found = await (await conn.execute(SQL["due"], values)).fetchall()
        return sum([await self._one(Duty(*row)) for row in found])

    async def _one(self, duty: Duty) -> bool:
        try:
            await self._steps[duty.kind](duty)
        except Refused:  # it holds up nobody else's
            log.exception("duty_refused", kind=duty.kind, tenant_id=duty.tenant_id)
            return False
        async with self._deps.pool.connection() as conn, tenant_tx(conn, duty.tenant_id):
            await conn.execute(SQL["done"], asdict(duty))
        log.info("duty_done", kind=duty.kind, tenant_id=duty.tenant_id, subject=duty.subject)
        return True

    async def _tell_erasure(self, duty: Duty) -> None:
        """The vault forgot already; its transaction left the duty."""
        decide = partial(lead_list.erase_contact, tenant_id=duty.tenant_id, contact_id=duty.subject)
        await self._decide(duty, lead_list, lead_list.contact_stream(duty.subject), decide)

    async def _delete(self, duty: Duty) -> None:
        """Campaigns end, rows go, keys first; then the log is told, and the duty goes last."""
        now, stream = self._deps.clock(), tenant.stream(duty.tenant_id)
        if not await self._asked_for(duty, stream, now):
            return
        await self._cancel_campaigns(duty)
        while await self._destroy(duty, now):
            pass
        await self._decide(duty, tenant, stream, partial(tenant.delete, now=now))

    async def _asked_for(self, duty: Duty, stream: str, now: datetime) -> bool:
        """Whether it is to be destroyed. Raises WrongState before its time."""
        asked = True

        def ask(state: tenant.State) -> tuple[()]:
            nonlocal asked
            asked = state.deleted or state.deletion_due_at is not None
            if asked and not state.deleted:
                tenant.require_due(state, now)
            return ()

        await self._decide(duty, tenant, stream, ask)
        return asked

    async def _cancel_campaigns(self, duty: Duty) -> None:
        values = {"tenant_id": duty.tenant_id}
        async with self._deps.pool.connection() as conn:
            rows = await (await conn.execute(SQL["unfinished_campaigns"], values)).fetchall()
        for (campaign_id,) in rows:
            decide = partial(campaign.cancel, reason="its tenant is deleted")
            await self._decide(duty, campaign, campaign.stream(campaign_id), decide)

    async def _destroy(self, duty: Duty, now: datetime) -> int:
        values = {"now": now, "most": self._deps.rows_at_once}
        async with self._deps.pool.connection() as conn, tenant_tx(conn, duty.tenant_id):
            row = await (await conn.execute(SQL["destroy"], values)).fetchone()
        return int(row[0]) if row else 0

    async def _decide(self, duty: Duty, aggregate: Any, stream: str, decide: Any) -> None:
        await self._deps.decider.transact(
            stream,
            aggregate.initial,
            aggregate.evolve,
            decide,
            tenant_id=duty.tenant_id,
            actor=duty.actor,
        )


def install(app: StreamRuntime, deps: DeletingDeps) -> None:
    """Put the timer on the app."""
    timers.every(app, LOOK_EVERY_S, "deleting", Deleting(deps).look)
