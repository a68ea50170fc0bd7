"""A user: a person who logs in. Address, password and keys are in Postgres, never in the log.

A person may belong to many tenants, so that the facts stand under the platform's tenant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

from domain.event import Event, Privacy, Topic, event_type
from domain.platform import PLATFORM_TENANT
from domain.refusals import NotFound, WrongState

UserId = Annotated[str, Privacy.PSEUDONYM]

# ---- events: their names and fields are the storage format


@event_type("UserRegistered", topic=Topic.DECISIONS, key="tenant_id")
class UserRegistered(Event):
    """A person has an account."""

    tenant_id: str
    user_id: UserId


@event_type("EmailVerified", topic=Topic.DECISIONS, key="tenant_id")
class EmailVerified(Event):
    """The account's address proved to be the person's."""

    tenant_id: str
    user_id: UserId


@event_type("PasswordChanged", topic=Topic.DECISIONS, key="tenant_id")
class PasswordChanged(Event):
    """Another password; every session ended. `by`: session, or reset by mail."""

    tenant_id: str
    user_id: UserId
    by: str


@event_type("TotpEnabled", topic=Topic.DECISIONS, key="tenant_id")
class TotpEnabled(Event):
    """From now on a code is asked for at log-in; every session ended."""

    tenant_id: str
    user_id: UserId


@event_type("TotpDisabled", topic=Topic.DECISIONS, key="tenant_id")
class TotpDisabled(Event):
    """The password is enough again; every session ended."""

    tenant_id: str
    user_id: UserId


@event_type("RecoveryCodeUsed", topic=Topic.DECISIONS, key="tenant_id")
class RecoveryCodeUsed(Event):
    """A recovery code stood in for the code of the app; it is used up."""

    tenant_id: str
    user_id: UserId


@event_type("RecoveryCodesReplaced", topic=Topic.DECISIONS, key="tenant_id")
class RecoveryCodesReplaced(Event):
    """New recovery codes; the old ones serve no more."""

    tenant_id: str
    user_id: UserId


@event_type("SessionRevoked", topic=Topic.DECISIONS, key="tenant_id")
class SessionRevoked(Event):
    """A session was ended from elsewhere; `by` is who did it."""

    tenant_id: str
    user_id: UserId
    session_id: str
    by: Annotated[str, Privacy.PSEUDONYM]


@event_type("UserDisabled", topic=Topic.DECISIONS, key="tenant_id")
class UserDisabled(Event):
    """The person cannot log in to any tenant; every session ended."""

    tenant_id: str
    user_id: UserId
    reason: str


def _enabled_version_2(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"reason": ""}  # was not asked for


@event_type(
    "UserEnabled",
    topic=Topic.DECISIONS,
    key="tenant_id",
    version=2,
    upcasters={1: _enabled_version_2},
)
class UserEnabled(Event):
    """The person can log in again."""

    tenant_id: str
    user_id: UserId
    reason: str


# ---- state


@dataclass(frozen=True)
class State:
    """A user as the events tell it; `user_id` is empty before it was registered."""

    user_id: str = ""
    verified: bool = False
    totp: bool = False
    disabled: bool = False


initial = State()


def stream(user_id: str) -> str:
    """The name of the user's event stream; its tenant is the platform."""
    return f"user-{user_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case UserRegistered():
            return replace(state, user_id=event.user_id)
        case EmailVerified():
            return replace(state, verified=True)
        case TotpEnabled():
            return replace(state, totp=True)
        case TotpDisabled():
            return replace(state, totp=False)
        case UserDisabled():
            return replace(state, disabled=True)
        case UserEnabled():
            return replace(state, disabled=False)
        case _:
            return state


# ---- decisions


def register(state: State, *, user_id: str) -> tuple[Event, ...]:
    """Open the account."""
    if state.user_id:
        return ()
    return (UserRegistered(tenant_id=PLATFORM_TENANT, user_id=user_id),)


def verify_email(state: State) -> tuple[Event, ...]:
    """Record that the address is the person's. Raises NotFound."""
    user_id = _require(state)
    return () if state.verified else (EmailVerified(tenant_id=PLATFORM_TENANT, user_id=user_id),)


def change_password(state: State, *, by: str) -> tuple[Event, ...]:
    """Record another password. Raises NotFound."""
    return (PasswordChanged(tenant_id=PLATFORM_TENANT, user_id=_require(state), by=by),)


def enable_totp(state: State) -> tuple[Event, ...]:
    """Ask for codes from now on. Raises NotFound."""
    user_id = _require(state)
    return () if state.totp else (TotpEnabled(tenant_id=PLATFORM_TENANT, user_id=user_id),)


def disable_totp(state: State) -> tuple[Event, ...]:
    """Ask for codes no more. Raises NotFound."""
    user_id = _require(state)
    return (TotpDisabled(tenant_id=PLATFORM_TENANT, user_id=user_id),) if state.totp else ()


def use_recovery_code(state: State) -> tuple[Event, ...]:
    """Record that a recovery code was used. Raises NotFound."""
    return (RecoveryCodeUsed(tenant_id=PLATFORM_TENANT, user_id=_require(state)),)


def replace_recovery_codes(state: State) -> tuple[Event, ...]:
    """Record new recovery codes. Raises NotFound; WrongState without TOTP."""
    user_id = _require(state)
    if not state.totp:
        raise WrongState("totp: it is off; turn it on, which gives recovery codes")
    return (RecoveryCodesReplaced(tenant_id=PLATFORM_TENANT, user_id=user_id),)


def revoke_session(state: State, *, session_id: str, by: str) -> tuple[Event, ...]:
    """Record that a session was ended by somebody. Raises NotFound."""
    user_id = _require(state)
    revoked = SessionRevoked(
        tenant_id=PLATFORM_TENANT, user_id=user_id, session_id=session_id, by=by
    )
    return (revoked,)


def disable(state: State, *, reason: str) -> tuple[Event, ...]:
    """Keep the person out. Raises NotFound."""
    user_id = _require(state)
    if state.disabled:
        return ()
    return (UserDisabled(tenant_id=PLATFORM_TENANT, user_id=user_id, reason=reason),)


def enable(state: State, *, reason: str) -> tuple[Event, ...]:
    """Let the person in again. Raises NotFound."""
    user_id = _require(state)
    if not state.disabled:
        return ()
    return (UserEnabled(tenant_id=PLATFORM_TENANT, user_id=user_id, reason=reason),)


def _require(state: State) -> str:
    if not state.user_id:
        raise NotFound("user_id: there is no such user; sign up first")
    return state.user_id
