"""A timer: sending domains whose look is due → their DNS is looked at (pm.decisions)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from adapters.postgres import named_sql
from domain.event import Topic
from streams import timers
from streams.runtime import StreamRuntime

READS: tuple[Topic, ...] = ()
WRITES = (Topic.DECISIONS,)
BACKED_BY = (
    "vault.domain_care: a row of each domain says when its next look is due; a look that broke off"
    " is due again, and finding the same again decides nothing"
)

LOOK_EVERY_S = 5.0
DUE_AT_ONCE = 40
SQL = named_sql(Path(__file__).with_name("tending.sql"))

log = structlog.get_logger(__name__)

#: Does what is due for (tenant, domain); says what became of it.
Tend = Callable[[str, str], str]


@dataclass(frozen=True)
class TendingDeps:
    """What tending needs. `pool`: role pm_worker; `tend` blocks.

    `threads` are its own, so that a name server that does not answer holds up nothing else.
    """

    pool: AsyncConnectionPool[AsyncConnection[Any]]
    tend: Tend
    threads: Executor


class Tending:
    """Looks at the domains that are due, the longest due first."""

    def __init__(self, deps: TendingDeps) -> None:
        self._deps = deps

    async def look(self) -> None:
        """One turn. What fails of one domain is told, and does not keep the others waiting."""
        async with self._deps.pool.connection() as conn:
            due = await (await conn.execute(SQL["due"], {"most": DUE_AT_ONCE})).fetchall()
        await asyncio.gather(*(self._tend(*row) for row in due))

    async def _tend(self, tenant_id: str, domain_id: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            tend = self._deps.tend
            became = await loop.run_in_executor(self._deps.threads, tend, tenant_id, domain_id)
        except Exception:
            log.exception("domain_not_tended", tenant_id=tenant_id, domain_id=domain_id)
            return
        log.info("domain_tended", tenant_id=tenant_id, domain_id=domain_id, became=became)


def install(app: StreamRuntime, deps: TendingDeps) -> None:
    """Put the tending timer on the app."""
    timers.every(app, LOOK_EVERY_S, "tending", Tending(deps).look)
