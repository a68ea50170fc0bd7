"""What keeps the port StreamRuntime: Faust and plain aiokafka alike, in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.worker_kit import Process, Workers

RUNTIMES = ("faust", "plain")
PARTITIONS = 4


@dataclass
class Place:
    """One group's world: its topic, its workers, and what their steps noted."""

    bootstrap: str
    prefix: str
    echo: Path
    workers: Workers
    runtime: str

    @property
    def topic(self) -> str:
        return f"{self.prefix}pm.signals"

    def start(self, *arguments: str, **settings: str) -> Process:
        """One more worker, once records come to it."""
        return self.workers.start(*arguments, **{"PM_STREAM_RUNTIME": self.runtime} | settings)

    def lines(self) -> list[str]:
        return self.echo.read_text().splitlines() if self.echo.exists() else []

    def noted(self, what: str = "done") -> list[str]:
        """The values of steps that came so far, in the order in which they did."""
        return [line.split(" ", 4)[4] for line in self.lines() if line.startswith(what + " ")]

    def by_instance(self, instance: str) -> list[str]:
        mark = f"done {instance} "
        return [line.split(" ", 4)[4] for line in self.lines() if line.startswith(mark)]

    async def produce(self, values: Sequence[str], partition: int | None = 0) -> None:
        """Append; to all partitions in turn where none is named."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", linger_ms=5)
        await producer.start()
        try:
            for number, value in enumerate(values):
                to = number % PARTITIONS if partition is None else partition
                headers = [("ce_type", b"X")]
                await producer.send(self.topic, value.encode(), b"k", partition=to, headers=headers)
        finally:
            await producer.stop()  # sends what waits

    async def letters(self, count: int) -> list[Any]:
        """So many dead letters of the group, once they are there."""
        async with reading(self.bootstrap, f"{self.prefix}pm.planner.dlq") as consumer:
            return [await consumer.getone() for _ in range(count)]

    async def committed(self) -> int:
        """How many records the group says it has read, of all partitions."""
        group = f"{self.prefix}pm-echo"
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False
        )
        await consumer.start()
        try:
            places = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
            return sum([await consumer.committed(place) or 0 for place in places])
        finally:
            await consumer.stop()


@asynccontextmanager
async def reading(bootstrap: str, topic: str) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(server: dict[str, str], log_prefix: str, tmp_path: Path, runtime: str) -> Iterator[Place]:
    """No worker runs yet."""
    echo = tmp_path / "echo"
    settings = {"PM_KAFKA_BOOTSTRAP": server["bootstrap"], "PM_PREFIX": log_prefix}
    with Workers("agent_worker.py", tmp_path, PM_ECHO=str(echo), **settings) as workers:
        yield Place(server["bootstrap"], log_prefix, echo, workers, runtime)
