"""The relay: carries decisions from the event store into Kafka's `pm.decisions`, in order.

Its cursor in Postgres only spares it a scan: what Kafka's own tail already holds is skipped, so
that a relay that died anywhere goes on without a gap. A relay that was paused and lost its lock may
still append old records; their `pos` does not rise, and readers drop them (I2).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import structlog
from aiokafka.errors import KafkaError
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from adapters import postgres
from adapters.decisions_topic import DecisionsTopic, StoredDecision, Tail
from adapters.kafka_log import LogUnavailable

SQL = postgres.named_sql(Path(__file__).with_suffix(".sql"))
ROLE = "pm_projector"  # reads every tenant's decisions, and changes none
LOCK = 7700100  # advisory, of the database
BATCH_SIZE = 1000  # decisions
POLL_S = 0.5  # LISTEN tells of each commit; this is for one that was told to nobody
STAND_BY_S = 0.2
WATCH_EVERY_S = 0.5
PAUSE_S = 0.3  # between an outage and the next try

#: Postgres or Kafka is away: the relay waits for them.
OUTAGES = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    KafkaError,
    LogUnavailable,
    OSError,
    TimeoutError,
)

log = structlog.get_logger(__name__)
Connection = AsyncConnection[TupleRow]


class Restored(Exception):  # noqa: N818 - a finding
    """Event store and log do not tell the same history; nothing is relayed (design-fixes.md 6)."""


class RestoredStore(Restored):
    """Kafka holds decisions that the event store lacks or tells otherwise."""


class RestoredLog(Restored):
    """The event store relayed decisions to a log that Kafka does not hold."""


class Relay:
    """One relay of a database is active; others stand by until its connection ends."""

    def __init__(self, dsn: str, bootstrap: str, prefix: str = "") -> None:
        self._dsn = dsn
        self._bootstrap = bootstrap
        self._prefix = prefix

    async def run(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Carry until `stop`. `ready` is called, once, when it carries or stands by.

        Waits out outages of Postgres and Kafka. Raises Restored, and Wedged when only the end of
        the process can help.
        """
        told: list[bool] = []

        def tell() -> None:
            if not told:
                told.append(True)
                ready()

        while not stop.is_set():
            try:
                await self._serve(stop, tell)
            except OUTAGES as error:
                log.warning("relay_interrupted", error=repr(error))
                await _pause(stop, PAUSE_S)

    async def _serve(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        async with await postgres.connect(self._dsn, ROLE) as conn:
            if not await _become_active(conn, stop, ready):
                return
            async with _opened(conn, DecisionsTopic(self._bootstrap, self._prefix)) as topic:
                after, tails = await _compare(conn, topic)
                ready()
                log.info("relay_active", after=after)
                await _carry(conn, topic, after, tails, stop)


async def _become_active(conn: Connection, stop: asyncio.Event, ready: Callable[[], None]) -> bool:
    """Wait for the lock; False when asked to stop first."""
    while not stop.is_set():
        row = await (await conn.execute(SQL["lock"], {"lock": LOCK})).fetchone()
        if row and row[0]:
            return True
        ready()
        await _pause(stop, STAND_BY_S)
    return False


@asynccontextmanager
async def _opened(conn: Connection, topic: DecisionsTopic) -> AsyncIterator[DecisionsTopic]:
    """The topic, watched; while it cannot be opened, nobody decides."""
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(topic)
        except OUTAGES as error:
            await _tell(conn, f"{type(error).__name__} at connecting")
            raise
        await stack.enter_async_context(_watching(conn, topic))
        yield topic


@asynccontextmanager
async def _watching(conn: Connection, topic: DecisionsTopic) -> AsyncIterator[None]:
    """Meanwhile say in Postgres whether the log takes decisions (ADR 0013)."""
    watching = asyncio.create_task(_watch(conn, topic))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(conn: Connection, topic: DecisionsTopic) -> None:
    """An outage of Postgres ends it, as it ends the carrying. One bad look alone may be a pause."""
    told, before = None, ""
    while True:
        why = await topic.objection()
        if why != told and bool(why) == bool(before):
            await _tell(conn, why)
            told = why
        before = why
        await asyncio.sleep(WATCH_EVERY_S)


async def _tell(conn: Connection, why: str) -> None:
    if (await conn.execute(SQL["log_away"], {"why": why})).rowcount:
        log.warning("log_away", why=why) if why else log.info("log_back")


async def _compare(conn: Connection, topic: DecisionsTopic) -> tuple[int, dict[int, Tail]]:
    """Where to go on, once store and log are found to tell one history. Raises Restored."""
    row = await (await conn.execute(SQL["standing"])).fetchone()
    last_pos, known_log = row or (0, "")
    log_id, tails = await topic.look()
    if known_log not in {"", log_id}:
        raise RestoredLog(
            f"the event store was relayed to log {known_log}, but Kafka holds log {log_id};"
            " point at the log that belongs to this database, or restore it"
        )
    for partition, tail in tails.items():
        if tail.pos:
            await _compare_tail(conn, partition, tail)
    end = max(tail.pos for tail in tails.values())
    if last_pos > end and not await topic.holds(last_pos):
        raise RestoredLog(
            f"decisions were relayed up to {last_pos}, but Kafka's log ends at {end}:"
            " it lost records; restore it from a copy that has them"
        )
    await conn.execute(SQL["agree"], {"log_id": log_id})
    return last_pos, tails


async def _compare_tail(conn: Connection, partition: int, tail: Tail) -> None:
    row = await (await conn.execute(SQL["event_at"], {"pos": tail.pos})).fetchone()
    if row is None:
        raise RestoredStore(
            f"Kafka's partition {partition} ends with decision {tail.pos}, which the event store"
            " lacks: Postgres was restored; copy the missing decisions back before going on"
        )
    if row[0] != tail.event_id:
        raise RestoredStore(
            f"decision {tail.pos} is {tail.event_id} in Kafka, but {row[0]} in the event store:"
            " Postgres was restored and went its own way; restore a copy that agrees"
        )


async def _carry(
    conn: Connection,
    topic: DecisionsTopic,
    after: int,
    tails: dict[int, Tail],
    stop: asyncio.Event,
) -> None:
    await conn.execute(SQL["listen"])
    while not stop.is_set():
        decisions = await _batch(conn, after)
        if not decisions:
            await _wait_for_news(conn)
            continue
        await topic.append(
            [one for one in decisions if one.pos > tails[topic.partition_of(one)].pos]
        )
        after = decisions[-1].pos
        await conn.execute(SQL["advance"], {"pos": after})


async def _batch(conn: Connection, after: int) -> list[StoredDecision]:
    async with conn.cursor(row_factory=class_row(StoredDecision)) as cursor:
        await cursor.execute(SQL["batch"], {"after": after, "size": BATCH_SIZE})
        return await cursor.fetchall()


async def _wait_for_news(conn: Any) -> None:
    """Takes all that was told meanwhile: one look at the store answers them all."""
    async for _ in conn.notifies(timeout=POLL_S, stop_after=1):
        continue


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
