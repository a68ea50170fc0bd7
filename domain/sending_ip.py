"""A sending IP: where mail leaves from, by which route, under which static caps and rate."""

from __future__ import annotations

from typing import Annotated

from domain.event import Event, Topic, Unit, event_type

EVERY_PROVIDER = "*"


@event_type("SendingIpAdded", topic=Topic.DECISIONS, key="tenant_id")
class SendingIpAdded(Event):
    """The tenant may send from this IP."""

    tenant_id: str
    ip: str  # its id
    address: str  # local address that connections are bound to; empty: the system chooses
    route: str  # mx (direct to the recipient's MX) or relay
    relay_host: str  # of a relay route; empty otherwise
    relay_port: int


@event_type("SendingIpCapSet", topic=Topic.DECISIONS, key="tenant_id")
class SendingIpCapSet(Event):
    """At most so many messages leave from this IP to this provider on a UTC day (I7)."""

    tenant_id: str
    ip: str
    provider: str  # a provider's name, or * for each provider without a cap of its own
    cap_per_day: Annotated[int | None, Unit("messages")]  # None: no cap binds
    reason: str


@event_type("SendingIpRateSet", topic=Topic.DECISIONS, key="tenant_id")
class SendingIpRateSet(Event):
    """At most this rate, as a token bucket, from this IP to this provider."""

    tenant_id: str
    ip: str
    provider: str  # as in SendingIpCapSet
    rate_per_s: Annotated[float, Unit("messages per second")]
    burst: Annotated[int, Unit("messages")]
    reason: str


@event_type("SendingIpRetired", topic=Topic.DECISIONS, key="tenant_id")
class SendingIpRetired(Event):
    """Nothing more leaves from this IP."""

    tenant_id: str
    ip: str
    reason: str
