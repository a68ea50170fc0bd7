"""A timer: what mailbox providers tell of our mail, a day at a time (pm.signals)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import structlog
from psycopg import AsyncConnection
from psycopg.rows import namedtuple_row
from psycopg_pool import AsyncConnectionPool

from adapters.kafka_log import Draft
from adapters.postgres import named_sql
from domain.event import Meta, Topic
from domain.ids import deriver
from domain.ports import EventLog
from domain.reputation.ports import FeedAnswer, FeedRefused, FeedUnavailable, ReputationFeed
from domain.signals import SpamShareReported
from streams import timers
from streams.runtime import StreamRuntime

READS: tuple[Topic, ...] = ()
WRITES = (Topic.SIGNALS,)
BACKED_BY = (
    "pipeline.feed_report: a row for each day and IP or domain, told until the log has it, under an"
    " id that is made of both; pipeline.feed says when to ask again and what was wrong"
)

LOOK_EVERY_S = 60.0
EVERY_S = 6 * 3600.0
LEASE_S = 1800.0  # reading takes as long: who dies over it leaves it to the next
DAYS = 7  # that are asked for each time: providers tell late
MOST = 200
SQL = named_sql(Path(__file__).with_name("feeding.sql"))

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class FeedingDeps:
    """What it needs. `pool`: role pm_worker; `today`: the UTC day."""

    pool: AsyncConnectionPool[AsyncConnection[Any]]
    log: EventLog
    feeds: Mapping[str, ReputationFeed]  # those that are configured, by name
    id_key: str
    today: Callable[[], date]


class Feeding:
    """Reads what is due, a feed a turn, and tells what is new."""

    def __init__(self, deps: FeedingDeps) -> None:
        self._deps = deps
        self._event_id = deriver(deps.id_key.encode(), "evt")

    async def look(self) -> None:
        """One turn."""
        await self.tell()
        name = await self._take()
        if name:
            await self._read(self._deps.feeds[name])
            await self.tell()

    async def tell(self) -> None:
        """Put reports into the log; what the log may have already has the same id."""
        async with self._deps.pool.connection() as conn:
            cursor = conn.cursor(row_factory=namedtuple_row)
            rows: list[Any] = await (await cursor.execute(SQL["untold"], {"most": MOST})).fetchall()
        if not rows:
            return
        await self._deps.log.append([self._draft(row) for row in rows])
        async with self._deps.pool.connection() as conn:
            for row in rows:
                await conn.execute(SQL["told"], row._asdict())

    def _draft(self, row: Any) -> Draft:
        event_id = self._event_id("feed", row.feed, row.about_id, row.day.isoformat())
        event = SpamShareReported(
            tenant_id=row.tenant_id,
            about_id=row.about_id,
            provider=row.provider,
            day=row.day,
            share_ppm=row.share_ppm,
            messages=row.messages,
            traps=row.traps,
            verdict=row.verdict,
            source=row.feed,
        )
        meta = Meta(id=event_id, time=row.reported_at, tenant_id=row.tenant_id)
        return Draft(Topic.SIGNALS, event, meta, subject=row.about_id)

    async def _take(self) -> str:
        feeds = list(self._deps.feeds)
        async with self._deps.pool.connection() as conn:
            await conn.execute(SQL["know"], {"feeds": feeds})
            taken = {"feeds": feeds, "lease_s": LEASE_S}
            row = await (await conn.execute(SQL["take"], taken)).fetchone()
            return str(row[0]) if row else ""

    async def _read(self, feed: ReputationFeed) -> None:
        problem, again_s, answer = "", EVERY_S, None
        known = await self._subjects(feed.kind)
        until = self._deps.today() - timedelta(1)
        since = until - timedelta(DAYS - 1)
        try:
            answer = await asyncio.to_thread(feed.read, list(known), since, until)
            problem = "; ".join(answer.problems)
        except FeedRefused as refused:
            problem = str(refused)
        except FeedUnavailable as away:
            problem, again_s = str(away), away.after_s
        if problem:
            log.warning("feed_has_a_problem", feed=feed.name, problem=problem)
        await self._keep(feed, answer, known)
        noted = {"feed": feed.name, "problem": problem, "again_s": again_s}
        async with self._deps.pool.connection() as conn:
            await conn.execute(SQL["read"], noted | {"answered": answer is not None})

    async def _subjects(self, kind: str) -> dict[str, tuple[str, str]]:
        async with self._deps.pool.connection() as conn:
            rows = await (await conn.execute(SQL["subjects"], {"kind": kind})).fetchall()
        return {subject: (tenant_id, about_id) for tenant_id, about_id, subject in rows}

    async def _keep(
        self,
        feed: ReputationFeed,
        answer: FeedAnswer | None,
        known: Mapping[str, tuple[str, str]],
    ) -> None:
        async with self._deps.pool.connection() as conn:
            for share in answer.shares if answer else ():
                if share.subject in known:  # nobody else's day is any of our business
                    tenant_id, about_id = known[share.subject]
                    own = {"feed": feed.name, "tenant_id": tenant_id, "about_id": about_id}
                    await conn.execute(SQL["report"], asdict(share) | own)


def install(app: StreamRuntime, deps: FeedingDeps) -> None:
    """Put the timer of the feeds on the app."""
    timers.every(app, LOOK_EVERY_S, "feeding", Feeding(deps).look)
