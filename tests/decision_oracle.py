"""Whether Kafka tells the decisions that the event store holds: all of them, once, in order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition

from adapters import kafka_log
from domain.event import Topic


async def read_decisions(bootstrap: str, prefix: str) -> list[Any]:
    """Every record of `pm.decisions` up to its end, by partition and offset."""
    count = kafka_log.declared_topics()[Topic.DECISIONS]["partitions"]
    partitions = [TopicPartition(prefix + Topic.DECISIONS, number) for number in range(count)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
        records: list[Any] = []
        while len(records) < sum(ends.values()):  # neither compaction nor markers: offsets count
            for found in (await consumer.getmany(timeout_ms=200)).values():
                records += found
        return sorted(records, key=lambda record: (record.partition, record.offset))
    finally:
        await consumer.stop()


def accepted(records: Iterable[Any]) -> Iterator[tuple[int, str, str]]:
    """What a reader counts: per partition `pos` must rise. Yields pos, tenant and event id."""
    last: dict[int, int] = defaultdict(int)
    for record in records:
        found = dict(record.headers)
        pos = int(found.get("pos", b"0"))
        if pos > last[record.partition]:
            last[record.partition] = pos
            yield pos, record.key.decode(), found["ce_id"].decode()


async def problems(dsn: str, bootstrap: str, prefix: str) -> list[str]:
    """Decisions lost, invented, told twice or out of order; empty when the relay kept its word."""
    stored = await asyncio.to_thread(_stored, dsn)
    told = list(accepted(await read_decisions(bootstrap, prefix)))
    found = []
    positions = [pos for pos, _, _ in told]
    lost = {pos for pos, _, _ in stored} - set(positions)
    found += [f"lost: {sorted(lost)[:5]}"] if lost else []
    found += ["told twice"] if len(set(positions)) < len(positions) else []
    if _by_tenant(told) != _by_tenant(stored) and not lost:
        found.append("a tenant's decisions differ or are out of order")
    return found


def _stored(dsn: str) -> list[tuple[int, str, str]]:
    with psycopg.connect(dsn) as conn:
        query = "SELECT notification_id, tenant_id, event_id FROM es.decision_events ORDER BY 1"
        return conn.execute(query).fetchall()


def _by_tenant(rows: Iterable[tuple[int, str, str]]) -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for pos, tenant_id, event_id in rows:
        found[tenant_id].append((pos, event_id))
    return found


def caught_up(dsn: str) -> bool:
    """Whether the relay's cursor stands at the store's end."""
    with psycopg.connect(dsn) as conn:
        query = (
            "SELECT (SELECT max(notification_id) FROM es.decision_events) = last_pos FROM es.relay"
        )
        row = conn.execute(query).fetchone()
    return bool(row and row[0])
