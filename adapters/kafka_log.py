"""The log on Kafka: topics as declared, records appended with every copy's acknowledgement."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from adapters import codec
from domain.event import Event, Meta
from domain.ids import new_id
from domain.log_identity import LogIdentified

TOPICS_FILE = Path(__file__).parent.parent / "kafka" / "topics.toml"
APPEND_TIMEOUT_S = 30.0
IN_SYNC = "min.insync.replicas"


class LogUnavailable(Exception):  # noqa: N818 - a state of the outside
    """Kafka did not answer or acknowledge in time; whether a record was stored is not known."""


@dataclass(frozen=True)
class Draft:
    """A record to append. `subject` names what it is about: a batch, a campaign, an aggregate."""

    topic: str  # without prefix
    event: Event
    meta: Meta
    subject: str = ""
    pos: int | None = None


class KafkaLog:
    """`domain.ports.EventLog` on aiokafka: idempotent, acks=all. Appending may be repeated by id.

    `linger_ms` 0 suits single records that someone waits for; a few suit streams of them.
    """

    def __init__(self, bootstrap: str, prefix: str = "", *, linger_ms: int = 0) -> None:
        self._prefix = prefix
        self._options: dict[str, Any] = {
            "bootstrap_servers": bootstrap,
            "acks": "all",
            "enable_idempotence": True,
            "linger_ms": linger_ms,
            "max_batch_size": 256 * 1024,
            "max_request_size": 4 * 1024 * 1024,
        }
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(**self._options)
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._producer:
            await self._producer.stop()

    async def append(self, drafts: Sequence[Draft], timeout_s: float = APPEND_TIMEOUT_S) -> None:
        """Append in order and return when every copy acknowledged all of them.

        Raises LogUnavailable; then some may be stored, so ids must be repeated, not renewed.
        """
        assert self._producer is not None, "use `async with KafkaLog(…)`"  # noqa: S101
        try:
            async with asyncio.timeout(timeout_s):
                sent = [await self._send(self._producer, draft) for draft in drafts]
                await asyncio.gather(*sent)
        except (KafkaError, TimeoutError) as error:
            raise LogUnavailable(f"Kafka did not acknowledge: {error!r}") from error

    async def _send(self, producer: AIOKafkaProducer, draft: Draft) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = await producer.send(
            self._prefix + draft.topic,
            value=codec.encode(draft.event),
            key=codec.key_of(draft.event),
            headers=codec.headers(draft.event, draft.meta, subject=draft.subject, pos=draft.pos),
        )
        return future


def now_meta(tenant_id: str, *, id: str = "", actor: str = "", causation: str = "") -> Meta:  # noqa: A002
    """An envelope made now. Derive `id` from what is told, so that telling it again is the same."""
    return Meta(
        id=id or new_id("evt"),
        time=datetime.now(UTC),
        tenant_id=tenant_id,
        actor=actor,
        causation=causation,
    )


def declared_topics() -> dict[str, dict[str, int]]:
    """Name → {partitions, retention_ms}, from kafka/topics.toml, dead-letter topics included."""
    file: dict[str, Any] = tomllib.loads(TOPICS_FILE.read_text())
    letters = file["dead_letters"]
    settings = {"partitions": letters["partitions"], "retention_ms": letters["retention_ms"]}
    topics: dict[str, dict[str, int]] = file["topics"]
    return topics | {f"pm.{group}.dlq": settings for group in letters["groups"]}


async def ensure_topics(bootstrap: str, prefix: str, replication_factor: int) -> str:
    """Create what is missing and mark fresh partitions with the log's id, which is returned."""
    topics = declared_topics()
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        wanted = [
            NewTopic(
                prefix + name,
                declared["partitions"],
                replication_factor,
                topic_configs={
                    "retention.ms": str(declared["retention_ms"]),
                    "cleanup.policy": "delete",
                    "message.timestamp.type": "LogAppendTime",
                    "max.message.bytes": str(4 * 1024 * 1024),
                },
            )
            for name, declared in topics.items()
        ]
        reply = await admin.create_topics(wanted)
        for _, code, *_ in reply.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise LogUnavailable(f"topics cannot be made: {for_code(code).__name__}")
    finally:
        await admin.close()
    kept = [name for name in topics if not name.endswith(".dlq") and ".due." not in name]
    return await _identify(bootstrap, prefix, kept)


async def copies_needed(bootstrap: str, topic: str) -> int:
    """How many copies of a partition must be in sync for an append (min.insync.replicas)."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        wanted = ConfigResource(ConfigResourceType.TOPIC, topic, {IN_SYNC: None})
        (answer,) = await admin.describe_configs([wanted])
    finally:
        await admin.close()
    told = [entry for *_, entries in answer.resources for entry in entries]
    return next((int(value) for name, value, *_ in told if name == IN_SYNC), 1)


async def log_id(bootstrap: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, str]:
    """The log id at the first offset of each partition; '' where the partition is empty."""
    partitions = list(partitions)
    if not partitions:
        return {}
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        await consumer.start()
        return await _first_ids(consumer, partitions)
    finally:
        await consumer.stop()


async def _first_ids(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition]
) -> dict[TopicPartition, str]:
    found = dict.fromkeys(partitions, "")
    ends = await consumer.end_offsets(partitions)
    filled = [partition for partition in partitions if ends[partition] > 0]
    for partition in filled:
        consumer.assign([partition])
        consumer.seek(partition, 0)
        record = await asyncio.wait_for(consumer.getone(), APPEND_TIMEOUT_S)
        event = codec.recorded(record).event
        found[partition] = event.log_id if isinstance(event, LogIdentified) else "unmarked"
    return found


async def _identify(bootstrap: str, prefix: str, names: list[str]) -> str:
    """Mark unmarked partitions with the id that the others carry, or with a new one."""
    counts = declared_topics()
    partitions = [
        TopicPartition(prefix + name, number)
        for name in names
        for number in range(counts[name]["partitions"])
    ]
    found = await log_id(bootstrap, partitions)
    ids = {value for value in found.values() if value}
    if len(ids) > 1 or "unmarked" in ids:
        raise LogUnavailable(
            f"the topics with prefix {prefix!r} belong to different logs: {sorted(ids)}"
        )
    identity = ids.pop() if ids else new_id("evt")
    await _mark(bootstrap, [partition for partition, value in found.items() if not value], identity)
    return identity


async def _mark(bootstrap: str, partitions: list[TopicPartition], identity: str) -> None:
    if not partitions:
        return
    event, meta = LogIdentified(log_id=identity), now_meta("")
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for topic, number in partitions:
            await producer.send_and_wait(
                topic,
                partition=number,
                key=codec.key_of(event),
                value=codec.encode(event),
                headers=codec.headers(event, meta, subject=identity),
            )
    finally:
        await producer.stop()
