"""A timer: blocklists and names of IPs and domains that are due → what changed (pm.signals)."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from psycopg import AsyncConnection
from psycopg.rows import namedtuple_row
from psycopg_pool import AsyncConnectionPool

from adapters.kafka_log import Draft
from adapters.postgres import named_sql
from domain.event import Event, Meta, Topic
from domain.ids import deriver
from domain.ports import EventLog
from domain.reputation.ports import DnsUnanswered, Watcher
from domain.watching import Patience, Watched, heard
from streams import timers
from streams.runtime import StreamRuntime

READS: tuple[Topic, ...] = ()
WRITES = (Topic.SIGNALS,)
BACKED_BY = (
    "pipeline.watched: a row per question keeps the answers, when it is due, and what is decided to"
    " be told until the log has it; telling it twice has the same id"
)

LOOK_EVERY_S = 15.0
AT_ONCE = 60
REPEAT_S = 86_400.0  # bad news that lasts is told anew
LEASE_S = 120.0  # a question that is asked: who forgets it leaves it to the next
SQL = named_sql(Path(__file__).with_name("watching.sql"))

log = structlog.get_logger(__name__)

Pool = AsyncConnectionPool[AsyncConnection[Any]]


@dataclass(frozen=True)
class Question:
    """One thing that is asked about each IP, or each domain."""

    name: str
    kind: str  # ip or domain
    watcher: Watcher
    every_s: float
    patience: Patience
    event: Callable[[str, str, str], Event]  # of (tenant, about, answer)
    is_for: Callable[[str], bool]  # whether a subject is asked about at all
    soon_s: float = 0.0  # bad news that is not believed yet is looked at again so soon


@dataclass(frozen=True)
class WatchingDeps:
    """What the watch needs. `pool`: role pm_worker."""

    pool: Pool
    log: EventLog
    questions: Mapping[str, Question]  # by name
    id_key: str
    enrol_every_s: float = 0.0  # new subjects are looked for among all tenants' so often


class Watching:
    """Asks what is due, and tells what changed and lasted."""

    def __init__(self, deps: WatchingDeps) -> None:
        self._deps = deps
        self._event_id = deriver(deps.id_key.encode(), "evt")
        self._enrol_at = 0.0

    async def look(self) -> None:
        """One turn. What fails of one question is told, and keeps no other waiting."""
        await self.tell()
        await asyncio.gather(*(self._ask(row) for row in await self._take()))
        await self.tell()

    async def tell(self) -> None:
        """Put what is decided into the log; what the log may have already has the same id."""
        async with self._deps.pool.connection() as conn:
            cursor = conn.cursor(row_factory=namedtuple_row)
            rows: list[Any] = await (
                await cursor.execute(SQL["untold"], {"most": AT_ONCE})
            ).fetchall()
        known = [row for row in rows if row.question in self._deps.questions]
        if not known:
            return
        await self._deps.log.append([self._draft(row) for row in known])
        async with self._deps.pool.connection() as conn:
            for row in known:
                await conn.execute(SQL["told"], row._asdict())

    def _draft(self, row: Any) -> Draft:
        event = self._deps.questions[row.question].event(row.tenant_id, row.about_id, row.told)
        return Draft(Topic.SIGNALS, event, self._meta(row), subject=row.about_id)

    def _meta(self, row: Any) -> Meta:
        told_at: datetime = row.told_at
        event_id = self._event_id("watched", row.about_id, row.question, told_at.isoformat())
        return Meta(id=event_id, time=told_at, tenant_id=row.tenant_id)

    async def _take(self) -> list[Any]:
        questions = list(self._deps.questions.values())
        names = [each.name for each in questions]
        kinds = [each.kind for each in questions]
        async with self._deps.pool.connection() as conn:
            if time.monotonic() >= self._enrol_at:
                await conn.execute(SQL["dismiss"])
                await conn.execute(SQL["enrol"], {"questions": names, "kinds": kinds})
                self._enrol_at = time.monotonic() + self._deps.enrol_every_s
            cursor = conn.cursor(row_factory=namedtuple_row)
            taken = {"questions": names, "most": AT_ONCE, "lease_s": LEASE_S}
            return await (await cursor.execute(SQL["take"], taken)).fetchall()

    async def _ask(self, row: Any) -> None:
        question = self._deps.questions[row.question]
        if not question.is_for(row.subject):
            await self._note("unheard", row, problem="not public", again_s=question.every_s)
            return
        try:
            answer = await question.watcher.ask(row.subject)
        except DnsUnanswered as why:
            log.warning("not_answered", about_id=row.about_id, question=row.question, why=str(why))
            await self._note("unheard", row, problem=str(why), again_s=_again_s(question, row))
            return
        except Exception:
            log.exception("not_asked", about_id=row.about_id, question=row.question)
            return
        before = Watched(row.answer, row.in_row, row.told)
        after, news = heard(before, answer, question.patience)
        doubted = bool(answer) and not after.told and question.soon_s
        again_s = question.soon_s if doubted else _again_s(question, row)
        found = {"answer": answer, "in_row": after.in_row, "told": after.told, "news": news}
        await self._note("heard", row, **found, again_s=again_s, repeat_s=REPEAT_S)
        if news:
            log.info("found", about_id=row.about_id, question=row.question, answer=answer)

    async def _note(self, statement: str, row: Any, **values: Any) -> None:
        own = {"about_id": row.about_id, "question": row.question, "lease": row.due_at}
        async with self._deps.pool.connection() as conn:
            await conn.execute(SQL[statement], own | values)


def _again_s(question: Question, row: Any) -> float:
    """About its interval: spread by the ids, so that not all is asked at once."""
    share = zlib.crc32(f"{row.about_id} {question.name}".encode()) / 2**32
    return question.every_s * (0.9 + 0.2 * share)


def install(app: StreamRuntime, deps: WatchingDeps) -> None:
    """Put the watch's timer on the app."""
    timers.every(app, LOOK_EVERY_S, "watching", Watching(deps).look)
