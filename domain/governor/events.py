"""What the governor decided, as facts: each with its rule and the counts behind it.

`scope` is what it holds for: cell (scope_id: a sending IP), domain, ip, tenant or campaign;
`provider` is empty where it holds for each. `counts` are whole numbers by name; shares stand in
parts of a million.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from domain.event import Event, Topic, Unit, event_type


@event_type("QuotaSet", topic=Topic.DECISIONS, key="tenant_id")
class QuotaSet(Event):
    """So many messages may leave within a scope on a UTC day, from `decided_at` on."""

    tenant_id: str
    scope: str
    scope_id: str
    provider: str
    decided_at: datetime
    old: Annotated[int, Unit("messages per day")]
    new: Annotated[int, Unit("messages per day")]
    rule: str
    counts: dict[str, int]
    governor: Annotated[int, Unit("version of the rules")]


@event_type("RateChanged", topic=Topic.DECISIONS, key="tenant_id")
class RateChanged(Event):
    """At this pace and over so many connections mail may leave from an IP to a provider."""

    tenant_id: str
    scope: str
    scope_id: str
    provider: str
    decided_at: datetime
    old_per_h: Annotated[int, Unit("messages per hour")]
    new_per_h: Annotated[int, Unit("messages per hour")]
    connections: int
    per_connection: Annotated[int, Unit("messages")]
    rule: str
    counts: dict[str, int]
    governor: Annotated[int, Unit("version of the rules")]


@event_type("BreakerOpened", topic=Topic.DECISIONS, key="tenant_id")
class BreakerOpened(Event):
    """Nothing leaves within the scope until `until`, or without one until someone ends it."""

    tenant_id: str
    scope: str
    scope_id: str
    provider: str
    decided_at: datetime
    until: datetime | None
    level: Annotated[int, Unit("earlier openings in a row")]
    rule: str
    counts: dict[str, int]
    governor: Annotated[int, Unit("version of the rules")]


@event_type("BreakerHalfOpened", topic=Topic.DECISIONS, key="tenant_id")
class BreakerHalfOpened(Event):
    """Probes may leave within the scope: how they fare decides."""

    tenant_id: str
    scope: str
    scope_id: str
    provider: str
    decided_at: datetime
    probes: Annotated[int, Unit("messages")]
    rule: str
    counts: dict[str, int]
    governor: Annotated[int, Unit("version of the rules")]


@event_type("BreakerClosed", topic=Topic.DECISIONS, key="tenant_id")
class BreakerClosed(Event):
    """Mail may leave again within the scope."""

    tenant_id: str
    scope: str
    scope_id: str
    provider: str
    decided_at: datetime
    rule: str
    counts: dict[str, int]
    governor: Annotated[int, Unit("version of the rules")]


@event_type("PhaseChanged", topic=Topic.DECISIONS, key="tenant_id")
class PhaseChanged(Event):
    """A scope stands elsewhere on its way: cold, warming, warm, recovering, open or blocked."""

    tenant_id: str
    scope: str
    scope_id: str
    provider: str
    decided_at: datetime
    old: str
    new: str
    rule: str
    counts: dict[str, int]
    governor: Annotated[int, Unit("version of the rules")]


@event_type("ReviewAsked", topic=Topic.DECISIONS, key="tenant_id")
class ReviewAsked(Event):
    """Someone should look at a scope; nothing is stopped by it."""

    tenant_id: str
    scope: str
    scope_id: str
    provider: str
    decided_at: datetime
    rule: str
    counts: dict[str, int]
    governor: Annotated[int, Unit("version of the rules")]
