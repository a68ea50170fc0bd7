"""What people order of volume control beside a plan: each with its reason."""

from __future__ import annotations

from typing import Annotated

from domain.event import Event, Topic, Unit, event_type


@event_type("VolumeOrdered", topic=Topic.DECISIONS, key="tenant_id")
class VolumeOrdered(Event):
    """A person stopped or resumed a scope, set its quota, or called it warm."""

    tenant_id: str
    scope: str  # cell, domain, ip, tenant or campaign
    scope_id: str
    provider: str  # of a cell or domain; empty otherwise
    action: str  # stop, resume, quota or warm (domain/governor/inputs.py, Action)
    quota: Annotated[int, Unit("messages per day, 0: none told")]
    reason: str
