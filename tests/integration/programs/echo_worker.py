"""A Faust worker for tests: appends a line per record to the file in PM_ECHO; poison never passes.

A value that starts with `poison` raises each time. PM_LETTERS=lost: no dead letter can be kept.
"""

import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from adapters.dead_letters import KafkaDeadLetters
from adapters.settings import Settings
from domain.event import Topic
from streams import guard, worker

SETTINGS = Settings()
SEEN = Path(os.environ["PM_ECHO"])


class Lost:
    """Dead letters that cannot be kept."""

    async def put(self, record: Any, reason: str) -> None:
        raise ConnectionError(f"no broker takes {record.offset}: {reason}")


async def step(record: Any) -> None:
    if record.value.startswith(b"poison"):
        raise ValueError("poison")
    note(record.value)


def note(value: bytes) -> None:
    with SEEN.open("ab") as file:
        file.write(value + b"\n")


async def install(app: worker.WorkerApp, stack: AsyncExitStack) -> None:
    letters: Any = Lost()
    if os.environ.get("PM_LETTERS") != "lost":
        kept = KafkaDeadLetters(SETTINGS.kafka_bootstrap, SETTINGS.prefix, "planner")
        letters = await stack.enter_async_context(kept)

    if "timer" in sys.argv:

        @app.timer(0.05)  # type: ignore[untyped-decorator]
        async def ticking() -> None:
            note(b"tick")

        return

    @app.agent(worker.records(app, SETTINGS, Topic.SIGNALS), name="echoing")
    async def echoing(stream: Any) -> None:
        async for event in stream.events():
            await guard.guarded(step, event.message, letters, pauses_s=(0.01, 0.01))


def ready() -> None:
    os.write(1, b"ready\n")


if __name__ == "__main__":
    worker.run("echo", SETTINGS, install, ready)
