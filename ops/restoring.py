"""Copies decisions back from the log into an event store that was restored to an older state.

Only what the store lacks is added, at its position; where both tell different decisions at the same
position, nothing is done (design-fixes.md 6). Schedule and read models need no copying: their
cursors are as old as they are, so they read on from there, and what was started stays started.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from adapters import codec, postgres
from adapters.decision_log import topic_of
from domain.event import Topic
from ops import log_tail
from ops.errors import DoesNotHold
from ops.where import Where

SQL = postgres.named_sql(Path(__file__).with_suffix(".sql"))
SHOWN_MAX = 5


@dataclass(frozen=True)
class Decision:
    """A decision as the log holds it."""

    pos: int
    event_id: str
    stream_id: str
    topic: str
    state: bytes
    headers: Mapping[str, bytes]

    def row(self, version: int) -> tuple[object, ...]:
        text = {name: value.decode() for name, value in self.headers.items()}
        return (
            self.stream_id, version, self.topic, self.state, self.pos, self.event_id,
            text["tenant"], text.get("actor", ""), text.get("causation", ""),
            text.get("correlation", ""), codec.meta_of(self.headers).time,
        )  # fmt: skip


@dataclass
class Restored:
    """What was found and done. `missing`: decisions of the log that the store lacked."""

    in_log: int = 0
    in_store: int = 0
    missing: int = 0
    copied: int = 0
    streams: list[str] = field(default_factory=list)  # that got something back, by kind


async def restore(where: Where, *, dry_run: bool = False) -> Restored:
    """Give the store what the log has. Raises DoesNotHold when the two went different ways.

    As the database's owner; in one transaction, while nobody else decides.
    """
    log = await _decisions(where)
    with psycopg.connect(where.dsn) as conn:
        conn.execute(SQL["lock"])
        stored: dict[int, str] = dict(conn.execute(SQL["stored"]).fetchall())
        _compare(log, stored)
        missing = [log[pos] for pos in sorted(log.keys() - stored.keys())]
        found = Restored(len(log), len(stored), len(missing))
        found.streams = sorted({one.stream_id.partition("-")[0] for one in missing})
        if missing and not dry_run:
            found.copied = _copy(conn, missing)
    return found


async def _decisions(where: Where) -> dict[int, Decision]:
    """By position, as readers count them: in a partition positions only rise."""
    found: dict[int, Decision] = {}
    last: dict[int, int] = {}
    async with log_tail.opened(where.bootstrap, where.prefix, [Topic.DECISIONS]) as tail:
        async for records in tail.until(await tail.ends()):
            for record in records:
                pos = codec.pos_of(record.headers)
                if pos is not None and pos > last.get(record.partition, 0):
                    last[record.partition] = pos
                    found[pos] = _decision(record, pos)
    return found


def _decision(record: Any, pos: int) -> Decision:
    headers: dict[str, bytes] = dict(record.headers)
    return Decision(
        pos=pos,
        event_id=headers["ce_id"].decode(),
        stream_id=headers.get("ce_subject", b"").decode(),
        topic=topic_of(headers["ce_type"].decode(), int(headers["v"])),
        state=record.value or b"",
        headers=headers,
    )


def _compare(log: Mapping[int, Decision], stored: Mapping[int, str]) -> None:
    differing = sorted(
        pos for pos in log.keys() & stored.keys() if log[pos].event_id != stored[pos]
    )
    if differing:
        shown = ", ".join(map(str, differing[:SHOWN_MAX]))
        raise DoesNotHold(
            f"event store and log tell different decisions at {len(differing)} positions ({shown}):"
            " this Postgres decided by itself after it was restored; nothing was changed. Restore a"
            " copy that did not"
        )


def _copy(conn: Connection[TupleRow], missing: list[Decision]) -> int:
    """Append each to its stream. Positions given here are never given again."""
    versions: dict[str, int] = dict(
        conn.execute(
            SQL["versions"], {"streams": list({one.stream_id for one in missing})}
        ).fetchall()
    )
    with conn.cursor() as cursor:
        cursor.executemany(SQL["append"], _rows(missing, versions))
    conn.execute(SQL["go_on_after"])
    return len(missing)


def _rows(missing: list[Decision], versions: dict[str, int]) -> Iterator[tuple[object, ...]]:
    for one in missing:
        versions[one.stream_id] = versions.get(one.stream_id, 0) + 1
        yield one.row(versions[one.stream_id])
