"""Kafka's side of the relay: appends stored events to `pm.decisions` and reads where it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2

from adapters import codec, kafka_log
from adapters.decision_log import type_of
from adapters.kafka_log import APPEND_TIMEOUT_S, LogUnavailable
from adapters.log_watch import Pending, objection
from domain.event import Meta, Topic

ACKNOWLEDGED_WITHIN_S = 15.0
CLOSED_WITHIN_S = 5.0
WINDOW = 2000  # records; more than a relay holds in hand


class Wedged(Exception):  # noqa: N818 - a state of the outside
    """The producer cannot be closed and might still write; only the end of the process stops it."""


@dataclass(frozen=True)
class StoredDecision:
    """A row of the decision log, its event still bytes."""

    pos: int
    event_id: str
    topic: str
    state: bytes
    originator_id: str
    tenant_id: str
    actor: str
    causation: str
    correlation: str
    recorded_at: datetime


@dataclass(frozen=True)
class Tail:
    """The last decision of a partition; pos 0 when it holds none."""

    pos: int = 0
    event_id: str = ""


class DecisionsTopic:
    """The topic, for one relay. Use `async with`; after a failure make another."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap = bootstrap
        self._topic = prefix + Topic.DECISIONS
        self._producer: Any = None
        self._count = 0
        self._copies_needed = 1
        self._pending = Pending()

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            max_batch_size=256 * 1024,
            request_timeout_ms=int(ACKNOWLEDGED_WITHIN_S * 1000),
        )
        try:
            await self._producer.start()
            self._count = len(await self._producer.partitions_for(self._topic))
            self._copies_needed = await kafka_log.copies_needed(self._bootstrap, self._topic)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        try:
            await asyncio.wait_for(self._producer.stop(), CLOSED_WITHIN_S)
        except TimeoutError as error:
            raise Wedged("the producer did not close") from error

    def partition_of(self, stored: StoredDecision) -> int:
        """Where it belongs: by tenant, with the hash that Kafka's own producers use."""
        hashed: int = murmur2(stored.tenant_id.encode())
        return (hashed & 0x7FFFFFFF) % self._count

    async def append(self, decisions: Sequence[StoredDecision]) -> None:
        """Append in order; returns when every copy acknowledged all. Raises LogUnavailable.

        Then some may be stored: read the tails again before the next try.
        """
        with self._pending:
            answers = await self._acknowledged(decisions)
        failed = [answer for answer in answers if isinstance(answer, BaseException)]
        if failed:
            raise LogUnavailable(f"Kafka refused decisions: {failed[0]!r}") from failed[0]

    async def _acknowledged(self, decisions: Sequence[StoredDecision]) -> list[Any]:
        sent = [await self._send(stored) for stored in decisions]
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                return await asyncio.gather(*sent, return_exceptions=True)
        except TimeoutError as error:
            raise LogUnavailable("Kafka did not acknowledge decisions in time") from error

    async def objection(self) -> str:
        """Why the topic takes no decisions now, or empty."""
        known = self._producer.client.cluster.brokers()
        brokers = [(broker.host, broker.port) for broker in known]
        return await objection(brokers, self._copies_needed, self._pending)

    async def _send(self, stored: StoredDecision) -> asyncio.Future[Any]:
        name, version = type_of(stored.topic)
        meta = Meta(
            id=stored.event_id,
            time=stored.recorded_at,
            tenant_id=stored.tenant_id,
            actor=stored.actor,
            causation=stored.causation,
            correlation=stored.correlation,
        )
        future: asyncio.Future[Any] = await self._producer.send(
            self._topic,
            partition=self.partition_of(stored),
            key=stored.tenant_id.encode(),
            value=stored.state,
            headers=codec.stored_headers(
                name, version, meta, subject=stored.originator_id, pos=stored.pos
            ),
        )
        return future

    async def look(self) -> tuple[str, dict[int, Tail]]:
        """The log's id and the tail of each partition. Raises LogUnavailable."""
        partitions = [TopicPartition(self._topic, number) for number in range(self._count)]
        ids = set((await kafka_log.log_id(self._bootstrap, partitions)).values())
        if len(ids) != 1 or not min(ids):
            raise LogUnavailable(f"{self._topic} has no one log id, but {sorted(ids)}")
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            ends = await consumer.end_offsets(partitions)
            tails = {one.partition: await _tail(consumer, one, ends[one]) for one in partitions}
        finally:
            await consumer.stop()
        return ids.pop(), tails

    async def holds(self, pos: int) -> bool:
        """Whether this decision or a later one is in the topic, however far from its end.

        A relay that was stopped with a batch in hand appends old records when it wakes: then the
        tails tell less than the topic holds. Raises LogUnavailable.
        """
        partitions = [TopicPartition(self._topic, number) for number in range(self._count)]
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            ends = await consumer.end_offsets(partitions)
            for one in partitions:
                if await _holds(consumer, one, ends[one], pos):
                    return True
        except TimeoutError as error:
            raise LogUnavailable(f"{self._topic} could not be read back") from error
        finally:
            await consumer.stop()
        return False


async def _holds(consumer: Any, partition: TopicPartition, end: int, pos: int) -> bool:
    """Read a partition backwards, a window at a time, until a record reaches `pos`."""
    consumer.assign([partition])
    while end > 0:
        start = max(0, end - WINDOW)
        consumer.seek(partition, start)
        for _ in range(start, end):
            record = await asyncio.wait_for(consumer.getone(), APPEND_TIMEOUT_S)
            if int(dict(record.headers).get("pos", b"0")) >= pos:
                return True
        end = start
    return False


async def _tail(consumer: Any, partition: TopicPartition, end: int) -> Tail:
    """The last record tells: this topic has neither transaction markers nor compaction."""
    if end == 0:
        return Tail()
    consumer.assign([partition])
    consumer.seek(partition, end - 1)
    record = await asyncio.wait_for(consumer.getone(), APPEND_TIMEOUT_S)
    found = dict(record.headers)
    if "pos" not in found:  # LogIdentified, at offset 0
        return Tail()
    return Tail(int(found["pos"]), found["ce_id"].decode())
