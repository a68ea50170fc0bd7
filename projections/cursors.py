"""Where a reader stands in the log: rows that move in the transaction that writes what was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiokafka import TopicPartition

from adapters import kafka_log
from adapters.postgres import Unusable, named_sql
from domain.event import Recorded, Topic
from projections.fold import Connection

SQL = named_sql(Path(__file__).parent / "cursors.sql")


class OtherLog(Unusable):
    """The cursor was made against another log, or the log ends before it."""


class Overtaken(Exception):  # noqa: N818 - a state of the outside
    """Another owner moved the cursor; what this one was about to commit is void (I3)."""


@dataclass
class Position:
    """Of one partition: the next offset to apply and the highest `pos` applied."""

    next_offset: int
    last_pos: int


Positions = dict[TopicPartition, Position]


def partitions_of(topics: Iterable[Topic]) -> list[TopicPartition]:
    """All partitions of the topics, by the topics' names without prefix."""
    declared = kafka_log.declared_topics()
    return [
        TopicPartition(topic.value, part)
        for topic in topics
        for part in range(declared[topic.value]["partitions"])
    ]


async def open_at(
    conn: Connection, reader: str, log_ids: Mapping[TopicPartition, str]
) -> Positions:
    """The reader's positions, made where missing. Raises OtherLog for a cursor of another log."""
    unmarked = [place for place, log_id in log_ids.items() if not log_id]
    if unmarked:
        raise OtherLog(f"partitions without identity: {unmarked}; `penguin up` marks them")
    await conn.execute(
        SQL["create"],
        {
            "reader": reader,
            "topics": [place.topic for place in log_ids],
            "parts": [place.partition for place in log_ids],
            "log_ids": list(log_ids.values()),
        },
    )
    found = {}
    for topic, part, next_offset, last_pos, log_id in await stored(conn, reader):
        place = TopicPartition(topic, part)
        if log_id != log_ids.get(place, log_id):
            raise OtherLog(
                f"{reader} was reading log {log_id}, {topic}/{part} is of log {log_ids[place]}: "
                "Kafka or Postgres was replaced; restore the one that belongs to the other"
            )
        found[place] = Position(next_offset, last_pos)
    return {place: found[place] for place in log_ids}


async def stored(conn: Connection, reader: str) -> list[tuple[str, int, int, int, str]]:
    """The reader's cursor rows: topic, partition, next offset, last pos, log id."""
    cursor = await conn.execute(SQL["read"], {"reader": reader})
    return [tuple(row) for row in await cursor.fetchall()]


def check_ends(reader: str, positions: Positions, ends: Mapping[TopicPartition, int]) -> None:
    """Raises OtherLog where the log ends before the cursor: it lost what was applied already."""
    for place, position in positions.items():
        if position.next_offset > ends[place]:
            raise OtherLog(
                f"{reader} has applied {place.topic}/{place.partition} up to "
                f"{position.next_offset}, but the log ends at {ends[place]}: "
                "Kafka was restored to an older state"
            )


async def move(conn: Connection, reader: str, before: Positions, after: Positions) -> None:
    """Move cursors within the running transaction. Raises Overtaken if one is not where it was."""
    moved = await conn.execute(
        SQL["move"],
        {
            "reader": reader,
            "topics": [place.topic for place in after],
            "parts": [place.partition for place in after],
            "olds": [before[place].next_offset for place in after],
            "news": [position.next_offset for position in after.values()],
            "poss": [position.last_pos for position in after.values()],
        },
    )
    if moved.rowcount != len(after):
        raise Overtaken(reader)


def fresh(records: Sequence[Recorded], last_pos: int) -> tuple[list[Recorded], int]:
    """The records of a partition whose `pos` was not applied yet, and the highest `pos` now."""
    kept = []
    for record in records:
        if record.pos is None or record.pos > last_pos:
            kept.append(record)
            last_pos = last_pos if record.pos is None else record.pos
    return kept, last_pos


async def now(conn: Connection) -> datetime:
    """Postgres's clock, the one that rows are judged by (design-fixes.md 15)."""
    row = await (await conn.execute(SQL["now"])).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    moment: datetime = row[0]
    return moment


async def report(
    conn: Connection, reader: str, positions: Positions, lag: int, caught_up_at: datetime | None
) -> None:
    """Tell how far the reader is. Raises Overtaken if its cursors are not where it left them."""
    told = await conn.execute(
        SQL["report"],
        {
            "reader": reader,
            "at": caught_up_at,
            "lag": lag,
            "partitions": len(positions),
            "sum": sum(position.next_offset for position in positions.values()),
        },
    )
    if told.rowcount != 1:
        raise Overtaken(reader)
