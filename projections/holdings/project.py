"""Templates, sending domains, mailboxes and servers, as the decisions about them tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domain.event import Recorded, Topic
from projections.fold import Connection
from projections.versions import versioned

NAME = "holdings"


class Holdings:
    """`projections.fold.Fold` of what a tenant has, at one version of its tables.

    Each event type that it handles has a statement of its name in project.sql.
    """

    topics = (Topic.DECISIONS,)

    def __init__(self, version: int) -> None:
        self.reader = f"{NAME}_v{version}"
        self._sql = versioned(Path(__file__).parent / "project.sql", version)
        self.handles = frozenset(self._sql)

    async def apply(self, conn: Connection, records: Sequence[Recorded]) -> None:
        """Decisions of a tenant come in order; one that was taken in before changes nothing."""
        for record in records:
            statement = self._sql.get(type(record.event).event_type.name)
            if statement:
                await conn.execute(statement, _values(record))

    async def poisoned(self, conn: Connection, subject: str, reason: str) -> None:
        """Nothing: nobody sends by these rows."""


def _values(record: Recorded) -> dict[str, Any]:
    event: Any = record.event
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    pos = record.offset if record.pos is None else record.pos
    return fields | {"pos": pos, "at": record.meta.time}
