"""The role `volume`: volume control with its rows, the log beside Faust, and the ledger."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from adapters import postgres
from adapters.dead_letters import KafkaDeadLetters
from adapters.event_store import EventStore
from adapters.log_spans import KafkaSpans
from adapters.settings import Settings
from projections.cursors import partitions_of
from streams.volume import agent
from streams.volume.control import Control, VolumeDeps
from streams.volume.sifting import TOPICS
from streams.volume.store import PostgresStore
from streams.volume.tracing import LedgerTracer

if TYPE_CHECKING:
    from streams.runtime import StreamRuntime


async def install(settings: Settings, app: StreamRuntime, stack: AsyncExitStack) -> None:
    """Put volume control on the app; what it opens is closed with the stack."""
    control, store, letters = await opened(settings, stack)
    agent.install(app, control, store, letters)


async def opened(
    settings: Settings, stack: AsyncExitStack
) -> tuple[Control, PostgresStore, KafkaDeadLetters]:
    """Volume control's parts, without a runtime."""
    pool = postgres.pool(settings.database_url, "pm_worker", size_max=2)
    ledger = postgres.pool(settings.database_url, "pm_api", size_max=1)
    letters = KafkaDeadLetters(settings.kafka_bootstrap, settings.prefix, "volume")
    spans = KafkaSpans(settings.kafka_bootstrap, settings.prefix)
    for each in (pool, ledger, letters, spans):
        await stack.enter_async_context(each)
    events = stack.enter_context(EventStore(settings.database_url, "pm_worker", needs_relay=True))
    store = PostgresStore(pool, events, settings.instance)
    places = [(place.topic, place.partition) for place in partitions_of(TOPICS)]
    deps = VolumeDeps(store, spans, LedgerTracer(ledger), letters, places, settings.prefix)
    return Control(deps), store, letters
