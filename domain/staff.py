"""Staff: people of the platform, apart from the people of tenants."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.access import STAFF_ROLES
from domain.event import Event, Topic, event_type
from domain.platform import PLATFORM
from domain.refusals import Invalid, NotFound, WrongState

SUPER_ADMIN = "super_admin"

# ---- events: their names and fields are the storage format


@event_type("StaffAdded", topic=Topic.DECISIONS, key="tenant_id")
class StaffAdded(Event):
    """A member of staff may act in any tenant, as far as the role goes."""

    tenant_id: str  # the platform
    staff_id: str
    role: str


@event_type("StaffRoleChanged", topic=Topic.DECISIONS, key="tenant_id")
class StaffRoleChanged(Event):
    """A member of staff has another role."""

    tenant_id: str  # the platform
    staff_id: str
    role: str


@event_type("StaffRemoved", topic=Topic.DECISIONS, key="tenant_id")
class StaffRemoved(Event):
    """A member of staff may act nowhere any more."""

    tenant_id: str  # the platform
    staff_id: str


# ---- state


@dataclass(frozen=True)
class State:
    """All staff: role by staff id, of those who were not removed."""

    roles: dict[str, str] = field(default_factory=dict)


initial = State()


def stream() -> str:
    """The name of the stream of all staff."""
    return "staff-of-the-platform"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case StaffAdded() | StaffRoleChanged():
            return State({**state.roles, event.staff_id: event.role})
        case StaffRemoved():
            return State({who: role for who, role in state.roles.items() if who != event.staff_id})
        case _:
            return state


# ---- decisions


def add(state: State, *, staff_id: str, role: str) -> tuple[Event, ...]:
    """Take somebody on. Raises Invalid for an unknown role."""
    _require_role(role)
    if staff_id in state.roles:
        return ()
    return (StaffAdded(tenant_id=PLATFORM, staff_id=staff_id, role=role),)


def change(state: State, *, staff_id: str, role: str) -> tuple[Event, ...]:
    """Give another role. Raises Invalid, NotFound, WrongState for the last super_admin."""
    _require_role(role)
    _require(state, staff_id)
    if state.roles[staff_id] == role:
        return ()
    _require_other(state, staff_id)
    return (StaffRoleChanged(tenant_id=PLATFORM, staff_id=staff_id, role=role),)


def remove(state: State, *, staff_id: str) -> tuple[Event, ...]:
    """Let somebody go; who is not there is gone already. Raises WrongState as `change`."""
    if staff_id not in state.roles:
        return ()
    _require_other(state, staff_id)
    return (StaffRemoved(tenant_id=PLATFORM, staff_id=staff_id),)


def _require_role(role: str) -> None:
    if role not in STAFF_ROLES:
        names = ", ".join(STAFF_ROLES)
        raise Invalid(f"role: there is no staff role {role!r}; choose one of {names}")


def _require(state: State, staff_id: str) -> None:
    if staff_id not in state.roles:
        raise NotFound("staff_id: there is no such member of staff; add them first")


def _require_other(state: State, staff_id: str) -> None:
    if [who for who, role in state.roles.items() if role == SUPER_ADMIN] == [staff_id]:
        raise WrongState("staff_id: this is the last super_admin; make another one first")
