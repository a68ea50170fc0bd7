"""The runner on real Kafka and Postgres: exactly once, poison aside, never against another log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from adapters import kafka_log, postgres
from adapters.dead_letters import KafkaDeadLetters
from adapters.kafka_log import Draft, KafkaLog
from domain.event import Recorded, Topic
from domain.tenant import TenantCreated
from projections import status
from projections.cursors import OtherLog, Overtaken
from projections.fold import Connection
from projections.runner import Place, Reader
from projections.session import Session, opened

pytestmark = pytest.mark.stack
DEADLINE_S = 20.0


class Names:
    """A fold for tests: one row per event, with no protection of its own against counting twice."""

    reader = "names"
    topics = (Topic.DECISIONS,)
    handles: frozenset[str] | None = None

    def __init__(self) -> None:
        self.spoiled: list[str] = []

    async def apply(self, conn: Connection, records: Sequence[Recorded]) -> None:
        for record in records:
            tenant_id = getattr(record.event, "tenant_id", "")
            if tenant_id == "ten_refused":
                raise ValueError("this tenant cannot be folded")
            await conn.execute("INSERT INTO rm.names VALUES (%s)", (tenant_id,))

    async def poisoned(self, conn: Connection, subject: str, reason: str) -> None:  # noqa: ARG002
        self.spoiled.append(subject)


@pytest.fixture
def place(dsn: str, server: dict[str, str], log_prefix: str) -> Place:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("CREATE TABLE rm.names (tenant_id text)")
        conn.execute("GRANT ALL ON rm.names TO pm_projector")
    return Place(dsn, server["bootstrap"], log_prefix)


@pytest.fixture
async def letters(place: Place) -> AsyncIterator[KafkaDeadLetters]:
    async with KafkaDeadLetters(place.bootstrap, place.prefix, "projections") as found:
        yield found


async def tell(place: Place, tenants: Sequence[str], first_pos: int = 1) -> None:
    """Append tenants to pm.decisions, as the relay does."""
    drafts = [
        Draft("pm.decisions", TenantCreated(tenant_id=t), kafka_log.now_meta(t), subject=t, pos=pos)
        for pos, t in enumerate(tenants, start=first_pos)
    ]
    async with KafkaLog(place.bootstrap, place.prefix) as log:
        await log.append(drafts)


def names(place: Place) -> list[str]:
    with psycopg.connect(place.dsn) as conn:
        rows = conn.execute("SELECT tenant_id FROM rm.names ORDER BY 1").fetchall()
    return [name for (name,) in rows]


async def until(holds: Callable[[], Any], deadline_s: float = DEADLINE_S) -> None:
    async with asyncio.timeout(deadline_s):
        while not holds():  # noqa: ASYNC110 - the condition lies in Postgres
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running(reader: Reader) -> AsyncIterator[asyncio.Task[None]]:
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(reader.run(stop, ready.set))
    done, _ = await asyncio.wait(
        {task, asyncio.create_task(ready.wait())},
        timeout=DEADLINE_S,
        return_when=asyncio.FIRST_COMPLETED,
    )
    assert done
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait({task}, timeout=DEADLINE_S)


def end_connections(place: Place) -> int:
    """As an outage does: every reader's connection breaks, whatever it was doing."""
    with psycopg.connect(place.dsn, autocommit=True) as conn:
        ended = conn.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'pm_projector' AND datname = current_database()"
        ).fetchone()
    return int(ended[0]) if ended else 0


async def test_i3_each_event_counts_once_through_outages_and_two_readers(
    place: Place, letters: KafkaDeadLetters
) -> None:
    """Connections die while two readers compete; every event still makes exactly one row."""
    wanted = [f"ten_{number:04}" for number in range(400)]
    async with (
        running(Reader.of(Names(), place, letters)),
        running(Reader.of(Names(), place, letters)),
    ):
        for start in range(0, 400, 50):
            await tell(place, wanted[start : start + 50], first_pos=start + 1)
            await until(lambda: end_connections(place))
        await until(lambda: len(names(place)) >= 400)

        await tell(place, ["ten_last"], first_pos=401)
        await until(lambda: "ten_last" in names(place))

    assert names(place) == [*wanted, "ten_last"]


async def test_i3_a_reader_that_was_overtaken_commits_nothing(place: Place) -> None:
    """Somebody moved the cursor after it polled: its transaction is void, rows and all."""
    await tell(place, ["ten_a"])
    async with (
        await postgres.connect(place.dsn, "pm_projector") as conn,
        opened(place, conn, Names(), None) as session,
    ):
        with psycopg.connect(place.dsn, autocommit=True) as other:
            other.execute("UPDATE app.cursor SET next_offset = next_offset + 1")

        with pytest.raises(Overtaken):
            await _read_on(session)

    assert names(place) == []


async def _read_on(session: Session) -> None:
    for _ in range(20):
        await session.step()


async def test_i2_a_position_told_twice_is_applied_once(
    place: Place, letters: KafkaDeadLetters
) -> None:
    """The relay may append a record again after a crash; `pos` says that it is the same."""
    async with running(Reader.of(Names(), place, letters)):
        await tell(place, ["ten_x", "ten_x"], first_pos=1)
        await tell(place, ["ten_x", "ten_x", "ten_x"], first_pos=1)
        await until(lambda: len(names(place)) >= 3)

    assert names(place) == ["ten_x"] * 3


class Deaf(Names):
    """A fold that has no use for what is told."""

    handles = frozenset({"TenantSuspended"})


async def test_a_position_is_reached_by_a_reader_that_has_no_use_for_what_stands_there(
    place: Place, letters: KafkaDeadLetters
) -> None:
    """Whoever waits for its own write (`min_position`) waits for each reader to be past it."""

    def reached() -> bool:
        with psycopg.connect(place.dsn) as conn:
            found = conn.execute("SELECT max(last_pos) FROM app.cursor").fetchone()
        return found == (7,)

    async with running(Reader.of(Deaf(), place, letters)):
        await tell(place, ["ten_x", "ten_x"], first_pos=6)
        await until(reached)

    assert names(place) == []


async def test_poison_goes_to_the_dead_letters_and_the_partition_moves_on(
    place: Place, letters: KafkaDeadLetters
) -> None:
    """Undecodable, unknown and refused records are kept with their place and reason."""
    fold = Names()
    await _produce(place, b"{not json", "TenantCreated", "bat_1")
    await _produce(place, b"{}", "NobodyKnows", "bat_2")
    await tell(place, ["ten_good", "ten_refused", "ten_better"])

    async with running(Reader.of(fold, place, letters)):
        await until(lambda: len(names(place)) == 2)

    assert names(place) == ["ten_better", "ten_good"]
    assert set(fold.spoiled) == {"bat_1", "bat_2", "ten_refused"}
    kept = await _letters(place)
    assert len(kept) >= 3
    origins = {dict(record.headers)["dlq_origin"].decode() for record in kept}
    assert all(origin.startswith(f"{place.prefix}pm.decisions/") for origin in origins)
    reasons = b" ".join(dict(record.headers)["dlq_reason"] for record in kept)
    assert all(said in reasons for said in (b"NobodyKnows", b"cannot be folded", b"undecodable"))


async def test_a_record_in_a_topic_of_others_goes_to_the_dead_letters(
    place: Place, letters: KafkaDeadLetters
) -> None:
    """Nobody would read it there: passed over by all, it would be lost without a word."""
    fold = Names()
    fold.handles = frozenset({"TenantCreated"})
    await _produce(place, b"{}", "SliceReleased", "bat_1")
    await _produce(place, b"{}", "SendingIpAdded", "ip_of_use_to_others")
    await tell(place, ["ten_good"])

    async with running(Reader.of(fold, place, letters)):
        await until(lambda: names(place) == ["ten_good"])

    assert fold.spoiled == ["bat_1"]
    (kept,) = await _letters(place)
    assert b"misplaced: SliceReleased" in dict(kept.headers)["dlq_reason"]


async def test_a_cursor_of_another_log_is_refused(place: Place, letters: KafkaDeadLetters) -> None:
    """Kafka was replaced: reading on would skip or repeat, so the reader stops and says so."""
    async with running(Reader.of(Names(), place, letters)):
        await tell(place, ["ten_a"])
        await until(lambda: names(place))
    with psycopg.connect(place.dsn, autocommit=True) as conn:
        conn.execute("UPDATE app.cursor SET log_id = 'evt_another' WHERE part = 2")
    assert len(await status.problems(place)) == 1

    with pytest.raises(OtherLog, match="was replaced"):
        await Reader.of(Names(), place, letters).run(asyncio.Event())


async def test_a_log_that_ends_before_the_cursor_is_refused(
    place: Place, letters: KafkaDeadLetters
) -> None:
    """Kafka was restored to an older state than what Postgres has applied."""
    async with running(Reader.of(Names(), place, letters)):
        assert await status.problems(place) == []
    with psycopg.connect(place.dsn, autocommit=True) as conn:
        conn.execute("UPDATE app.cursor SET next_offset = 1000 WHERE part < 2")
    assert len(await status.problems(place)) == 2

    with pytest.raises(OtherLog, match="the log ends at"):
        await Reader.of(Names(), place, letters).run(asyncio.Event())


async def test_freshness_rises_while_nothing_happens_and_tells_the_lag(
    place: Place, letters: KafkaDeadLetters
) -> None:
    """About every second, from the log's ends, not from the arrival of records."""
    async with running(Reader.of(Names(), place, letters)):
        await until(lambda: _fresh(place, 2.0))
        first = _fresh(place, 2.0)
        await until(lambda: _fresh(place, 2.0) > first)

        assert _fresh(place, 2.0)


def _fresh(place: Place, seconds: float) -> Any:
    with psycopg.connect(place.dsn) as conn:
        row = conn.execute(
            "SELECT caught_up_at FROM app.freshness WHERE reader = 'names' AND lag_records = 0"
            " AND caught_up_at > clock_timestamp() - make_interval(secs => %s)",
            (seconds,),
        ).fetchone()
    return row[0] if row else 0


async def _produce(place: Place, value: bytes, kind: str, subject: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=place.bootstrap)
    await producer.start()
    headers = [
        ("ce_type", kind.encode()), ("v", b"1"), ("ce_id", b"evt_1"), ("tenant", b"t"),
        ("ce_time", b"2026-01-01T00:00:00.000000Z"), ("ce_subject", subject.encode()),
    ]  # fmt: skip
    try:
        await producer.send_and_wait(
            f"{place.prefix}pm.decisions", value, key=b"k", headers=headers
        )
    finally:
        await producer.stop()


async def _letters(place: Place) -> list[Any]:
    consumer = AIOKafkaConsumer(
        f"{place.prefix}pm.projections.dlq",
        bootstrap_servers=place.bootstrap,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        found = await consumer.getmany(timeout_ms=5000)
        return [record for records in found.values() for record in records]
    finally:
        await consumer.stop()
