"""The frame of every Faust role, on real Kafka: poison, restarts, and no open port."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.worker_kit import Process, Workers, kill, until

pytestmark = pytest.mark.stack

Start = Callable[..., Process]


@pytest.fixture
def echo(tmp_path: Path) -> Path:
    return tmp_path / "echo.txt"


@pytest.fixture
def start(server: dict[str, str], log_prefix: str, tmp_path: Path, echo: Path) -> Iterator[Start]:
    """Starts the worker and returns once it says that it is ready."""
    settings = {"PM_KAFKA_BOOTSTRAP": server["bootstrap"], "PM_PREFIX": log_prefix}
    with Workers("echo_worker.py", tmp_path, PM_ECHO=str(echo), **settings) as workers:
        yield workers.start


async def produce(server: dict[str, str], topic: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=server["bootstrap"], acks="all")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, key=b"k", headers=[("ce_type", b"X")])
    finally:
        await producer.stop()


def seen(echo: Path) -> list[bytes]:
    lines = echo.read_bytes().splitlines() if echo.exists() else []
    return [line for line in lines if line.startswith((b"n", b"tick"))]


async def test_a_worker_opens_no_port_and_stops_when_told(start: Start) -> None:
    process = start()

    listening = [c for c in psutil.Process(process.pid).net_connections() if c.status == "LISTEN"]
    process.send_signal(signal.SIGTERM)

    assert not listening
    assert process.wait(10) == 0


async def test_a_worker_of_timers_alone_needs_no_topic(start: Start, echo: Path) -> None:
    process = start("timer")

    await until(lambda: len(seen(echo)) > 2)
    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 0


async def test_poison_goes_to_the_dead_letters_and_the_partition_moves_on(
    server: dict[str, str], log_prefix: str, start: Start, echo: Path
) -> None:
    await produce(server, f"{log_prefix}pm.signals", [b"n1", b"poison", b"n2"])

    start()
    await until(lambda: seen(echo) == [b"n1", b"n2"])
    letter = await first_letter(server, f"{log_prefix}pm.planner.dlq")

    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (b"k", b"poison")
    assert headers["ce_type"] == b"X"
    assert headers["dlq_origin"].startswith(f"{log_prefix}pm.signals/".encode())
    assert b"ValueError: poison" in headers["dlq_reason"]


async def first_letter(server: dict[str, str], topic: str) -> Any:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=server["bootstrap"], auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        return await asyncio.wait_for(consumer.getone(), 10)
    finally:
        await consumer.stop()


async def test_a_record_that_cannot_even_be_dead_lettered_ends_the_process_and_is_read_again(
    server: dict[str, str], log_prefix: str, start: Start, echo: Path
) -> None:
    await produce(server, f"{log_prefix}pm.signals", [b"poison", b"n1"])

    died = start(PM_LETTERS="lost").wait(20)
    before = seen(echo)
    start()
    await until(lambda: seen(echo) == [b"n1"])

    assert died == 70
    assert before == []
    assert (await first_letter(server, f"{log_prefix}pm.planner.dlq")).value == b"poison"


@pytest.mark.fault
async def test_a_killed_worker_is_back_within_seconds_and_skips_nothing(
    server: dict[str, str], log_prefix: str, start: Start, echo: Path
) -> None:
    topic = f"{log_prefix}pm.signals"
    first = start()
    await produce(server, topic, [b"n%d" % number for number in range(200)])
    await until(lambda: len(seen(echo)) > 100)

    kill(first)
    await produce(server, topic, [b"n%d" % number for number in range(200, 300)])
    began = time.monotonic()
    start()
    await until(lambda: len(set(seen(echo))) == 300)

    assert time.monotonic() - began < 8  # static membership: the session need not end first
