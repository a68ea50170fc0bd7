"""What plans cover, which shares of a limit were crossed; what was used moves with the ledger."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from domain.event import Event, Recorded, Topic
from domain.plan_limit import PlanLimitSet
from domain.usage import QuotaCrossed
from projections.fold import Connection
from projections.versions import versioned

NAME = "usage"
DECISIONS: Mapping[type[Event], str] = {PlanLimitSet: "limit", QuotaCrossed: "cross"}


class Usage:
    """`projections.fold.Fold` of plans and crossings, at one version of their tables."""

    topics = (Topic.DECISIONS,)
    handles = frozenset(event.event_type.name for event in DECISIONS)

    def __init__(self, version: int) -> None:
        self.reader = f"{NAME}_v{version}"
        self._sql = versioned(Path(__file__).parent / "project.sql", version)

    async def apply(self, conn: Connection, records: Sequence[Recorded]) -> None:
        """A tenant's decisions lie in one partition, so the later one counts."""
        for record in records:
            event: Any = record.event
            if type(event) in DECISIONS:
                fields = {f.name: getattr(event, f.name) for f in dataclasses.fields(event)}
                pos = record.offset if record.pos is None else record.pos
                values = fields | {"pos": pos, "at": record.meta.time}
                await conn.execute(self._sql[DECISIONS[type(event)]], values)

    async def poisoned(self, conn: Connection, subject: str, reason: str) -> None:
        """Nothing: a limit that cannot be read does not bind."""
