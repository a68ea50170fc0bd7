"""How volume control went through the log: what a replay needs to come to the same state."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from domain.event import Event, Topic, event_type


class Upto(TypedDict):
    """The records of a partition from `since` on, below `offset`, were folded here.

    Between the one before and `since` lies what was passed over: nothing in it was about volume.
    """

    topic: str  # without prefix
    partition: int
    since: int
    offset: int


class Traced(TypedDict):
    """A signal names a send alone: these are the scopes that its mail left by."""

    event_id: str  # of the signal
    partition: int  # and where it lies in pm.signals
    offset: int
    ip: str
    provider: str
    domain_id: str
    campaign_id: str


@event_type("VolumeAdvanced", topic=Topic.DECISIONS, key="tenant_id")
class VolumeAdvanced(Event):
    """Volume control folded the records up to here, in the order of their time, at this moment."""

    tenant_id: str  # the platform
    worker: str  # who did
    at: datetime
    upto: list[Upto]  # the partitions that moved
    traced: list[Traced]  # signals that were folded now, whenever they were read
    ticked: list[str]  # tenants for which time alone was up, after the records
    refused: list[str]  # topic/partition/offset of what could not be folded: dead letters
    governor: int  # version of the rules
