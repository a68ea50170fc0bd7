"""Waits until the schedule and every read model have read the log to where it ends now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from psycopg import AsyncConnection

from adapters import postgres
from adapters.log_ends import KafkaLogEnds
from domain.event import Topic
from ops.errors import Missing
from ops.where import Where
from projections.models import MODELS, active_version
from streams.schedule.fold import READER as SCHEDULE

LOOK_EVERY_S = 0.25
STANDSTILL_S = 60.0  # the relay and all readers were restarted many times by then
RELAYED = """
SELECT coalesce(max(notification_id), 0) - (SELECT last_pos FROM es.relay) FROM es.decision_events
"""
STANDING = "SELECT topic, part, next_offset FROM app.cursor WHERE reader = %s AND topic = ANY(%s)"


async def everyone_has_read(where: Where, topics: Sequence[Topic]) -> AsyncIterator[int]:
    """Yields what is left to read, in records, until it is nothing.

    Decisions that the relay has not told yet are left to read as well. Raises Missing when nothing
    moves for a minute.
    """
    least, moved_at = -1, time.monotonic()
    async with (
        await AsyncConnection.connect(where.dsn, autocommit=True) as owner,
        await postgres.connect(where.dsn, "pm_projector") as conn,
        KafkaLogEnds(where.bootstrap, where.prefix) as log,
    ):
        while left := await _untold(owner) + await _unread(conn, log, topics):
            yield left
            if left < least or least < 0:
                least, moved_at = left, time.monotonic()
            if time.monotonic() - moved_at > STANDSTILL_S:
                raise Missing(
                    f"{left:,} records stay unread: do relay, schedule and projections run? "
                    "`penguin status` shows it, `penguin up` starts them"
                )
            await asyncio.sleep(LOOK_EVERY_S)


async def _untold(owner: AsyncConnection) -> int:
    row = await (await owner.execute(RELAYED)).fetchone()
    return max(0, int(row[0])) if row else 0


async def _unread(conn: AsyncConnection, log: KafkaLogEnds, topics: Sequence[Topic]) -> int:
    ends = await log.ends([topic.value for topic in topics])
    left = 0
    for reader, read in await _readers(conn):
        wanted = [topic.value for topic in topics if topic in read]
        rows = await (await conn.execute(STANDING, (reader, wanted))).fetchall()
        at = {(topic, part): offset for topic, part, offset in rows}
        left += sum(end - at.get(place, 0) for place, end in ends.items() if place[0] in wanted)
    return left


async def _readers(conn: AsyncConnection) -> list[tuple[str, Sequence[Topic]]]:
    found: list[tuple[str, Sequence[Topic]]] = [(SCHEDULE, tuple(Topic))]
    for model in MODELS.values():
        fold = model.fold(await active_version(conn, model.name))
        found.append((fold.reader, fold.topics))
    return found
