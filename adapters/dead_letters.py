"""`domain.ports.DeadLetters` on Kafka: the record as it was, with place and reason in headers."""

from __future__ import annotations

from typing import Any, Self

from aiokafka import AIOKafkaProducer

REASON_MAX = 8000  # characters; a traceback's end says the most


class KafkaDeadLetters:
    """The dead-letter topic of a consumer group (kafka/topics.toml). Keeping twice is harmless."""

    def __init__(self, bootstrap: str, prefix: str, group: str) -> None:
        self._topic = f"{prefix}pm.{group}.dlq"
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            max_request_size=5 * 1024 * 1024,
        )
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._producer:
            await self._producer.stop()

    async def put(self, record: Any, reason: str) -> None:
        """Keep the record. Raises aiokafka's errors when Kafka does not take it."""
        assert self._producer is not None, "use `async with KafkaDeadLetters(…)`"  # noqa: S101
        place = f"{record.topic}/{record.partition}/{record.offset}"
        extra = [
            ("dlq_origin", place.encode()),
            ("dlq_reason", reason[-REASON_MAX:].encode(errors="replace")),
        ]
        headers = [*dict(record.headers or ()).items(), *extra]
        await self._producer.send_and_wait(
            self._topic, key=record.key, value=record.value, headers=headers
        )
