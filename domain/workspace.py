"""A workspace: a part of a tenant with things and people of its own, for an agency's clients."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.event import Event, Topic, event_type
from domain.refusals import NotFound, WrongState

# ---- events: their names and fields are the storage format


@event_type("WorkspaceCreated", topic=Topic.DECISIONS, key="tenant_id")
class WorkspaceCreated(Event):
    """A workspace exists. Its name is kept as a label in Postgres, never in the log."""

    tenant_id: str
    workspace_id: str


@event_type("WorkspaceRenamed", topic=Topic.DECISIONS, key="tenant_id")
class WorkspaceRenamed(Event):
    """A workspace has another name; the label in Postgres says which."""

    tenant_id: str
    workspace_id: str
    label_key: str  # a keyed hash of the name: tells one renaming from another


@event_type("WorkspaceArchived", topic=Topic.DECISIONS, key="tenant_id")
class WorkspaceArchived(Event):
    """Nothing more is put into the workspace; what it holds stays."""

    tenant_id: str
    workspace_id: str


# ---- state


@dataclass(frozen=True)
class State:
    """A workspace as its events tell it; `workspace_id` is empty before it was created."""

    tenant_id: str = ""
    workspace_id: str = ""
    label_key: str = ""
    archived: bool = False


initial = State()


def stream(workspace_id: str) -> str:
    """The name of the workspace's event stream."""
    return f"workspace-{workspace_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case WorkspaceCreated():
            return replace(state, tenant_id=event.tenant_id, workspace_id=event.workspace_id)
        case WorkspaceRenamed():
            return replace(state, label_key=event.label_key)
        case WorkspaceArchived():
            return replace(state, archived=True)
        case _:
            return state


# ---- decisions


def create(state: State, *, tenant_id: str, workspace_id: str) -> tuple[Event, ...]:
    """Create the workspace."""
    if state.workspace_id:
        return ()
    return (WorkspaceCreated(tenant_id=tenant_id, workspace_id=workspace_id),)


def rename(state: State, *, label_key: str) -> tuple[Event, ...]:
    """Note that the workspace is called otherwise. Raises NotFound, WrongState once archived."""
    _require(state)
    if state.label_key == label_key:
        return ()
    if state.archived:
        raise WrongState("workspace_id: it is archived; create another one")
    return (
        WorkspaceRenamed(
            tenant_id=state.tenant_id, workspace_id=state.workspace_id, label_key=label_key
        ),
    )


def archive(state: State) -> tuple[Event, ...]:
    """Close the workspace for what is new. Raises NotFound."""
    _require(state)
    if state.archived:
        return ()
    return (WorkspaceArchived(tenant_id=state.tenant_id, workspace_id=state.workspace_id),)


def _require(state: State) -> None:
    if not state.workspace_id:
        raise NotFound("workspace_id: there is no such workspace; create it first")
