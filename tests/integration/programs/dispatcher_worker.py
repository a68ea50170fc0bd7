"""The dispatcher's Faust app for tests: real claims and log, lanes that write PM_WIRE."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

from adapters import postgres
from adapters.dead_letters import KafkaDeadLetters
from adapters.dot_journal import DotJournal
from adapters.kafka_log import KafkaLog
from adapters.settings import Settings
from domain.ports import Message, Reply
from streams import worker
from streams.dispatching import agent
from streams.dispatching.dots import Dots
from streams.runtime import StreamRuntime
from tests.dispatch_kit import ACCEPTED, PlainRenderer, ScriptedLanes
from tests.pipeline_world import ScriptedResolver, mx

SETTINGS = Settings()
WIRE = Path(os.environ["PM_WIRE"])


class WireLanes(ScriptedLanes):
    """A peer that takes mail at its own pace and writes down what it took before it says so."""

    async def answered(self, message: Message) -> Reply | None:
        with WIRE.open("a") as file:  # noqa: ASYNC230 - one line
            file.write(message.mail_from + "\n")
        await asyncio.sleep(0.05)
        return ACCEPTED


async def install(app: StreamRuntime, stack: AsyncExitStack) -> None:
    bootstrap, prefix = SETTINGS.kafka_bootstrap, SETTINGS.prefix
    dots = Dots(stack.enter_context(DotJournal(SETTINGS.data_dir)))
    pool = postgres.pool(SETTINGS.database_url, "pm_dispatcher")
    deps = agent.DispatcherDeps(
        pool=await stack.enter_async_context(pool),
        started_log=await stack.enter_async_context(KafkaLog(bootstrap, prefix)),
        outcomes_log=await stack.enter_async_context(KafkaLog(bootstrap, prefix, linger_ms=5)),
        lanes=WireLanes(dots),
        resolver=ScriptedResolver({"gmail.test": mx("google")}),
        compile=lambda _: PlainRenderer(),
        dots=dots,
        owner=f"test-{os.getpid()}",
        letters=await stack.enter_async_context(KafkaDeadLetters(bootstrap, prefix, "dispatcher")),
    )
    agent.install(app, SETTINGS, deps)


def ready() -> None:
    os.write(1, b"ready\n")


if __name__ == "__main__":
    worker.run("dispatcher", SETTINGS, install, ready)
