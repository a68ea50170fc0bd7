"""Reads records of one partition between two offsets, without a group: nobody else notices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from adapters import kafka_log
from adapters.kafka_log import LogUnavailable

ANSWER_MAX_S = 10.0


class KafkaSpans:
    """Use `async with`. One caller at a time; safe to call again after a failure."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap, self._prefix = bootstrap, prefix
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False, auto_offset_reset="none"
        )
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._consumer:
            await self._consumer.stop()

    async def log_ids(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """Which log each partition is of; raises LogUnavailable."""
        real = {place: self._real(*place) for place in places}
        try:
            async with asyncio.timeout(ANSWER_MAX_S):
                found = await kafka_log.log_id(self._bootstrap, real.values())
        except (KafkaError, TimeoutError) as error:
            raise LogUnavailable(f"Kafka did not tell which log it holds: {error!r}") from error
        return {place: found[partition] for place, partition in real.items()}

    async def ends(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Where each partition ends now; raises LogUnavailable."""
        real = {self._real(*place): place for place in places}
        try:
            async with asyncio.timeout(ANSWER_MAX_S):
                found = await self._consumer.end_offsets(list(real))
        except (KafkaError, TimeoutError) as error:
            raise LogUnavailable(f"Kafka did not tell where its log ends: {error!r}") from error
        return {real[partition]: end for partition, end in found.items()}

    async def read(self, topic: str, partition: int, start: int, stop: int, most: int) -> list[Any]:
        """At most `most` records from `start` on, below `stop`, which the log has reached.

        Raises LogUnavailable.
        """
        real = self._real(topic, partition)
        try:
            async with asyncio.timeout(ANSWER_MAX_S):
                self._consumer.assign([real])
                self._consumer.seek(real, start)
                found: list[Any] = []
                while not found:
                    polled = await self._consumer.getmany(real, timeout_ms=500, max_records=most)
                    found = [record for record in polled.get(real, ()) if record.offset >= start]
        except (KafkaError, TimeoutError) as error:
            raise LogUnavailable(f"Kafka gave nothing from {start} on: {error!r}") from error
        return [record for record in found if record.offset < stop]

    def _real(self, topic: str, partition: int) -> TopicPartition:
        return TopicPartition(self._prefix + topic, partition)
