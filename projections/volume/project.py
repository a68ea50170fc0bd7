"""Volume control's decisions → what holds now and how it came about; attempts → use by day."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from domain.event import Event, Recorded, Topic
from domain.governor.events import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    PhaseChanged,
    QuotaSet,
    RateChanged,
    ReviewAsked,
)
from domain.governor.orders import VolumeOrdered
from domain.reputation.events import ReputationScored
from domain.sending import OutcomesRecorded, SliceStarted
from domain.sending_ip import WarmupPlanChosen
from domain.signals import ListingObserved
from projections.fold import Connection
from projections.versions import versioned
from projections.volume.counting import Counting, release_of

NAME = "volume"
ORDERED = "ordered"  # the rule of what a person decided
#: Decision → the part of its scope that it sets; empty: none.
PARTS: Mapping[type[Event], str] = {
    QuotaSet: "quota",
    RateChanged: "rate",
    BreakerOpened: "breaker",
    BreakerHalfOpened: "breaker",
    BreakerClosed: "breaker",
    PhaseChanged: "phase",
    ReviewAsked: "",
    VolumeOrdered: "",
    WarmupPlanChosen: "",
}
#: What every decision says; the rest of its fields are its details.
COMMON = frozenset(
    {"tenant_id", "scope", "scope_id", "provider", "decided_at", "rule", "counts", "governor"}
)
OTHERS: tuple[type[Event], ...] = (
    SliceStarted,
    OutcomesRecorded,
    ReputationScored,
    ListingObserved,
)
Row = dict[str, Any]


class Volume:
    """`projections.fold.Fold` of volume control, at one version of its tables."""

    topics = (Topic.DECISIONS, Topic.ATTEMPTS, Topic.SIGNALS)
    handles = frozenset(kind.event_type.name for kind in (*PARTS, *OTHERS))

    def __init__(self, version: int) -> None:
        self.reader = f"{NAME}_v{version}"
        self._sql = versioned(Path(__file__).parent / "project.sql", version)

    async def apply(self, conn: Connection, records: Sequence[Recorded]) -> None:
        """Each statement takes all records at once; of a scope's part the last word counts."""
        await self._decide(conn, [_decision(r) for r in records if type(r.event) in PARTS])
        attempts = [r for r in records if isinstance(r.event, SliceStarted | OutcomesRecorded)]
        if attempts:
            await self._count(conn, attempts)
        scores = [_score(r) for r in records if isinstance(r.event, ReputationScored)]
        await self._write(conn, "scores", scores)
        await self._write(conn, "reputation", _last(scores, _scope, lambda row: row["pos"]))
        listings = [_listing(r) for r in records if isinstance(r.event, ListingObserved)]
        await self._write(conn, "listings", _last(listings, _about, _observed))

    async def poisoned(self, conn: Connection, subject: str, reason: str) -> None:
        """Nothing: what cannot be read binds elsewhere, and lies with the dead letters."""

    async def _decide(self, conn: Connection, decided: Sequence[Row]) -> None:
        plans = [row for row in decided if row["type"] == WarmupPlanChosen.event_type.name]
        await self._write(conn, "plans", _last(plans, _cell, lambda row: row["pos"]))
        await self._write(conn, "decisions", decided)
        for part in ("quota", "rate", "breaker", "phase"):
            found = [row for row in decided if row["part"] == part]
            await self._write(conn, part, _last(found, _scope, lambda row: row["pos"]))

    async def _count(self, conn: Connection, attempts: Sequence[Recorded]) -> None:
        """Add starts and first definite outcomes to the days of their cells."""
        keys = sorted({release_of(record) for record in attempts})
        given = {"tenant_id": [key[0] for key in keys], "release_id": [key[1] for key in keys]}
        rows = await (await conn.execute(self._sql["counted"], given)).fetchall()
        counting = Counting.over(rows)
        for record in attempts:
            counting.take(record)
        await self._write(conn, "count", counting.release_rows())
        await self._write(conn, "days", counting.day_rows())

    async def _write(self, conn: Connection, statement: str, rows: Iterable[Row]) -> None:
        """One statement over columns; what it does not name is left out."""
        found = list(rows)
        if found:
            columns = {name: [row.get(name) for row in found] for name in found[0]}
            await conn.execute(self._sql[statement], columns)


# ---- rows


def _decision(record: Recorded) -> Row:
    event: Any = record.event
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    own = {name: value for name, value in fields.items() if name not in COMMON}
    row = {
        "pos": record.offset if record.pos is None else record.pos,
        "at": record.meta.time,
        "event_id": record.meta.id,
        "type": type(event).event_type.name,
        "part": PARTS[type(event)],
        "actor": record.meta.actor,
    }
    row |= {"scope": "cell", "decided_at": record.meta.time, "rule": ORDERED, "governor": 0}
    row |= {"scope_id": fields.get("ip", ""), "counts": {}, "provider": ""}
    row |= fields | _breaker(event)
    return row | {"counts": _json(row["counts"]), "details": _json(own)} | _curve(fields)


def _breaker(event: Event) -> Row:
    """A breaker's columns; one that no time ends is blocked."""
    found: Row = {"status": "", "until": None, "level": 0, "probes": 0}
    match event:
        case BreakerOpened():
            status = "open" if event.until else "blocked"
            return found | {"status": status, "until": event.until, "level": event.level}
        case BreakerHalfOpened():
            return found | {"status": "half", "probes": event.probes}
        case BreakerClosed():
            return found | {"status": "closed"}
        case _:
            return found


def _curve(fields: Row) -> Row:
    return {"curve": "{" + ",".join(map(str, fields["curve"])) + "}"} if "curve" in fields else {}


def _score(record: Recorded) -> Row:
    event: Any = record.event
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    pos = record.offset if record.pos is None else record.pos
    components = {"components": _json(event.components)}
    return fields | components | {"pos": pos, "event_id": record.meta.id}


def _listing(record: Recorded) -> Row:
    event: Any = record.event
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    return fields | {"at": record.meta.time, "event_id": record.meta.id}


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()


def _last(rows: Iterable[Row], key: Callable[[Row], Any], order: Callable[[Row], Any]) -> list[Row]:
    """Of each key the row that is highest in order: one statement may not meet a key twice."""
    return list({key(row): row for row in sorted(rows, key=order)}.values())


def _scope(row: Row) -> tuple[str, ...]:
    return row["tenant_id"], row["scope"], row["scope_id"], row["provider"]


def _cell(row: Row) -> tuple[str, ...]:
    return row["tenant_id"], row["ip"], row["provider"]


def _about(row: Row) -> tuple[str, ...]:
    return row["tenant_id"], row["about_id"], row["zone"]


def _observed(row: Row) -> tuple[Any, ...]:
    return row["at"], row["event_id"]
