"""The people of a tenant: who belongs to it, with which role, and in which workspaces.

One stream per tenant, because the last owner can neither leave nor be demoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from domain.access import ROLES, may_give
from domain.event import Event, Topic, event_type
from domain.refusals import Invalid, NotFound, WrongState

OWNER = "owner"
ACTIVE, DISABLED, REMOVED = "active", "disabled", "removed"
#: Why access was given, changed or taken: a code, never a text about a person.
REASONS = ("unspecified", "signed_up", "invited", "operator", "new_duties", "left", "security")
MEMBERS_MAX = 10_000

# ---- events: their names and fields are the storage format


@event_type("MembershipGranted", topic=Topic.DECISIONS, key="tenant_id")
class MembershipGranted(Event):
    """A person belongs to the tenant from now on. Who granted it is the event's actor."""

    tenant_id: str
    user_id: str
    role: str
    workspace_ids: list[str] | None  # the only ones that the person may see; null: all of them
    reason: str


@event_type("MembershipChanged", topic=Topic.DECISIONS, key="tenant_id")
class MembershipChanged(Event):
    """A person's role or workspaces are these from now on."""

    tenant_id: str
    user_id: str
    role: str
    workspace_ids: list[str] | None
    reason: str


@event_type("MembershipDisabled", topic=Topic.DECISIONS, key="tenant_id")
class MembershipDisabled(Event):
    """A person keeps their place in the tenant and may do nothing there until it is enabled."""

    tenant_id: str
    user_id: str
    reason: str


@event_type("MembershipEnabled", topic=Topic.DECISIONS, key="tenant_id")
class MembershipEnabled(Event):
    """A person may act in the tenant again, as before it was disabled."""

    tenant_id: str
    user_id: str
    reason: str


@event_type("MembershipEnded", topic=Topic.DECISIONS, key="tenant_id")
class MembershipEnded(Event):
    """A person belongs to the tenant no longer."""

    tenant_id: str
    user_id: str
    reason: str


# ---- state


@dataclass(frozen=True)
class Member:
    """One person's place in the tenant."""

    role: str
    state: str = ACTIVE
    workspace_ids: tuple[str, ...] | None = None


@dataclass(frozen=True)
class State:
    """The tenant's people by user id; who was removed is not among them."""

    members: dict[str, Member] = field(default_factory=dict)

    @property
    def owners(self) -> set[str]:
        """Who may act as an owner now."""
        people = self.members.items()
        return {who for who, at in people if at.role == OWNER and at.state == ACTIVE}


initial = State()


def stream(tenant_id: str) -> str:
    """The name of the stream of the tenant's people."""
    return f"people-{tenant_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case MembershipGranted():
            return _with(state, event.user_id, Member(event.role, ACTIVE, _of(event)))
        case MembershipChanged():
            return _now(state, event.user_id, role=event.role, workspace_ids=_of(event))
        case MembershipDisabled():
            return _now(state, event.user_id, state=DISABLED)
        case MembershipEnabled():
            return _now(state, event.user_id, state=ACTIVE)
        case MembershipEnded():
            return State({who: at for who, at in state.members.items() if who != event.user_id})
        case _:
            return state


def _of(event: MembershipGranted | MembershipChanged) -> tuple[str, ...] | None:
    return None if event.workspace_ids is None else tuple(event.workspace_ids)


def _with(state: State, user_id: str, member: Member) -> State:
    return State({**state.members, user_id: member})


def _now(people: State, user_id: str, **changed: Any) -> State:
    """The state with this about a member changed; who is not there stays away."""
    member = people.members.get(user_id)
    return people if member is None else _with(people, user_id, replace(member, **changed))


# ---- decisions


@dataclass(frozen=True)
class Granter:
    """Who gives or takes: nobody gives more than they have."""

    permissions: frozenset[str]
    workspace_ids: frozenset[str] | None = None  # None: all of them

    def require(self, role: str, workspace_ids: Sequence[str] | None) -> None:
        """Raises Invalid for a role that does not exist or is above the granter's own."""
        if role not in ROLES:
            raise Invalid(f"role: there is no role {role!r}; choose one of {', '.join(ROLES)}")
        if not may_give(self.permissions, role):
            raise Invalid(f"role: {role} is above what you may give; choose a lower one")
        if self.workspace_ids is None:
            return
        if workspace_ids is None or not set(workspace_ids) <= self.workspace_ids:
            raise Invalid("workspace_ids: you can give only workspaces of your own; name those")


def grant(
    state: State,
    *,
    tenant_id: str,
    user_id: str,
    role: str,
    workspace_ids: Sequence[str] | None,
    by: Granter,
    reason: str,
) -> tuple[Event, ...]:
    """Let a person in. Who is in already keeps what they have: `change` changes it.

    Raises Invalid for a role, reason or workspace that the granter may not give.
    """
    by.require(role, workspace_ids)
    _require_reason(reason)
    if user_id in state.members:
        return ()
    if len(state.members) >= MEMBERS_MAX:
        raise WrongState(f"user_id: a tenant has at most {MEMBERS_MAX} people; remove some")
    return (
        MembershipGranted(
            tenant_id=tenant_id,
            user_id=user_id,
            role=role,
            workspace_ids=_list(workspace_ids),
            reason=reason,
        ),
    )


def change(
    state: State,
    *,
    tenant_id: str,
    user_id: str,
    role: str,
    workspace_ids: Sequence[str] | None,
    by: Granter,
    reason: str,
) -> tuple[Event, ...]:
    """Give a person another role or other workspaces.

    Raises NotFound; Invalid where the old or the new role is above the granter's; WrongState for
    the last owner.
    """
    member = _touched(state, user_id, by, reason)
    by.require(role, workspace_ids)
    if (member.role, member.workspace_ids) == (role, _tuple(workspace_ids)):
        return ()
    if role != OWNER:
        _require_other_owner(state, user_id)
    return (
        MembershipChanged(
            tenant_id=tenant_id,
            user_id=user_id,
            role=role,
            workspace_ids=_list(workspace_ids),
            reason=reason,
        ),
    )


def disable(
    state: State, *, tenant_id: str, user_id: str, by: Granter, reason: str
) -> tuple[Event, ...]:
    """Take a person's access and keep their place. Raises as `change`."""
    member = _touched(state, user_id, by, reason)
    if member.state == DISABLED:
        return ()
    _require_other_owner(state, user_id)
    return (MembershipDisabled(tenant_id=tenant_id, user_id=user_id, reason=reason),)


def enable(
    state: State, *, tenant_id: str, user_id: str, by: Granter, reason: str
) -> tuple[Event, ...]:
    """Give a disabled person their access back. Raises NotFound, Invalid."""
    member = _touched(state, user_id, by, reason)
    if member.state == ACTIVE:
        return ()
    return (MembershipEnabled(tenant_id=tenant_id, user_id=user_id, reason=reason),)


def end(
    state: State, *, tenant_id: str, user_id: str, by: Granter, reason: str
) -> tuple[Event, ...]:
    """Remove a person; who is not there is removed already. Raises as `change`."""
    _require_reason(reason)
    if user_id not in state.members:
        return ()
    _touched(state, user_id, by, reason)
    _require_other_owner(state, user_id)
    return (MembershipEnded(tenant_id=tenant_id, user_id=user_id, reason=reason),)


def _touched(state: State, user_id: str, by: Granter, reason: str) -> Member:
    """The member, if the granter may touch them."""
    _require_reason(reason)
    member = state.members.get(user_id)
    if member is None or not _in_sight(member, by):
        raise NotFound("user_id: there is no such user in this tenant; invite them first")
    if not may_give(by.permissions, member.role):
        raise Invalid(f"user_id: {member.role} is above your own role; ask one who has it")
    return member


def _in_sight(member: Member, by: Granter) -> bool:
    """A granter who sees some workspaces touches only people of those."""
    if by.workspace_ids is None:
        return True
    return member.workspace_ids is not None and set(member.workspace_ids) <= by.workspace_ids


def _require_other_owner(state: State, user_id: str) -> None:
    if state.owners == {user_id}:
        raise WrongState("user_id: this is the tenant's last owner; make another one owner first")


def _require_reason(reason: str) -> None:
    if reason not in REASONS:
        raise Invalid(f"reason: {reason!r} is none of {', '.join(REASONS)}; choose one")


def _list(workspace_ids: Sequence[str] | None) -> list[str] | None:
    return None if workspace_ids is None else sorted(set(workspace_ids))


def _tuple(workspace_ids: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if workspace_ids is None else tuple(sorted(set(workspace_ids)))
