"""An API key: what a tenant's programs show, with scopes and an end. Its secret is no event's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.access import PERMISSIONS, READ, ROLES, permissions_of
from domain.event import Event, Topic, event_type
from domain.membership import Granter
from domain.refusals import Invalid, NotFound, WrongState

#: How long a rotated key may go on beside the new one.
OVERLAP_MAX = timedelta(days=7)
EXPIRES_IN_DAYS_MAX = 3650
#: Why a key was revoked: a code, never a text.
REASONS = ("unspecified", "rotated", "leaked", "unused", "offboarding")

# ---- events: their names and fields are the storage format


@event_type("ApiKeyCreated", topic=Topic.DECISIONS, key="tenant_id")
class ApiKeyCreated(Event):
    """A key exists. It may do what its role or its scopes say, until it expires or is revoked."""

    tenant_id: str
    key_id: str
    role: str  # empty: scopes say it
    scopes: list[str]
    workspace_ids: list[str] | None  # the only ones that it may see; null: all of them
    test: bool  # a test key looks and changes nothing
    expires_at: datetime | None
    replaces: str  # the key that was rotated into this one; empty: none


@event_type("ApiKeyExpirySet", topic=Topic.DECISIONS, key="tenant_id")
class ApiKeyExpirySet(Event):
    """The key ends earlier than it would have: another took its place."""

    tenant_id: str
    key_id: str
    expires_at: datetime


@event_type("ApiKeyRevoked", topic=Topic.DECISIONS, key="tenant_id")
class ApiKeyRevoked(Event):
    """The key opens nothing any more."""

    tenant_id: str
    key_id: str
    reason: str


# ---- state


@dataclass(frozen=True)
class State:
    """A key as its events tell it; `key_id` is empty before it was created."""

    tenant_id: str = ""
    key_id: str = ""
    role: str = ""
    scopes: tuple[str, ...] = ()
    workspace_ids: tuple[str, ...] | None = None
    test: bool = False
    expires_at: datetime | None = None
    revoked: bool = False


initial = State()


def stream(key_id: str) -> str:
    """The name of the key's event stream."""
    return f"key-{key_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case ApiKeyCreated():
            chosen = None if event.workspace_ids is None else tuple(event.workspace_ids)
            return State(
                tenant_id=event.tenant_id,
                key_id=event.key_id,
                role=event.role,
                scopes=tuple(event.scopes),
                workspace_ids=chosen,
                test=event.test,
                expires_at=event.expires_at,
            )
        case ApiKeyExpirySet():
            return replace(state, expires_at=event.expires_at)
        case ApiKeyRevoked():
            return replace(state, revoked=True)
        case _:
            return state


def permissions(role: str, scopes: Sequence[str], *, test: bool) -> frozenset[str]:
    """What a key may do. A test key only looks: nothing that it does reaches anybody."""
    full = permissions_of(role) if role else frozenset(scopes) & PERMISSIONS
    return full & READ if test else full


# ---- decisions


@dataclass(frozen=True)
class Grant:
    """What a key shall be able to do: a role, or else scopes."""

    role: str = ""
    scopes: tuple[str, ...] = ()
    workspace_ids: tuple[str, ...] | None = None
    test: bool = False
    expires_at: datetime | None = None


def create(
    state: State,
    *,
    tenant_id: str,
    key_id: str,
    wanted: Grant,
    by: Granter,
    now: datetime,
    replaces: str = "",
) -> tuple[Event, ...]:
    """Create the key. Raises Invalid for what does not exist or its maker may not do."""
    _require_grant(wanted, by, now)
    if state.key_id:
        return ()
    chosen = None if wanted.workspace_ids is None else sorted(set(wanted.workspace_ids))
    return (
        ApiKeyCreated(
            tenant_id=tenant_id,
            key_id=key_id,
            role=wanted.role,
            scopes=sorted(set(wanted.scopes)),
            workspace_ids=chosen,
            test=wanted.test,
            expires_at=wanted.expires_at,
            replaces=replaces,
        ),
    )


def shorten(state: State, *, until: datetime) -> tuple[Event, ...]:
    """Let the key end at `until`, unless it ends earlier. Raises NotFound, WrongState."""
    _require_living(state)
    if state.expires_at is not None and state.expires_at <= until:
        return ()
    return (ApiKeyExpirySet(tenant_id=state.tenant_id, key_id=state.key_id, expires_at=until),)


def revoke(state: State, *, reason: str) -> tuple[Event, ...]:
    """End the key now. Raises NotFound, Invalid for an unknown reason."""
    require_reason(reason)
    if not state.key_id:
        raise NotFound("key_id: there is no such key; create it first")
    if state.revoked:
        return ()
    return (ApiKeyRevoked(tenant_id=state.tenant_id, key_id=state.key_id, reason=reason),)


def require_reason(reason: str) -> None:
    """Raises Invalid for a reason that is none of REASONS."""
    if reason not in REASONS:
        raise Invalid(f"reason: {reason!r} is none of {', '.join(REASONS)}; choose one")


def _require_grant(wanted: Grant, by: Granter, now: datetime) -> None:
    if bool(wanted.role) == bool(wanted.scopes):
        raise Invalid("scopes: name scopes or a role, one of both")
    if wanted.role and wanted.role not in ROLES:
        raise Invalid(f"role: there is no role {wanted.role!r}; choose one of {', '.join(ROLES)}")
    unknown = sorted(set(wanted.scopes) - PERMISSIONS)
    if unknown:
        raise Invalid(f"scopes: there is no scope {unknown[0]!r}; see the roles' permissions")
    beyond = sorted(permissions(wanted.role, wanted.scopes, test=wanted.test) - by.permissions)
    if beyond:
        raise Invalid(f"scopes: {beyond[0]} is more than you may do yourself; leave it out")
    if by.workspace_ids is not None and (
        wanted.workspace_ids is None or not set(wanted.workspace_ids) <= by.workspace_ids
    ):
        raise Invalid("workspace_ids: you can give only workspaces of your own; name those")
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise Invalid("expires_in_days: it lies in the past; name a later day")


def _require_living(state: State) -> None:
    if not state.key_id:
        raise NotFound("key_id: there is no such key; create it first")
    if state.revoked:
        raise WrongState("key_id: the key is revoked; create another one")
