"""Keeps the wordings that no rule knows, for `penguin rules unknown`. Loses them at a crash."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from adapters.postgres import named_sql
from domain.ports import Reply
from domain.replies.ruleset import VERSION
from domain.replies.shape import shape
from streams.dispatching.outcomes import Finding

FLUSH_EVERY_S = 5.0
SHAPES_MAX = 500  # kept in memory between two flushes; what is beyond is not kept
ROWS_MAX = 10_000  # kept in the table
SQL = named_sql(Path(__file__).with_suffix(".sql"))

log = structlog.get_logger(__name__)


class Unknown(NamedTuple):
    """A reply without what is its own."""

    provider: str
    phase: str
    code: int
    shape: str
    enhanced: str
    reason: str
    rule: str


class UnknownReplies:
    """Counts shapes; `run` writes them now and then."""

    def __init__(self) -> None:
        self._seen: Counter[Unknown] = Counter()

    def note(self, finding: Finding, reply: Reply, provider: str, personal: Iterable[str]) -> None:
        """Count this reply if no rule about wordings or status codes decided its class."""
        if not finding.unknown:
            return
        found = Unknown(
            provider,
            finding.phase,
            finding.code,
            shape(reply.text, personal),
            finding.enhanced,
            finding.reason,
            finding.rule,
        )
        if found in self._seen or len(self._seen) < SHAPES_MAX:
            self._seen[found] += 1

    async def run(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        """Write what is counted, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            await self.flush(pool)

    async def flush(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        """Write it now. What cannot be written is tried again with the next."""
        seen, self._seen = self._seen, Counter()
        if not seen:
            return
        rows = [
            {**found._asdict(), "rules_version": VERSION, "seen": times, "rows_max": ROWS_MAX}
            for found, times in seen.items()
        ]
        try:
            async with pool.connection() as conn, conn.cursor() as cursor:
                await cursor.executemany(SQL["keep"], rows)
        except psycopg.Error as error:
            self._seen.update(seen)
            log.warning("unknown_replies_wait", shapes=len(rows), error=type(error).__name__)
