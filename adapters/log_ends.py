"""`domain.ports.LogEnds` on aiokafka: a consumer that reads nothing but ends and identities."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from adapters import kafka_log
from adapters.kafka_log import LogUnavailable
from domain.event import Topic

ANSWER_MAX_S = 10.0

#: The topics that are kept for ever, and so tell which log this is.
_KEPT = (Topic.DECISIONS, Topic.REQUESTS, Topic.ATTEMPTS)


class KafkaLogEnds:
    """Use `async with`. Safe to call again after a failure."""

    def __init__(self, bootstrap: str, prefix: str = "") -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False
        )
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._consumer:
            await self._consumer.stop()

    async def ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """See the port."""
        partitions = self._partitions(topics)
        try:
            async with asyncio.timeout(ANSWER_MAX_S):
                found = await self._consumer.end_offsets(partitions)
        except (KafkaError, TimeoutError) as error:
            raise LogUnavailable(f"Kafka did not tell where its log ends: {error!r}") from error
        return {
            (topic.removeprefix(self._prefix), number): end
            for (topic, number), end in found.items()
        }

    async def identity(self) -> str:
        """See the port."""
        partitions = self._partitions(_KEPT)
        try:
            async with asyncio.timeout(ANSWER_MAX_S):
                found = set((await kafka_log.log_id(self._bootstrap, partitions)).values())
        except (KafkaError, TimeoutError) as error:
            raise LogUnavailable(f"Kafka did not tell which log it holds: {error!r}") from error
        if len(found) != 1 or not min(found):
            raise LogUnavailable(f"the topics belong to different logs: {sorted(found)}")
        return found.pop()

    def _partitions(self, topics: Sequence[str]) -> list[TopicPartition]:
        declared = kafka_log.declared_topics()
        return [
            TopicPartition(self._prefix + topic, number)
            for topic in topics
            for number in range(declared[topic]["partitions"])
        ]
