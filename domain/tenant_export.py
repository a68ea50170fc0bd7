"""A tenant's whole data as an archive, over the API: asked for, made, taken away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from domain.event import Event, Topic, event_type
from domain.refusals import NotFound

# ---- events: their names and fields are the storage format


@event_type("TenantExportRequested", topic=Topic.DECISIONS, key="tenant_id")
class TenantExportRequested(Event):
    """Somebody wants all of the tenant's data in one file."""

    tenant_id: str
    export_id: str


@event_type("TenantExportMade", topic=Topic.DECISIONS, key="tenant_id")
class TenantExportMade(Event):
    """The file can be downloaded until it expires."""

    tenant_id: str
    export_id: str


@event_type("TenantExportFailed", topic=Topic.DECISIONS, key="tenant_id")
class TenantExportFailed(Event):
    """The file could not be made; nothing is kept of it."""

    tenant_id: str
    export_id: str
    reason: str  # a code


@event_type("TenantExportDownloaded", topic=Topic.DECISIONS, key="tenant_id")
class TenantExportDownloaded(Event):
    """Somebody was given the whole file, or began to be."""

    tenant_id: str
    export_id: str


# ---- state


class Status(StrEnum):
    """Where an export stands."""

    ABSENT = "absent"
    REQUESTED = "requested"
    MADE = "made"
    FAILED = "failed"


@dataclass(frozen=True)
class State:
    """An export as the events tell it."""

    tenant_id: str = ""
    export_id: str = ""
    status: Status = Status.ABSENT


initial = State()


def stream(export_id: str) -> str:
    """The name of the export's event stream."""
    return f"tenant-export-{export_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case TenantExportRequested():
            return State(event.tenant_id, event.export_id, Status.REQUESTED)
        case TenantExportMade():
            return replace(state, status=Status.MADE)
        case TenantExportFailed():
            return replace(state, status=Status.FAILED)
        case TenantExportDownloaded():
            return state
        case _:
            return state


# ---- decisions


def request(state: State, *, tenant_id: str, export_id: str) -> tuple[Event, ...]:
    """Ask for the file."""
    if state.status is not Status.ABSENT:
        return ()
    return (TenantExportRequested(tenant_id=tenant_id, export_id=export_id),)


def finish(state: State) -> tuple[Event, ...]:
    """Record that the file is there. Raises NotFound for what nobody asked for."""
    _require(state)
    if state.status is Status.MADE:
        return ()
    return (TenantExportMade(tenant_id=state.tenant_id, export_id=state.export_id),)


def fail(state: State, *, reason: str) -> tuple[Event, ...]:
    """Record that there will be no file. Raises NotFound for what nobody asked for."""
    _require(state)
    if state.status is Status.FAILED:
        return ()
    export_id = state.export_id
    failed = TenantExportFailed(tenant_id=state.tenant_id, export_id=export_id, reason=reason)
    return (failed,)


def download(state: State) -> tuple[Event, ...]:
    """Record that the file is given out: each time. Raises NotFound for one that is not made."""
    _require(state)
    if state.status is not Status.MADE:
        raise NotFound("export_id: there is no such file; ask for it, and wait until it is made")
    return (TenantExportDownloaded(tenant_id=state.tenant_id, export_id=state.export_id),)


def _require(state: State) -> None:
    if state.status is Status.ABSENT:
        raise NotFound("export_id: there is no such export of the tenant; ask for one")
