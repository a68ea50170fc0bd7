"""`StreamRuntime` on Faust: one consumer, no web server, no tables, drained before it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from faust.app import App, BootStrategy

from adapters.settings import Settings
from domain.event import Topic
from streams import runtime
from streams.runtime import Drain, Step, Work


class _Boot(BootStrategy):
    """Starts neither a web server nor, in an app that reads no topic, a consumer."""

    enable_web = False

    def _should_enable_kafka_consumer(self) -> bool:
        return bool(self.app.agents)


class _App(App):
    """A Faust app with an end: what it has begun is finished before its consumer stops."""

    BootStrategy = _Boot

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.drains: list[Drain] = []

    async def on_stop(self) -> None:
        """Drain, then stop as every Faust app does."""
        for drain in self.drains:
            await drain()
        await super().on_stop()


class FaustRuntime:
    """See the port. One actor an agent: more of them lose records (eventsourcing.md §0.3)."""

    def __init__(self, role: str, settings: Settings) -> None:
        self._prefix = settings.prefix
        self._app = _app(role, settings)

    def agent(self, topics: Sequence[Topic], name: str, step: Step) -> None:
        """See the port."""
        channel = self._app.topic(
            *(self._prefix + topic.value for topic in topics),
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            acks=True,
        )

        @self._app.agent(channel, name=name, concurrency=1)
        async def attending(stream: Any) -> None:
            async for event in stream.events():
                await runtime.surely(step, event.message)

    def every(self, seconds: float, what: str, turn: Work) -> None:
        """See the port."""

        @self._app.timer(interval=seconds, name=what)  # type: ignore[untyped-decorator]
        async def ticking() -> None:
            await turn()

    def beside(self, work: Work) -> None:
        """See the port."""

        @self._app.task  # type: ignore[untyped-decorator]
        async def working() -> None:
            await work()

    def before_stop(self, drain: Drain) -> None:
        """See the port."""
        self._app.drains.append(drain)

    async def start(self) -> None:
        """See the port."""
        finished = asyncio.Event()

        async def told() -> None:
            finished.set()

        self._app.on_startup_finished = told
        await self._app.start()
        await finished.wait()

    async def ended(self) -> None:
        """See the port."""
        await self._app.wait_for_stopped()

    async def stop(self) -> None:
        """See the port."""
        await self._app.stop()


def _app(role: str, settings: Settings) -> _App:
    """At least once, one actor per agent, no tables, no own topics."""
    datadir = settings.data_dir.absolute() / "faust" / f"{role}-{settings.instance}"
    datadir.parent.mkdir(parents=True, exist_ok=True)
    group = runtime.group_of(settings.prefix, role)
    return _App(
        group,
        broker=f"kafka://{settings.kafka_bootstrap}",
        store="memory://",
        datadir=str(datadir),
        key_serializer="raw",
        value_serializer="raw",
        consumer_group_instance_id=f"{group}-{settings.instance}",
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=runtime.SESSION_TIMEOUT_S,
        broker_heartbeat_interval=runtime.HEARTBEAT_S,
        broker_commit_interval=runtime.COMMIT_EVERY_S,
        broker_rebalance_timeout=runtime.REBALANCE_MAX_S,
        processing_guarantee="at_least_once",
        stream_wait_empty=True,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
    )
