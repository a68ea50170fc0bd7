"""A tenant: the organisation that pays and the boundary of isolation."""

from __future__ import annotations

from domain.event import Event, Topic, event_type

# ---- events: their names and fields are the storage format


@event_type("TenantCreated", topic=Topic.DECISIONS, key="tenant_id")
class TenantCreated(Event):
    """A tenant exists. Its name is kept as a label in Postgres, never in the log."""

    tenant_id: str


@event_type("TenantSuspended", topic=Topic.DECISIONS, key="tenant_id")
class TenantSuspended(Event):
    """Nothing of this tenant is sent until it is restored."""

    tenant_id: str
    reason: str


@event_type("TenantRestored", topic=Topic.DECISIONS, key="tenant_id")
class TenantRestored(Event):
    """The tenant may send again."""

    tenant_id: str
