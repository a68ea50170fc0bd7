"""A VPS that a tenant's sending IPs belong to: its state alone, nothing is provisioned here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from domain.event import Event, Topic, event_type
from domain.refusals import NotFound, WrongState


@event_type("VpsRegistered", topic=Topic.DECISIONS, key="tenant_id")
class VpsRegistered(Event):
    """The tenant has a VPS; nothing leaves from it yet."""

    tenant_id: str
    vps_id: str
    region: str


@event_type("VpsActivated", topic=Topic.DECISIONS, key="tenant_id")
class VpsActivated(Event):
    """It is in service."""

    tenant_id: str
    vps_id: str


@event_type("VpsMaintenanceBegun", topic=Topic.DECISIONS, key="tenant_id")
class VpsMaintenanceBegun(Event):
    """It is out of service for a while."""

    tenant_id: str
    vps_id: str
    reason: str


@event_type("VpsDecommissioned", topic=Topic.DECISIONS, key="tenant_id")
class VpsDecommissioned(Event):
    """It is given up for good."""

    tenant_id: str
    vps_id: str
    reason: str


# ---- state


class Status(StrEnum):
    """Where a VPS stands."""

    MISSING = "missing"
    REGISTERED = "registered"
    ACTIVE = "active"
    MAINTENANCE = "maintenance"
    DECOMMISSIONED = "decommissioned"


@dataclass(frozen=True)
class State:
    """A VPS as its events tell it."""

    tenant_id: str = ""
    vps_id: str = ""
    status: Status = Status.MISSING


initial = State()


def stream(vps_id: str) -> str:
    """The name of the VPS's event stream."""
    return f"vps-{vps_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case VpsRegistered():
            return State(event.tenant_id, event.vps_id, Status.REGISTERED)
        case VpsActivated():
            return replace(state, status=Status.ACTIVE)
        case VpsMaintenanceBegun():
            return replace(state, status=Status.MAINTENANCE)
        case VpsDecommissioned():
            return replace(state, status=Status.DECOMMISSIONED)
        case _:
            return state


# ---- decisions


def register(state: State, *, tenant_id: str, vps_id: str, region: str) -> tuple[Event, ...]:
    """Note a VPS of the tenant."""
    if state.vps_id:
        return ()
    return (VpsRegistered(tenant_id=tenant_id, vps_id=vps_id, region=region),)


def activate(state: State) -> tuple[Event, ...]:
    """Put it into service. Raises NotFound, WrongState."""
    require_usable(state)
    if state.status is Status.ACTIVE:
        return ()
    return (VpsActivated(tenant_id=state.tenant_id, vps_id=state.vps_id),)


def begin_maintenance(state: State, *, reason: str) -> tuple[Event, ...]:
    """Take it out of service for a while. Raises NotFound, WrongState."""
    require_usable(state)
    if state.status is Status.MAINTENANCE:
        return ()
    begun = VpsMaintenanceBegun(tenant_id=state.tenant_id, vps_id=state.vps_id, reason=reason)
    return (begun,)


def decommission(state: State, *, reason: str) -> tuple[Event, ...]:
    """Give it up for good. Raises NotFound."""
    if state.status is Status.DECOMMISSIONED:
        return ()
    require_usable(state)
    return (VpsDecommissioned(tenant_id=state.tenant_id, vps_id=state.vps_id, reason=reason),)


def require_usable(state: State) -> None:
    """Raises NotFound, WrongState for a VPS that is not there or given up."""
    if not state.vps_id:
        raise NotFound("vps_id: there is no such VPS; register it first")
    if state.status is Status.DECOMMISSIONED:
        raise WrongState(f"vps_id: {state.vps_id} is decommissioned; register a new one")
