"""What a score came to, as a fact with what it is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypedDict

from domain.event import Event, Topic, Unit, event_type


class Component(TypedDict):
    """One signal's part in a score."""

    signal: str
    value_ppm: int  # what was seen, in parts of a million
    penalty: int  # points that it takes, in tenths
    events: int  # behind it


@event_type("ReputationScored", topic=Topic.DECISIONS, key="tenant_id")
class ReputationScored(Event):
    """A scope's score moved by 2 points or into another band (90, 70, 50, 30)."""

    tenant_id: str
    scope: str  # cell, ip, domain or tenant
    scope_id: str
    provider: str  # of a cell; empty otherwise
    scored_at: datetime
    old: Annotated[int | None, Unit("points of 100")]  # None: unknown until now
    new: Annotated[int | None, Unit("points of 100")]  # None: too little evidence
    components: list[Component]
    evidence: Annotated[int, Unit("attempts, faded")]
    model: Annotated[int, Unit("version of the score")]
