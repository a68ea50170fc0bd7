"""A tenant: the organisation that pays and the boundary of isolation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from zoneinfo import available_timezones

from domain.event import Event, Topic, event_type
from domain.refusals import Invalid, NotFound

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


@event_type("TenantSettingsChanged", topic=Topic.DECISIONS, key="tenant_id")
class TenantSettingsChanged(Event):
    """The tenant's days begin and end in this time zone from now on."""

    tenant_id: str
    time_zone: str  # an IANA name


# ---- state


@dataclass(frozen=True)
class State:
    """A tenant as its events tell it; `tenant_id` is empty before it was created."""

    tenant_id: str = ""
    suspended: bool = False
    time_zone: str = "UTC"


initial = State()


def stream(tenant_id: str) -> str:
    """The name of the tenant's event stream."""
    return f"tenant-{tenant_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case TenantCreated():
            return replace(state, tenant_id=event.tenant_id)
        case TenantSuspended():
            return replace(state, suspended=True)
        case TenantRestored():
            return replace(state, suspended=False)
        case TenantSettingsChanged():
            return replace(state, time_zone=event.time_zone)
        case _:
            return state


# ---- decisions


def create(state: State, *, tenant_id: str) -> tuple[Event, ...]:
    """Create the tenant."""
    return () if state.tenant_id else (TenantCreated(tenant_id=tenant_id),)


def suspend(state: State, *, reason: str) -> tuple[Event, ...]:
    """Stop everything that the tenant sends. Raises NotFound."""
    _require(state)
    if state.suspended:
        return ()
    return (TenantSuspended(tenant_id=state.tenant_id, reason=reason),)


def restore(state: State) -> tuple[Event, ...]:
    """Let the tenant send again. Raises NotFound."""
    _require(state)
    return (TenantRestored(tenant_id=state.tenant_id),) if state.suspended else ()


def set_time_zone(state: State, *, time_zone: str) -> tuple[Event, ...]:
    """Let the tenant's days follow another time zone. Raises NotFound, Invalid."""
    _require(state)
    if time_zone not in available_timezones():
        raise Invalid(f"time_zone: {time_zone!r} is no IANA time zone; try Europe/Berlin or UTC")
    if time_zone == state.time_zone:
        return ()
    return (TenantSettingsChanged(tenant_id=state.tenant_id, time_zone=time_zone),)


def _require(state: State) -> None:
    if not state.tenant_id:
        raise NotFound("tenant_id: there is no such tenant; create it first")
