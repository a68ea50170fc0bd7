"""`PlainRuntime`: what can be said of it without Kafka; the rest is in tests/contract/runtime."""

from __future__ import annotations

import asyncio

from adapters.settings import Settings
from streams.plain import PlainRuntime


async def test_a_cancel_at_the_moment_in_which_there_is_room_again_ends_the_fetching() -> None:
    """`wait_for` of Python 3.11 swallowed it, and a role that was told to stop never did."""
    runtime = PlainRuntime("planner", Settings())

    async def fetching() -> None:
        while True:
            await runtime._until_room()

    task = asyncio.create_task(fetching())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    runtime._room.set()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=5)

    assert task.cancelled()
