"""Starts Faust workers of tests as processes of their own, and reads what they wrote."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaConsumer

from adapters import codec
from domain.event import Recorded
from domain.log_identity import LogIdentified

ROOT = Path(__file__).parents[1]
PROGRAMS = ROOT / "tests/integration/programs"

Process = subprocess.Popen[bytes]


class Workers:
    """Processes of one program; killed at the end of the `with` block if they still run."""

    def __init__(self, program: str, folder: Path, **settings: str) -> None:
        self._program, self._folder = PROGRAMS / program, folder
        self._settings = {"PYTHONPATH": str(ROOT), "PM_DATA_DIR": str(folder)} | settings
        self._started: list[Process] = []

    def start(self, *arguments: str, **settings: str) -> Process:
        """Start one more; returns once it says that it is ready."""
        with (self._folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(self._program), *arguments],
                env=os.environ | self._settings | settings,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._started.append(process)
        assert process.stdout
        assert process.stdout.readline() == b"ready\n", (self._folder / "worker.log").read_text()
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.kill()
            process.wait()
            assert process.stdout
            process.stdout.close()


def kill(process: Process) -> None:
    """End it at once (SIGKILL), and wait until it is gone."""
    process.kill()
    process.wait()


async def until(holds: Callable[[], bool], within_s: float = 20.0) -> None:
    """Poll until it holds; fails after the time."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.02)


async def events_in(bootstrap: str, topic: str) -> list[Recorded]:
    """Everything in a topic but the marks of the log, each event id once."""
    consumer: Any = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: dict[str, Recorded] = {}
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found |= {event.meta.id: event for event in map(codec.recorded, records)}
    finally:
        await consumer.stop()
    return [event for event in found.values() if not isinstance(event.event, LogIdentified)]
