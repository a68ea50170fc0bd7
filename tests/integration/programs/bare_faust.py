"""Faust as it comes, without our runtime around the agent; PM_ACTORS of it run at once.

Notes in PM_ECHO, as agent_worker.py does; a value that starts with `poison` raises each time.
"""

import asyncio
import os
from typing import Any

from adapters import logs
from domain.event import Topic
from streams import on_faust
from tests.integration.programs.agent_worker import SETTINGS, ready, step

app = on_faust._app("echo", SETTINGS)
topic = app.topic(SETTINGS.prefix + Topic.SIGNALS.value, value_type=bytes, value_serializer="raw")


@app.agent(topic, name="echoing", concurrency=int(os.environ.get("PM_ACTORS", "1")))
async def echoing(stream: Any) -> None:
    async for event in stream.events():
        await step(event.message)


async def started() -> None:
    ready()


async def main() -> None:
    app.on_startup_finished = started
    await app.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    logs.configure("info", "bare")
    asyncio.run(main())
