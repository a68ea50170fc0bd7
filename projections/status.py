"""Where every read model stands, and which cursors do not belong to this log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from adapters import kafka_log, postgres
from adapters.postgres import named_sql
from projections.fold import Connection
from projections.models import NAMES, active_version
from projections.session import Place

SQL = named_sql(Path(__file__).parent / "status.sql")


@dataclass(frozen=True)
class Standing:
    """A read model's position in the log; lag in records, age in seconds since it was caught up."""

    name: str
    version: int
    position: Mapping[str, int]
    lag: int
    age_s: float | None  # None: it never was


async def status(place: Place) -> list[Standing]:
    """Each read model under the name that people call it. Asks Kafka for the log's ends."""
    async with await postgres.connect(place.dsn, "pm_projector") as conn:
        ages = await _ages(conn)
        cursors = await _cursors(conn)
        found = []
        for name, model in NAMES.items():
            version = await active_version(conn, model.name)
            reader = model.reader(version)
            found.append((name, version, cursors.get(reader, {}), ages.get(reader)))
    ends = await _ends(place, {at for _, _, positions, _ in found for at in positions})
    return [
        Standing(
            name,
            version,
            {f"{at.topic}/{at.partition}": offset for at, offset in positions.items()},
            sum(max(0, ends[at] - offset) for at, offset in positions.items()),
            age_s,
        )
        for name, version, positions, age_s in found
    ]


async def problems(place: Place) -> list[str]:
    """Every reader's cursors that cannot belong to this log, each in a sentence; mostly none."""
    async with await postgres.connect(place.dsn, "pm_projector") as conn:
        rows = await (await conn.execute(SQL["cursors"])).fetchall()
    wanted = {TopicPartition(topic, part) for _, topic, part, *_ in rows}
    ends = await _ends(place, wanted)
    real = {at: TopicPartition(place.prefix + at.topic, at.partition) for at in wanted}
    marks = await kafka_log.log_id(place.bootstrap, real.values())
    found = []
    for reader, topic, part, next_offset, log_id in rows:
        at = TopicPartition(topic, part)
        if log_id != marks[real[at]]:
            found.append(f"{reader} was reading log {log_id}, {topic}/{part} is of another one")
        elif next_offset > ends[at]:
            found.append(
                f"{reader} is at {next_offset} of {topic}/{part}, which ends at {ends[at]}"
            )
    return found


async def _ages(conn: Connection) -> dict[str, float]:
    rows = await conn.execute(SQL["readers"])
    return dict(await rows.fetchall())


async def _cursors(conn: Connection) -> dict[str, dict[TopicPartition, int]]:
    found: dict[str, dict[TopicPartition, int]] = {}
    rows = await conn.execute(SQL["cursors"])
    for reader, topic, part, next_offset, _ in await rows.fetchall():
        found.setdefault(reader, {})[TopicPartition(topic, part)] = next_offset
    return found


async def _ends(place: Place, wanted: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    real = {at: TopicPartition(place.prefix + at.topic, at.partition) for at in wanted}
    if not real:
        return {}
    async with _consumer(place) as consumer:
        ends = await consumer.end_offsets(list(real.values()))
    return {at: ends[full] for at, full in real.items()}


@asynccontextmanager
async def _consumer(place: Place) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=place.bootstrap, enable_auto_commit=False)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
