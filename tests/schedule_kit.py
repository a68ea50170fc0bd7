"""Facts about batches for tests of the schedule, and a stand-in for the runner that folds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from adapters.kafka_log import Draft
from domain.event import Event, Meta, Recorded
from domain.ids import deriver, new_id
from domain.indexes import Ranges, count, from_indexes
from domain.sending import BatchPlanned, OutcomesRecorded, Result, SendsCancelled, SliceStarted
from projections.fold import Connection
from streams.schedule.fold import ScheduleFold

ID_KEY = "tests"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
DAY = date(2026, 1, 1)

release_id_of = deriver(ID_KEY.encode(), "rel")


def fold(retry_scale: float = 1.0) -> ScheduleFold:
    """The schedule's fold under the tests' key."""
    return ScheduleFold(id_key=ID_KEY, retry_scale=retry_scale)


def planned(batch_id: str, size: int, **changes: Any) -> BatchPlanned:
    """A batch of `size` sends, due since long ago."""
    fields: dict[str, Any] = {
        "batch_id": batch_id,
        "tenant_id": "ten_a",
        "campaign_id": "cmp_a",
        "step": 1,
        "content_id": "content",
        "provider": "google",
        "priority": "normal",
        "message_class": "bulk",
        "due_at": LONG_AGO,
        "expires_at": datetime.now(UTC).replace(microsecond=0) + timedelta(days=3),
        "size": size,
        "send_ids": [f"snd_{batch_id}_{index}" for index in range(size)],
        "contact_ids": [f"cnt_{batch_id}_{index}" for index in range(size)],
    }
    return BatchPlanned(**(fields | changes))


def started(
    batch_id: str, ranges: Ranges, *, n: int = 1, number: int = 1, **changes: Any
) -> SliceStarted:
    """The start of release `number` of (batch, n)."""
    fields: dict[str, Any] = {
        "release_id": release_id_of(batch_id, n, number),
        "batch_id": batch_id,
        "tenant_id": "ten_a",
        "campaign_id": "cmp_a",
        "n": n,
        "ip": "ip_a",
        "provider": "google",
        "ranges": ranges,
        "cap_day": DAY,
        "cap_per_day": None,
        "deadline_at": LONG_AGO + timedelta(seconds=60),
        "owner": "dispatcher",
        "journal": "host/boot/file",
    }
    return SliceStarted(**(fields | changes))


def result(outcome: str, ranges: Ranges, reason: str = "GREYLIST") -> Result:
    """One result of a record of outcomes."""
    return Result(outcome=outcome, reason=reason, ranges=ranges)


def outcomes(
    batch_id: str, results: Sequence[Result], *, n: int = 1, number: int = 1, **changes: Any
) -> OutcomesRecorded:
    """What release `number` of (batch, n) came to."""
    fields: dict[str, Any] = {
        "release_id": release_id_of(batch_id, n, number),
        "batch_id": batch_id,
        "tenant_id": "ten_a",
        "campaign_id": "cmp_a",
        "n": n,
        "ip": "ip_a",
        "provider": "google",
        "source": "owner",
        "results": list(results),
    }
    return OutcomesRecorded(**(fields | changes))


def ended(
    batch_id: str, ranges: Ranges, *, n: int = 1, number: int = 1, outcome: str = "cancelled"
) -> SendsCancelled:
    """Release `number` of (batch, n) was an ending."""
    return SendsCancelled(
        batch_id=batch_id,
        tenant_id="ten_a",
        campaign_id="cmp_a",
        release_id=release_id_of(batch_id, n, number),
        n=n,
        outcome=outcome,
        reason="test",
        ranges=ranges,
    )


def recorded(event: Event, at: datetime = LONG_AGO) -> Recorded:
    """An event as a reader gets it."""
    tenant_id = getattr(event, "tenant_id", "")
    return Recorded(event=event, meta=Meta(id=new_id("evt"), time=at, tenant_id=tenant_id))


async def apply(conn: Connection, records: Iterable[Recorded], scale: float = 1.0) -> None:
    """One poll, as the runner applies it."""
    async with conn.transaction():
        await fold(scale).apply(conn, list(records))


def waiting_of(dsn: str) -> dict[tuple[str, int], Ranges]:
    """(batch, n) → the indexes that wait, whenever they are due."""
    found: dict[tuple[str, int], set[int]] = {}
    with psycopg.connect(dsn) as conn:
        rows = conn.execute(
            "SELECT batch_id, n, lower(part), upper(part), size, pipeline.sends(ranges)"
            " FROM pipeline.waiting, unnest(ranges) AS part"
        )
        for batch_id, n, lower, upper, size, counted in rows:
            assert size == counted
            found.setdefault((batch_id, n), set()).update(range(lower, upper))
    return {key: from_indexes(indexes) for key, indexes in found.items()}


def rows(dsn: str, statement: str, *given: Any) -> list[tuple[Any, ...]]:
    """What a query finds, as the owner."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        return conn.execute(statement.encode(), given).fetchall()


def change(dsn: str, statement: str, *given: Any) -> None:
    """Change rows as the owner: what happened elsewhere, or a database that was restored."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(statement.encode(), given)


class KeptLog:
    """`domain.ports.EventLog` in memory: what was appended, in order."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.broken: Exception | None = None

    async def append(self, drafts: Sequence[Draft], timeout_s: float = 30.0) -> None:  # noqa: ARG002
        """Keeps them, or raises what it was told to."""
        if self.broken:
            raise self.broken
        self.drafts += drafts

    def take(self) -> list[Any]:
        """The events since the last look."""
        events = [draft.event for draft in self.drafts]
        self.drafts.clear()
        return events

    def sends(self) -> int:
        """How many sends the kept records are about."""
        return sum(
            getattr(draft.event, "size", 0) or count(getattr(draft.event, "ranges", []))
            for draft in self.drafts
        )


class KnownEnds:
    """`domain.ports.LogEnds` in memory: the log ends where the test says."""

    def __init__(self, attempts: int = 1, log_id: str = "log_a") -> None:
        self.log_id = log_id
        self.at = {("pm.decisions", 0): 1, ("pm.requests", 0): 1, ("pm.attempts", 0): attempts}

    async def ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        return {place: end for place, end in self.at.items() if place[0] in topics}

    async def identity(self) -> str:
        return self.log_id
