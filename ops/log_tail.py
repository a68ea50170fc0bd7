"""Reads topics of the log from their beginning, without a group: nobody else notices."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from adapters.kafka_log import LogUnavailable
from ops.errors import Missing

POLL_MS = 500
STALLED_S = 30.0  # without a record although the log has more
FETCH_BYTES = 8 * 1024 * 1024  # of one partition at a time; the largest record has 4 MiB

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

    async def until(self, ends: Offsets) -> AsyncIterator[Records]:
        """Records of one partition at a time, until every position reached its end."""
        last = time.monotonic()
        while missing := [
            each for each in self.partitions if await self._position(each) < ends[each]
        ]:
            got = await self._consumer.getmany(*missing, timeout_ms=POLL_MS)
            for partition, records in got.items():
                last = time.monotonic()
                yield [record for record in records if record.offset < ends[partition]]
            if time.monotonic() - last > STALLED_S:
                raise LogUnavailable(f"Kafka gave nothing for {STALLED_S:.0f} s, its log has more")

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
        tail = LogTail(consumer, await _partitions(consumer, prefix, topics), prefix)
        consumer.assign(tail.partitions)
        for partition, first in (await tail.beginnings()).items():
            consumer.seek(partition, first)
        yield tail
    except (KafkaError, TimeoutError) as error:
        raise LogUnavailable(f"Kafka at {bootstrap} does not answer: {error!r}") from error
    finally:
        await asyncio.shield(consumer.stop())


async def _partitions(consumer: Any, prefix: str, topics: Sequence[str]) -> list[TopicPartition]:
    there = await consumer.topics()
    missing = [topic for topic in topics if prefix + topic not in there]
    if missing:
        raise Missing(f"Kafka has no topic {prefix}{missing[0]}: `penguin up` makes it")
    return [
        TopicPartition(prefix + topic, number)
        for topic in topics
        for number in sorted(consumer.partitions_for_topic(prefix + topic) or ())
    ]
