"""An invitation into a tenant: to an address that only the vault knows, good once, for days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.event import Event, Topic, event_type
from domain.membership import Granter
from domain.refusals import NotFound, WrongState

GOOD_FOR = timedelta(days=7)
OPEN, ACCEPTED, REVOKED = "open", "accepted", "revoked"
NO_SUCH = "invitation_id: there is no such invitation; send one"

# ---- events: their names and fields are the storage format


@event_type("InvitationSent", topic=Topic.DECISIONS, key="tenant_id")
class InvitationSent(Event):
    """Somebody was invited, at an address in the vault. Sent again, the older link is void."""

    tenant_id: str
    invitation_id: str
    role: str
    workspace_ids: list[str] | None
    expires_at: datetime


@event_type("InvitationRevoked", topic=Topic.DECISIONS, key="tenant_id")
class InvitationRevoked(Event):
    """The invitation can be accepted no longer."""

    tenant_id: str
    invitation_id: str


@event_type("InvitationAccepted", topic=Topic.DECISIONS, key="tenant_id")
class InvitationAccepted(Event):
    """The person with the link took it. The membership is an event of its own."""

    tenant_id: str
    invitation_id: str
    user_id: str


# ---- state


@dataclass(frozen=True)
class State:
    """An invitation as its events tell it; `invitation_id` is empty before it was sent."""

    tenant_id: str = ""
    invitation_id: str = ""
    role: str = ""
    workspace_ids: tuple[str, ...] | None = None
    state: str = OPEN
    user_id: str = ""
    expires_at: datetime | None = None


initial = State()


def stream(invitation_id: str) -> str:
    """The name of the invitation's event stream."""
    return f"invitation-{invitation_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case InvitationSent():
            chosen = None if event.workspace_ids is None else tuple(event.workspace_ids)
            return replace(
                state,
                tenant_id=event.tenant_id,
                invitation_id=event.invitation_id,
                role=event.role,
                workspace_ids=chosen,
                expires_at=event.expires_at,
            )
        case InvitationRevoked():
            return replace(state, state=REVOKED)
        case InvitationAccepted():
            return replace(state, state=ACCEPTED, user_id=event.user_id)
        case _:
            return state


# ---- decisions


def send(
    state: State,
    *,
    tenant_id: str,
    invitation_id: str,
    role: str,
    workspace_ids: Sequence[str] | None,
    by: Granter,
    now: datetime,
) -> tuple[Event, ...]:
    """Invite somebody. Raises Invalid for a role or workspace that the inviter may not give."""
    by.require(role, workspace_ids)
    if state.invitation_id:
        return ()
    return (
        InvitationSent(
            tenant_id=tenant_id,
            invitation_id=invitation_id,
            role=role,
            workspace_ids=None if workspace_ids is None else sorted(set(workspace_ids)),
            expires_at=now + GOOD_FOR,
        ),
    )


def resend(state: State, *, by: Granter, now: datetime) -> tuple[Event, ...]:
    """Send it again, good for as long as at first. Raises NotFound, Invalid, WrongState."""
    _require_open(state)
    by.require(state.role, state.workspace_ids)
    again = None if state.workspace_ids is None else list(state.workspace_ids)
    return (
        InvitationSent(
            tenant_id=state.tenant_id,
            invitation_id=state.invitation_id,
            role=state.role,
            workspace_ids=again,
            expires_at=now + GOOD_FOR,
        ),
    )


def revoke(state: State) -> tuple[Event, ...]:
    """Void it. Raises NotFound, WrongState once it was accepted."""
    if state.state == REVOKED:
        return ()
    _require_open(state)
    return (InvitationRevoked(tenant_id=state.tenant_id, invitation_id=state.invitation_id),)


def accept(state: State, *, user_id: str, now: datetime) -> tuple[Event, ...]:
    """Take it, once. Raises NotFound; WrongState when it is void, expired or another's."""
    if state.state == ACCEPTED and state.user_id == user_id:
        return ()
    _require_open(state)
    if state.expires_at is None or now >= state.expires_at:
        raise WrongState("token: the invitation has expired; ask for another one")
    return (
        InvitationAccepted(
            tenant_id=state.tenant_id, invitation_id=state.invitation_id, user_id=user_id
        ),
    )


def _require_open(state: State) -> None:
    if not state.invitation_id:
        raise NotFound(NO_SUCH)
    if state.state != OPEN:
        raise WrongState(f"token: the invitation is {state.state} already; ask for another one")
