"""The audit log: every decision of a tenant with who, when, about what and why.

It takes whatever `pm.decisions` holds: an event type that is declared tomorrow is in it without a
change here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapters import codec
from domain.event import Event, Recorded, Topic
from projections.fold import Connection
from projections.versions import versioned

NAME = "audit_log"


class AuditLog:
    """`projections.fold.Fold` of the audit log, at one version of its table."""

    topics = (Topic.DECISIONS,)

    def __init__(self, version: int) -> None:
        self.reader = f"{NAME}_v{version}"
        self._sql = versioned(Path(__file__).parent / "project.sql", version)

    async def apply(self, conn: Connection, records: Sequence[Recorded]) -> None:
        """One row per record."""
        if records:
            await conn.execute(self._sql["keep"], _columns(records))

    async def poisoned(self, conn: Connection, subject: str, reason: str) -> None:
        """Nothing: a decision that cannot be read lies with the dead letters."""


def _columns(records: Sequence[Recorded]) -> dict[str, list[Any]]:
    metas = [record.meta for record in records]
    return {
        "tenants": [meta.tenant_id for meta in metas],
        "poss": [record.offset if record.pos is None else record.pos for record in records],
        "ids": [meta.id for meta in metas],
        "ats": [meta.time for meta in metas],
        "types": [type(record.event).event_type.name for record in records],
        "actors": [meta.actor for meta in metas],
        "subjects": [subject_of(record.event) for record in records],
        "reasons": [str(getattr(record.event, "reason", "")) for record in records],
        "correlations": [meta.correlation for meta in metas],
        "causations": [meta.causation for meta in metas],
        "datas": [codec.encode(record.event).decode() for record in records],
    }


def subject_of(event: Event) -> str:
    """What an event is about: its first id beside the tenant's, or the tenant itself."""
    names = [field.name for field in dataclasses.fields(event)]
    ids = [name for name in names if name.endswith("_id") and name != "tenant_id"]
    named = "ip" if "ip" in names and not ids else (ids or ["tenant_id"])[0]
    return str(getattr(event, named))
