"""Keeps a fold up with the log: one active reader, others stand by; outages are waited out."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Self

import psycopg
import structlog
from aiokafka.errors import KafkaError

from adapters import postgres
from adapters.kafka_log import LogUnavailable
from domain.ports import DeadLetters
from projections.cursors import OtherLog, Overtaken
from projections.fold import Connection, Fold
from projections.session import FoldBroken, Place, Session, opened

__all__ = ["Fold", "FoldBroken", "OtherLog", "Place", "Reader"]

REPORT_EVERY_S = 1.0
#: What comes within this time of other records is folded together: fewer, larger transactions.
GATHER_S = 0.1
STANDBY_EVERY_S = 0.5
PAUSE_S, PAUSE_MAX_S = 0.1, 2.0
#: Kafka or Postgres is away: waited for as long as it takes.
OUTAGES = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.InternalError,  # a server that fails over answers "read-only transaction"
    KafkaError,
    LogUnavailable,
    OSError,
    TimeoutError,
)

log = structlog.get_logger(__name__)

Resolve = Callable[[Connection], Awaitable[Fold]]
Ready = Callable[[], None]


class Reader:
    """Applies one fold to all partitions of its topics, for as long as it is let.

    `name` is what its owners hold an advisory lock on; `resolve` says at the start of each session
    which fold it is (a read model's version may have been swapped meanwhile).
    """

    def __init__(
        self, name: str, resolve: Resolve, place: Place, letters: DeadLetters | None
    ) -> None:
        self._name = name
        self._resolve = resolve
        self._place = place
        self._letters = letters
        self._pause_s = PAUSE_S

    @classmethod
    def of(cls, fold: Fold, place: Place, letters: DeadLetters | None) -> Self:
        """A reader whose fold never changes."""

        async def same(_: Connection) -> Fold:
            return fold

        return cls(fold.reader, same, place, letters)

    async def run(self, stop: asyncio.Event, ready: Ready = lambda: None) -> None:
        """Read until `stop`. `ready` is called once it reads or stands by.

        Survives restarts of Kafka and Postgres. Raises OtherLog when cursor and log do not belong
        together, and FoldBroken when the fold refuses everything.
        """
        while not stop.is_set():
            try:
                await self._serve(stop, ready)
            except Overtaken:
                log.warning("reader_overtaken", reader=self._name)
            except OUTAGES as error:
                log.warning("reader_waits", reader=self._name, error=repr(error))
                await wait(stop, self._pause_s)
                self._pause_s = min(PAUSE_MAX_S, self._pause_s * 2)

    async def _serve(self, stop: asyncio.Event, ready: Ready) -> None:
        """One session: connect, wait to be the active one, read."""
        async with await postgres.connect(
            self._place.dsn, "pm_projector", connect_timeout=5
        ) as conn:
            while not await lock(conn, self._name):
                ready()
                if await wait(stop, STANDBY_EVERY_S):
                    return
            fold = await self._resolve(conn)
            async with opened(self._place, conn, fold, self._letters) as session:
                if (await self._resolve(conn)).reader != fold.reader:
                    raise Overtaken(fold.reader)  # swapped while the session was being opened
                log.info("reader_reads", reader=fold.reader)
                ready()
                await self._read(session, stop)

    async def _read(self, session: Session, stop: asyncio.Event) -> None:
        due = 0.0
        while not stop.is_set():
            applied = await session.step()
            self._pause_s = PAUSE_S
            if session.goal_reached or time.monotonic() >= due:
                due = time.monotonic() + REPORT_EVERY_S
                await session.report()
            if applied and session.up_to_date:
                await wait(stop, GATHER_S)


async def lock(conn: Connection, name: str) -> bool:
    """Try to become the one owner of this name, for as long as the connection lives."""
    digest = hashlib.blake2b(name.encode(), digest_size=8, person=b"pm-reader").digest()
    key = int.from_bytes(digest, "big", signed=True)
    row = await (await conn.execute("SELECT pg_try_advisory_lock(%s)", (key,))).fetchone()
    return bool(row and row[0])


async def wait(stop: asyncio.Event, seconds: float) -> bool:
    """Wait, but not past `stop`; whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
    return stop.is_set()
