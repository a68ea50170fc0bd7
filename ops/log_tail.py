"""Reads topics of the log from their beginning, without a group: nobody else notices."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from adapters.kafka_log import LogUnavailable, declared_topics
from ops.errors import Missing

POLL_MS = 500
STALLED_S = 30.0  # without a record although the log has more
FETCH_BYTES = 8 * 1024 * 1024  # of one partition at a time; the largest record has 4 MiB
MERGED_AT_ONCE = 500  # records of one partition held while merging

Offsets = Mapping[TopicPartition, int]
Records = Sequence[Any]


class LogTail:
    """A consumer of whole topics. Positions move only forward; `close` it by `opened`."""

    def __init__(self, consumer: Any, partitions: list[TopicPartition], prefix: str) -> None:
        self._consumer, self.partitions, self._prefix = consumer, partitions, prefix

    def bare(self, topic: str) -> str:
        """A topic's name without the stack's prefix."""
        return topic.removeprefix(self._prefix)

    async def ends(self) -> Offsets:
        """Where each partition ends now. Asked topic by topic, in the order that was given."""
        found: dict[TopicPartition, int] = {}
        for topic in dict.fromkeys(partition.topic for partition in self.partitions):
            own = [partition for partition in self.partitions if partition.topic == topic]
            found |= await self._consumer.end_offsets(own)
        return found

    async def beginnings(self) -> Offsets:
        """The first offset that each partition still has."""
        found: Offsets = await self._consumer.beginning_offsets(self.partitions)
        return found

    async def until(self, ends: Offsets, records_max: int | None = None) -> AsyncIterator[Records]:
        """Records of one partition at a time, until every position stands at its end."""
        last = time.monotonic()
        while missing := [
            each for each in self.partitions if await self._position(each) < ends[each]
        ]:
            got = await self._consumer.getmany(
                *missing, timeout_ms=POLL_MS, max_records=records_max
            )
            for partition, records in got.items():
                last = time.monotonic()
                if records[-1].offset >= ends[partition]:
                    self._consumer.seek(partition, ends[partition])  # the rest is for the next time
                yield [record for record in records if record.offset < ends[partition]]
            if time.monotonic() - last > STALLED_S:
                raise LogUnavailable(f"Kafka gave nothing for {STALLED_S:.0f} s, its log has more")

    async def in_order(self, ends: Offsets) -> AsyncIterator[Any]:
        """Records of all partitions merged by the time at which Kafka took them, until the ends.

        Those of one millisecond by topic and partition: asked again, the order is the same.
        """
        heads: dict[TopicPartition, deque[Any]] = {each: deque() for each in self.partitions}
        while heads:
            lacking = [each for each, waiting in heads.items() if not waiting]
            await self._fill(heads, lacking, ends)
            if heads:
                soonest = min(heads, key=lambda each: (heads[each][0].timestamp, each))
                yield heads[soonest].popleft()

    async def _fill(
        self, heads: dict[TopicPartition, deque[Any]], lacking: list[TopicPartition], ends: Offsets
    ) -> None:
        """Give each lacking partition a head, or drop it at its end."""
        if not lacking:
            return
        for partition in lacking:
            del heads[partition]
        own = LogTail(self._consumer, lacking, self._prefix)
        async for records in own.until(ends, MERGED_AT_ONCE):
            if records:
                partition = TopicPartition(records[0].topic, records[0].partition)
                heads[partition] = deque(records)
                own.partitions.remove(partition)

    async def forever(self) -> AsyncIterator[Records]:
        """Records as they come, until cancelled."""
        while True:
            for records in (await self._consumer.getmany(timeout_ms=POLL_MS)).values():
                yield records

    async def _position(self, partition: TopicPartition) -> int:
        found: int = await self._consumer.position(partition)
        return found


@asynccontextmanager
async def opened(bootstrap: str, prefix: str, topics: Sequence[str]) -> AsyncIterator[LogTail]:
    """The topics (without prefix), from their beginning.

    Raises LogUnavailable when Kafka does not answer, Missing when it has no such topic.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters is raised
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_bytes=4 * FETCH_BYTES,
    )
    try:
        await consumer.start()
        tail = LogTail(consumer, await _partitions(bootstrap, prefix, topics), prefix)
        consumer.assign(tail.partitions)
        for partition, first in (await tail.beginnings()).items():
            consumer.seek(partition, first)
        yield tail
    except (KafkaError, TimeoutError) as error:
        raise LogUnavailable(f"Kafka at {bootstrap} does not answer: {error!r}") from error
    finally:
        await asyncio.shield(consumer.stop())


async def _partitions(bootstrap: str, prefix: str, topics: Sequence[str]) -> list[TopicPartition]:
    """Asked of the broker each time: a consumer's own picture holds only what it subscribes to."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics([prefix + topic for topic in topics])
    finally:
        await admin.close()
    found = {topic["topic"]: topic for topic in described if not topic["error_code"]}
    missing = [topic for topic in topics if prefix + topic not in found]
    if missing:
        raise Missing(f"Kafka has no topic {prefix}{missing[0]}: `penguin up` makes it")
    declared = declared_topics()  # what a consumer says about partitions may be out of date
    return [
        TopicPartition(prefix + topic, number)
        for topic in topics
        for number in range(declared[topic]["partitions"])
    ]
