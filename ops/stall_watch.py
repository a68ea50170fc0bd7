"""Looks at every reader of the log each few seconds, and tells the log when one stands still.

Runs in the supervisor: what it watches may hang, and it must not hang with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import psycopg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from adapters import kafka_log
from adapters.postgres import named_sql
from adapters.settings import Settings
from domain.event import Topic
from ops import stalls
from ops.stalls import Place, Standing, Watch

SQL = named_sql(Path(__file__).with_suffix(".sql"))
LOOK_MAX_S = 10.0

#: Roles that read in a consumer group, and what; the others' cursors are rows of app.cursor.
GROUPS: Mapping[str, tuple[Topic, ...]] = {
    "planner": (Topic.DECISIONS, Topic.ATTEMPTS),
    "dispatcher": (Topic.DUE_HIGH, Topic.DUE_NORMAL, Topic.DUE_LOW),
    "volume": (Topic.ATTEMPTS, Topic.SIGNALS, Topic.DECISIONS),
}
RELAY = Place("relay", "es.decision_events", 0)

log = structlog.get_logger(__name__)


class Looker:
    """Asks Kafka and Postgres where readers stand. Keeps its connections; use `async with`.

    `roles`: those that run; the groups of others stand still for a good reason.
    """

    def __init__(self, bootstrap: str, dsn: str, prefix: str, roles: Iterable[str]) -> None:
        self._bootstrap, self._dsn, self._prefix = bootstrap, dsn, prefix
        self._groups_of = {role: GROUPS[role] for role in sorted(GROUPS.keys() & set(roles))}
        self._open = AsyncExitStack()
        self._consumer: Any = None
        self._admin: Any = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connections up; the next look opens new ones."""
        self._consumer = self._admin = None
        await self._open.aclose()

    async def look(self) -> dict[Place, Standing]:
        """Where everyone stands now. Raises what Kafka and Postgres raise."""
        async with asyncio.timeout(LOOK_MAX_S):
            await self._connect()
            at, standings = await self._rows()
            at |= await self._groups()
            return standings | await self._with_ends(at)

    async def _connect(self) -> None:
        if self._admin:
            return
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False
        )
        self._open.push_async_callback(self._consumer.stop)
        await self._consumer.start()
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        self._open.push_async_callback(admin.close)
        await admin.start()
        self._admin = admin

    async def _rows(self) -> tuple[dict[Place, int], dict[Place, Standing]]:
        """Positions that are rows, and the relay with its end."""
        async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as conn:
            rows = await (await conn.execute(SQL["cursors"])).fetchall()
            relay = await (await conn.execute(SQL["relay"])).fetchone()
        at = {Place(*row[:3]): int(row[3]) for row in rows}
        return at, {RELAY: Standing(*relay)} if relay else {}

    async def _groups(self) -> dict[Place, int]:
        """Positions that groups committed; -1 where one never did."""
        declared = kafka_log.declared_topics()
        at = {}
        for role, topics in self._groups_of.items():
            group = f"{self._prefix}pm-{role}"
            committed = await self._admin.list_consumer_group_offsets(group)
            for topic in topics:
                for part in range(declared[topic.value]["partitions"]):
                    at[Place(role, topic.value, part)] = -1
            at |= {
                Place(role, place.topic.removeprefix(self._prefix), place.partition): told.offset
                for place, told in committed.items()
            }
        return at

    async def _with_ends(self, at: Mapping[Place, int]) -> dict[Place, Standing]:
        """A position before the log's beginning stands at it: what lay there has aged out."""
        begins = await self._consumer.beginning_offsets(self._partitions(at))
        ends = await self._consumer.end_offsets(self._partitions(at))
        return {
            place: Standing(max(position, begins[real]), ends[real])
            for place, position in at.items()
            if (real := self._real(place)) in ends
        }

    def _partitions(self, places: Iterable[Place]) -> list[TopicPartition]:
        return sorted({self._real(place) for place in places})

    def _real(self, place: Place) -> TopicPartition:
        return TopicPartition(self._prefix + place.topic, place.partition)


async def watching(data: Path, looker: Looker, settings: Settings) -> None:
    """Look until cancelled; what was found lies in DIR/stalls.json."""
    stalls.forget(data)
    watch = Watch(after_s=settings.stalled_after_s, every_s=settings.stall_look_every_s)
    async with looker:
        while True:
            await asyncio.sleep(settings.stall_look_every_s)
            await _look(data, looker, watch)


async def _look(data: Path, looker: Looker, watch: Watch) -> None:
    try:
        standings = await looker.look()
    except Exception as error:  # noqa: BLE001 - the supervisor goes on whatever befalls its looks
        log.warning("readers_not_looked_at", error=repr(error))
        await _closed(looker)
        return
    wall = datetime.now(UTC)
    looked = watch.look(time.monotonic(), wall, standings)
    stalls.write(data, wall, looked)
    for finding in looked.begun:
        log.error("reader_stalled", **asdict(finding), runbook=stalls.RUNBOOK)
    for place in looked.over:
        log.info("reader_moves_again", **place._asdict())


async def _closed(looker: Looker) -> None:
    try:
        async with asyncio.timeout(LOOK_MAX_S):
            await looker.close()
    except Exception as error:  # noqa: BLE001 - what cannot be closed is dropped
        log.warning("readers_not_looked_at", error=repr(error))
