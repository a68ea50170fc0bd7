"""The planner's Faust app for tests; it takes its time, so that a kill finds it at work."""

import asyncio
import os
from contextlib import AsyncExitStack
from typing import Any

from adapters import postgres
from adapters.dead_letters import KafkaDeadLetters
from adapters.kafka_log import KafkaLog
from adapters.settings import Settings
from domain.ports import Route
from streams import worker
from streams.planner import agent, planning, unplanned
from streams.runtime import StreamRuntime
from tests.pipeline_world import ScriptedResolver, mx

SETTINGS = Settings()


class SlowResolver(ScriptedResolver):
    async def route(self, domain: str) -> Route:
        await asyncio.sleep(0.05)
        return await super().route(domain)


class SlowLog(KafkaLog):
    async def append(self, drafts: Any, timeout_s: float = 30.0) -> None:
        await asyncio.sleep(0.02)
        await super().append(drafts, timeout_s)


async def install(app: StreamRuntime, stack: AsyncExitStack) -> None:
    planning.BATCHES_AT_ONCE = 1
    unplanned.LOOK_EVERY_S, unplanned.AGE_S = 0.2, 0.0
    bootstrap, prefix = SETTINGS.kafka_bootstrap, SETTINGS.prefix
    letters = await stack.enter_async_context(KafkaDeadLetters(bootstrap, prefix, "planner"))
    log = await stack.enter_async_context(SlowLog(bootstrap, prefix))
    pool = await stack.enter_async_context(postgres.pool(SETTINGS.database_url, "pm_worker"))
    resolver = SlowResolver({f"d{number}.test": mx(f"p{number % 7}") for number in range(40)})
    deps = planning.PlannerDeps(pool, log, resolver, SETTINGS.id_key)
    agent.install(app, deps, letters)


def ready() -> None:
    os.write(1, b"ready\n")


if __name__ == "__main__":
    worker.run("planner", SETTINGS, install, ready)
