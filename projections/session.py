"""One reader at work: polls the log, folds each poll and moves the cursor in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from adapters import codec, kafka_log
from adapters.codec import Undecodable
from domain.event import REGISTRY, Recorded
from domain.ports import DeadLetters
from projections import cursors
from projections.cursors import Position, Positions
from projections.fold import Connection, Fold

#: What a poll takes at most; a partition's share of 512 KiB bounds its bytes to some megabytes.
POLL_RECORDS_MAX = 500
FETCH_BYTES_PER_PARTITION = 512 * 1024
POLL_WAIT_MS = 250
#: A broker answers with the first record, or so late with none: an idle reader costs it little.
FETCH_WAIT_MS = 250
KAFKA_ANSWER_MAX_S = 10.0
#: Faults of a record. Everything else is an outage, or a bug that must not cost records.
FAULTS: tuple[type[Exception], ...] = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    ArithmeticError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
)
#: So many refused records with none applied between them are the fold's fault, not the records'.
REFUSED_IN_A_ROW_MAX = 100

log = structlog.get_logger(__name__)


class FoldBroken(RuntimeError):  # noqa: N818 - says what is wrong
    """The fold refuses every record: a bug. Nothing more goes to the dead letters for it."""


@dataclass(frozen=True)
class Place:
    """Where to read and where to write."""

    dsn: str
    bootstrap: str
    prefix: str = ""


@dataclass
class Poll:
    """What one poll brought: records to fold, what nobody can read, and where it ends."""

    records: list[Recorded] = field(default_factory=list)
    unreadable: list[tuple[ConsumerRecord, str]] = field(default_factory=list)
    after: Positions = field(default_factory=dict)
    raw: dict[tuple[str, int, int], ConsumerRecord] = field(default_factory=dict)


@dataclass
class Session:
    """A fold with its consumer, connection and positions; `opened` makes one."""

    fold: Fold
    conn: Connection
    letters: DeadLetters | None  # None: what is poison was kept already, by the reader before
    prefix: str
    consumer: Any
    positions: Positions
    _goal: tuple[datetime, Mapping[TopicPartition, int]] | None = None
    _refused: int = 0

    async def step(self, until: Mapping[TopicPartition, int] | None = None) -> int:
        """Apply what one poll brings, at most up to the offsets `until`; how many records it was.

        Raises Overtaken, FoldBroken, and what Kafka and Postgres raise when they are away; then
        nothing of the poll is applied and the session is of no more use.
        """
        polled = await self.consumer.getmany(timeout_ms=POLL_WAIT_MS, max_records=POLL_RECORDS_MAX)
        if until is not None:
            polled = self._cut(polled, until)
        poll = self._sort(polled)
        if not poll.after:
            return 0
        async with self.conn.transaction():
            await cursors.move(self.conn, self.fold.reader, self.positions, poll.after)
            for record, reason in poll.unreadable:
                await self._bury(record, reason)
            await self._apply(poll, poll.records)
        self.positions.update(poll.after)
        return sum(map(len, polled.values()))

    def _sort(self, polled: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> Poll:
        """Records by topic in the fold's order and, within a partition, by offset."""
        poll = Poll()
        for place in self.positions:
            if found := polled.get(self._real(place)):
                self._decode(poll, place, found)
        return poll

    def _decode(self, poll: Poll, place: TopicPartition, found: Sequence[ConsumerRecord]) -> None:
        readable = []
        for record in found:
            try:
                if self._wanted(record, place.topic):
                    readable.append(codec.recorded(record))
                    poll.raw[record.topic, record.partition, record.offset] = record
            except Undecodable as error:
                poll.unreadable.append((record, f"undecodable: {error}"))
        kept, last_pos = cursors.fresh(readable, self.positions[place].last_pos)
        # also past what the fold has no use for: whoever waits for a position waits for all before
        last_pos = max(last_pos, *(codec.pos_of(record.headers) or -1 for record in found))
        poll.records += kept
        poll.after[place] = Position(found[-1].offset + 1, last_pos)

    def _wanted(self, record: ConsumerRecord, topic: str) -> bool:
        """Whether the fold has a use for it; told by a header, before its body is parsed.

        Raises Undecodable for an event that has no place in this topic: no reader looks for it.
        """
        name = next((value.decode() for key, value in record.headers if key == "ce_type"), "")
        if name == "LogIdentified":
            return False
        declared = REGISTRY.get(name)
        if declared is None:
            return True
        if topic not in declared.topics:
            raise Undecodable(f"misplaced: {name} does not belong in {topic}")
        wanted: frozenset[str] | None = getattr(self.fold, "handles", None)
        return wanted is None or name in wanted

    def _cut(
        self,
        polled: Mapping[TopicPartition, Sequence[ConsumerRecord]],
        until: Mapping[TopicPartition, int],
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Leave for later what lies at or beyond `until`."""
        kept = {}
        for real, records in polled.items():
            end = until[TopicPartition(real.topic.removeprefix(self.prefix), real.partition)]
            kept[real] = [record for record in records if record.offset < end]
            if len(kept[real]) < len(records):
                self.consumer.seek(real, records[len(kept[real])].offset)
        return kept

    async def _apply(self, poll: Poll, records: Sequence[Recorded]) -> None:
        """Fold records in; halve what fails until the poison record is found and buried."""
        if not records:
            return
        try:
            async with self.conn.transaction():
                await self.fold.apply(self.conn, records)
            self._refused = 0
        except FAULTS as error:
            if len(records) > 1:
                middle = len(records) // 2
                await self._apply(poll, records[:middle])
                await self._apply(poll, records[middle:])
                return
            await self._refuse(poll, records[0], error)

    async def _refuse(self, poll: Poll, record: Recorded, error: Exception) -> None:
        self._refused += 1
        if self._refused > REFUSED_IN_A_ROW_MAX:
            raise FoldBroken(f"{self.fold.reader} refuses every record, last: {error!r}") from error
        raw = poll.raw[record.topic, record.partition, record.offset]
        await self._bury(raw, f"{self.fold.reader}: {error!r}")

    async def _bury(self, record: ConsumerRecord, reason: str) -> None:
        """Keep a poison record among the dead letters, before the cursor moves past it."""
        if self.letters is not None:
            await self.letters.put(record, reason)
            log.error("record_dead_lettered", reason=reason, place=_place(record))
        await self.fold.poisoned(self.conn, codec.subject_of(record.headers), reason)

    # ---- how far

    async def ends(self) -> dict[TopicPartition, int]:
        """The log's end offsets now, by topics without prefix."""
        async with asyncio.timeout(KAFKA_ANSWER_MAX_S):
            found = await self.consumer.end_offsets([self._real(place) for place in self.positions])
        return {place: found[self._real(place)] for place in self.positions}

    def reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Whether everything before these offsets is applied."""
        return all(
            position.next_offset >= ends[place] for place, position in self.positions.items()
        )

    @property
    def up_to_date(self) -> bool:
        """Whether what the broker last told of is applied."""
        return all(
            position.next_offset >= (self.consumer.highwater(self._real(place)) or 0)
            for place, position in self.positions.items()
        )

    @property
    def goal_reached(self) -> bool:
        """Whether the ends that the last report left open are reached by now."""
        return self._goal is not None and self.reached(self._goal[1])

    async def report(self) -> None:
        """Tell lag and freshness. Fresh as of a moment: the ends read *after* it are applied."""
        now = await cursors.now(self.conn)
        ends = await self.ends()
        self._goal = self._goal or (now, ends)
        caught_up_at = self._goal[0] if self.reached(self._goal[1]) else None
        lag = sum(max(0, ends[at] - found.next_offset) for at, found in self.positions.items())
        await cursors.report(self.conn, self.fold.reader, self.positions, lag, caught_up_at)
        if caught_up_at:
            self._goal = None

    def _real(self, place: TopicPartition) -> TopicPartition:
        return TopicPartition(self.prefix + place.topic, place.partition)


@asynccontextmanager
async def opened(
    place: Place, conn: Connection, fold: Fold, letters: DeadLetters | None
) -> AsyncIterator[Session]:
    """A session at the fold's cursors. Raises OtherLog when they do not belong to this log."""
    wanted = cursors.partitions_of(fold.topics)
    real = {at: TopicPartition(place.prefix + at.topic, at.partition) for at in wanted}
    marks = await kafka_log.log_id(place.bootstrap, real.values())
    positions = await cursors.open_at(
        conn, fold.reader, {at: marks[full] for at, full in real.items()}
    )
    consumer = _consumer(place)
    await consumer.start()
    try:
        session = Session(fold, conn, letters, place.prefix, consumer, positions)
        consumer.assign(list(real.values()))
        cursors.check_ends(fold.reader, positions, await session.ends())
        for at, position in positions.items():
            consumer.seek(real[at], position.next_offset)
        yield session
    finally:
        await consumer.stop()


def _consumer(place: Place) -> AIOKafkaConsumer:
    """A reader of its own, outside any group: partitions are assigned, offsets are in Postgres."""
    return AIOKafkaConsumer(
        bootstrap_servers=place.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=FETCH_BYTES_PER_PARTITION,
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )


def _place(record: ConsumerRecord) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"
