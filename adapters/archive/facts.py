"""A tenant's records about sends: read out of Kafka in order, and appended to another log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from adapters.kafka_log import LogUnavailable, declared_topics
from domain.event import Topic

#: What is about sends; decisions come from the event store, hints are none of history.
TOPICS = (Topic.REQUESTS, Topic.ATTEMPTS, Topic.SIGNALS)
STALLED_S = 30.0
FETCH_BYTES = 8 * 1024 * 1024
AT_ONCE = 500  # records in flight

Place = tuple[str, int]  # topic without prefix, partition


def partitions() -> list[Place]:
    """Every partition of the topics about sends."""
    declared = declared_topics()
    return [
        (topic.value, part) for topic in TOPICS for part in range(declared[topic]["partitions"])
    ]


def decisions_place(tenant_id: str) -> Place:
    """The partition of the tenant's decisions: the relay keys them by tenant."""
    count = declared_topics()[Topic.DECISIONS]["partitions"]
    hashed: int = murmur2(tenant_id.encode())
    return Topic.DECISIONS.value, (hashed & 0x7FFFFFFF) % count


@asynccontextmanager
async def reading(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group. Raises LogUnavailable."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    try:
        await consumer.start()
        yield consumer
    except KafkaError as error:
        raise LogUnavailable(f"Kafka does not answer: {error!r}") from error
    finally:
        await consumer.stop()


async def ends(consumer: AIOKafkaConsumer, prefix: str) -> dict[Place, int]:
    """Where each partition ends now."""
    wanted = [TopicPartition(prefix + topic, part) for topic, part in partitions()]
    found = await consumer.end_offsets(wanted)
    return {(place.topic.removeprefix(prefix), place.partition): found[place] for place in wanted}


async def decided_end(bootstrap: str, prefix: str, tenant_id: str) -> dict[Place, int]:
    """Where the partition of the tenant's decisions ends now."""
    place = decisions_place(tenant_id)
    partition = TopicPartition(prefix + place[0], place[1])
    async with reading(bootstrap) as consumer:
        return {place: (await consumer.end_offsets([partition]))[partition]}


async def of_tenant(
    consumer: AIOKafkaConsumer, prefix: str, tenant_id: str, until: Mapping[Place, int]
) -> AsyncIterator[tuple[Place, Any]]:
    """The tenant's records below the given offsets, partition after partition, in order."""
    wanted = tenant_id.encode()
    for place, end in until.items():
        partition = TopicPartition(prefix + place[0], place[1])
        consumer.assign([partition])
        first = (await consumer.beginning_offsets([partition]))[partition]
        consumer.seek(partition, first)
        async for record in _records(consumer, partition, end):
            if dict(record.headers).get("tenant") == wanted:
                yield place, record


async def _records(
    consumer: AIOKafkaConsumer, partition: TopicPartition, end: int
) -> AsyncIterator[Any]:
    last = time.monotonic()
    while await consumer.position(partition) < end:
        for records in (await consumer.getmany(partition, timeout_ms=500)).values():
            last = time.monotonic()
            for record in records:
                if record.offset < end:
                    yield record
        if time.monotonic() - last > STALLED_S:
            raise LogUnavailable(f"Kafka gave nothing for {STALLED_S:.0f} s, its log has more")


def as_row(place: Place, record: Any) -> dict[str, Any]:
    """A record as the archive has it: every byte of key, headers and value, as text."""
    return {
        "topic": place[0],
        "partition": place[1],
        "offset": record.offset,
        "key": record.key.decode(),
        "headers": [[name, value.decode()] for name, value in record.headers],
        "value": record.value.decode(),
    }


def id_of(row: Mapping[str, Any]) -> str:
    """The event's id."""
    return str(dict(row["headers"])["ce_id"])


async def append(
    bootstrap: str, prefix: str, rows: Iterable[Mapping[str, Any]], known: set[str]
) -> int:
    """Append the records whose event this log does not know, in order; how many.

    Keys decide the partition, so that order within a key stays. Raises LogUnavailable; what was
    appended by then is known the next time.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_request_size=4 * 1024 * 1024,
        max_batch_size=256 * 1024,
    )
    await producer.start()
    appended = 0
    try:
        pending = []
        for row in rows:
            if id_of(row) in known:
                continue
            headers = [(name, value.encode()) for name, value in row["headers"]]
            pending.append(
                await producer.send(
                    prefix + row["topic"],
                    key=row["key"].encode(),
                    value=row["value"].encode(),
                    headers=headers,
                )
            )
            appended += 1
            if len(pending) >= AT_ONCE:
                await _acknowledged(pending)
                pending = []
        await _acknowledged(pending)
    finally:
        await producer.stop()
    return appended


async def _acknowledged(pending: list[Any]) -> None:
    try:
        for sent in pending:
            await sent
    except KafkaError as error:
        raise LogUnavailable(f"Kafka did not acknowledge: {error!r}") from error
