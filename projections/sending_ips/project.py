"""Sending IPs: route, quarantine, caps, rates and plans that bind, what left from them each day."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from domain.event import Event, Recorded, Topic
from domain.indexes import count
from domain.sending import SliceStarted
from domain.sending_ip import (
    SendingIpAdded,
    SendingIpCapSet,
    SendingIpQuarantined,
    SendingIpRateSet,
    SendingIpReleased,
    SendingIpRetired,
    WarmupPlanChosen,
)
from projections.fold import Connection
from projections.versions import versioned

NAME = "sending_ips"
#: Decision → the statement that takes it in.
DECISIONS: Mapping[type[Event], str] = {
    SendingIpAdded: "add",
    SendingIpRetired: "retire",
    SendingIpCapSet: "cap",
    SendingIpRateSet: "rate",
    SendingIpQuarantined: "quarantine",
    SendingIpReleased: "release",
    WarmupPlanChosen: "warmup",
}


class SendingIps:
    """`projections.fold.Fold` of the sending IPs, at one version of its tables."""

    topics = (Topic.DECISIONS, Topic.ATTEMPTS)
    handles = frozenset({*(decided.event_type.name for decided in DECISIONS), "SliceStarted"})

    def __init__(self, version: int) -> None:
        self.reader = f"{NAME}_v{version}"
        self._sql = versioned(Path(__file__).parent / "project.sql", version)

    async def apply(self, conn: Connection, records: Sequence[Recorded]) -> None:
        """Decisions of a tenant come in order; started slices add up, each once."""
        started = []
        for record in records:
            if isinstance(record.event, SliceStarted):
                started.append(record.event)
            elif type(record.event) in DECISIONS:
                await conn.execute(self._sql[DECISIONS[type(record.event)]], _decision(record))
        if started:
            await conn.execute(self._sql["use"], _use(started))

    async def poisoned(self, conn: Connection, subject: str, reason: str) -> None:
        """Nothing: what cannot be read is not counted here; caps are charged elsewhere."""


def _decision(record: Recorded) -> dict[str, Any]:
    event: Any = record.event
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    pos = record.offset if record.pos is None else record.pos
    return fields | {"pos": pos, "at": record.meta.time}


def _use(started: Sequence[SliceStarted]) -> dict[str, list[Any]]:
    return {
        "tenants": [event.tenant_id for event in started],
        "releases": [event.release_id for event in started],
        "ips": [event.ip for event in started],
        "providers": [event.provider for event in started],
        "days": [event.cap_day for event in started],
        "sends": [count(event.ranges) for event in started],
    }
