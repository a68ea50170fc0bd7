"""Kafka in memory: partitions of encoded records, and readers that get what the world lets them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from adapters import codec
from adapters.kafka_log import Draft, declared_topics
from domain.event import Event, Meta
from tests.simulation.clock import Clock

LOG_ID = "log_sim"
TOPICS = declared_topics()


@dataclass
class SimLog:
    """What was appended, by partition: records of Kafka's shape, through the real codec."""

    clock: Clock
    parts: dict[TopicPartition, list[Any]] = field(default_factory=dict)
    _ids: int = 0
    _pos: int = 0

    def __post_init__(self) -> None:
        for topic, declared in TOPICS.items():
            for part in range(declared["partitions"]):
                self.parts[TopicPartition(topic, part)] = []

    @property
    def length(self) -> int:
        """How many records there are."""
        return sum(map(len, self.parts.values()))

    def store(self, drafts: Sequence[Draft]) -> None:
        """Append at the moment that it is, as LogAppendTime has it."""
        for draft in drafts:
            meta = replace(draft.meta, time=self.clock.now())
            key = codec.key_of(draft.event)
            part = zlib.crc32(key) % TOPICS[draft.topic]["partitions"]
            place = TopicPartition(draft.topic, part)
            found = codec.headers(draft.event, meta, subject=draft.subject, pos=draft.pos)
            self._append(place, key, codec.encode(draft.event), found)

    def _append(self, place: TopicPartition, key: bytes, value: bytes, headers: Any) -> None:
        self.parts[place].append(
            ConsumerRecord(
                topic=place.topic,
                partition=place.partition,
                offset=len(self.parts[place]),
                timestamp=int(self.clock.now().timestamp() * 1000),
                timestamp_type=1,
                key=key,
                value=value,
                checksum=None,
                serialized_key_size=len(key),
                serialized_value_size=len(value),
                headers=headers,
            )
        )

    def tell(self, *events: Event) -> None:
        """Events of the world itself: decisions, with their pos, and plans."""
        for event in events:
            topic = type(event).event_type.topics[0].value
            self._ids += 1
            self._pos += topic == "pm.decisions"
            tenant_id = str(getattr(event, "tenant_id", ""))
            meta = Meta(id=f"evt_sim_{self._ids}", time=self.clock.now(), tenant_id=tenant_id)
            pos = self._pos if topic == "pm.decisions" else None
            subject = str(getattr(event, "batch_id", ""))
            self.store([Draft(topic, event, meta, subject=subject, pos=pos)])

    def repeat(self, choose: Callable[[Sequence[Any]], Any]) -> None:
        """A producer's retry that was stored twice: the same record again, at a later offset."""
        used = [place for place in self.parts if place.topic == "pm.attempts" and self.parts[place]]
        if used:
            place = choose(used)
            old = choose(self.parts[place])
            self._append(place, old.key, old.value, old.headers)

    # ---- domain.ports.LogEnds

    async def ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        return {
            (place.topic, place.partition): len(records)
            for place, records in self.parts.items()
            if place.topic in set(topics)
        }

    async def identity(self) -> str:
        return LOG_ID


class SimConsumer:
    """aiokafka's consumer, as `projections.session` uses it: it brings what was offered."""

    def __init__(self, log: SimLog, next_offsets: dict[TopicPartition, int]) -> None:
        self._log, self._next = log, next_offsets
        self.offered: dict[TopicPartition, int] = {}  # how many records of each the next poll gets

    def behind(self) -> list[TopicPartition]:
        """The partitions that have more to read."""
        return [place for place, at in self._next.items() if at < len(self._log.parts[place])]

    async def getmany(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms >= 0
        found = {}
        for place, count in self.offered.items():
            start = self._next[place]
            records = self._log.parts[place][start : start + min(count, max_records)]
            if records:
                found[place] = records
                self._next[place] = start + len(records)
        self.offered = {}
        return found

    async def end_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: len(self._log.parts[place]) for place in places}
