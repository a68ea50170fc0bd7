"""A role for tests, on the runtime of PM_STREAM_RUNTIME; notes in PM_ECHO what befalls its step.

A record's value says what its step does: `poison…` raises each time, `flaky…` the first two times,
`slow:SECONDS:…` says that it begins, waits, and then is noted as any other. `timer` as an argument:
no agent, only a timer. PM_LETTERS=lost: no dead letter can be kept. PM_UNGUARDED: what the step
raises reaches the runtime. PM_SESSION_S: another session timeout.
"""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from adapters.dead_letters import KafkaDeadLetters
from adapters.settings import Settings
from domain.event import Topic
from streams import guard, runtime, timers, worker
from streams.runtime import StreamRuntime

SETTINGS = Settings()
SEEN = Path(os.environ["PM_ECHO"])
FLAKY_UNTIL = 3
runtime.SESSION_TIMEOUT_S = float(os.environ.get("PM_SESSION_S") or runtime.SESSION_TIMEOUT_S)

tries: dict[bytes, int] = {}


class Lost:
    """Dead letters that cannot be kept."""

    async def put(self, record: Any, reason: str) -> None:
        raise ConnectionError(f"no broker takes {record.offset}: {reason}")


async def step(record: Any) -> None:
    value: bytes = record.value
    if record.offset == 0:
        return  # the log's mark
    tries[value] = tries.get(value, 0) + 1
    if value.startswith(b"poison") or (value.startswith(b"flaky") and tries[value] < FLAKY_UNTIL):
        raise ValueError("poison")
    if value.startswith(b"slow:"):
        note("begun", record)
        await asyncio.sleep(float(value.split(b":")[1]))
    note("done", record)


def note(what: str, record: Any) -> None:
    told(f"{what} {SETTINGS.instance} {record.partition} {record.offset} {record.value.decode()}")


def told(line: str) -> None:
    with SEEN.open("a") as file:
        file.write(line + "\n")


async def tick() -> None:
    told("tick")


async def drained() -> None:
    told("drained")


async def install(app: StreamRuntime, stack: AsyncExitStack) -> None:
    letters: Any = Lost()
    if os.environ.get("PM_LETTERS") != "lost":
        kept = KafkaDeadLetters(SETTINGS.kafka_bootstrap, SETTINGS.prefix, "planner")
        letters = await stack.enter_async_context(kept)
    app.before_stop(drained)
    timers.every(app, 0.1, "ticking", tick)
    if "timer" not in sys.argv:
        topics = (Topic.SIGNALS, Topic.REQUESTS)
        if os.environ.get("PM_UNGUARDED"):
            app.agent(topics, "echoing", step)
            return
        guard.agent(app, topics, "echoing", step, letters, pauses_s=(0.01, 0.01, 0.01))


def ready() -> None:
    os.write(1, b"ready\n")


if __name__ == "__main__":
    worker.run("echo", SETTINGS, install, ready)
