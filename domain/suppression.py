"""Whom a tenant must not mail, how far that reaches, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any

from domain.event import Event, Privacy, Topic, event_type
from domain.platform import PLATFORM
from domain.refusals import Invalid

#: Why a contact may be suppressed. A policy or reputation rejection is none of them (I12).
REASONS = ("hard_bounce", "complaint", "unsubscribe", "manual", "import")


class Scope(StrEnum):
    """How far a suppression reaches, the widest first: the order in which a claim names them."""

    PLATFORM = "platform"  # everything that anybody sends; no tenant can lift it
    TENANT = "tenant"  # everything that the tenant sends
    WORKSPACE = "workspace"  # what one workspace of the tenant sends
    MESSAGE_CLASS = "message_class"  # what the tenant sends of one message class


@dataclass(frozen=True)
class Reach:
    """A scope and what in it: a workspace's id, a message class, or nothing more to say."""

    scope: Scope = Scope.TENANT
    target: str = ""

    @property
    def key(self) -> str:
        return f"{self.scope}:{self.target}"


def _version_2(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew one scope, and named the contact alone."""
    return {"scope": "tenant", "target": "", "address_hash": ""} | data


@event_type(
    "ContactSuppressed",
    topic=Topic.DECISIONS,
    key="tenant_id",
    version=2,
    upcasters={1: _version_2},
)
class ContactSuppressed(Event):
    """The contact gets no more such mail; never for a policy or reputation reply (I12)."""

    tenant_id: str  # `platform` in the scope of that name
    contact_id: Annotated[str, Privacy.PSEUDONYM]  # empty in the scope platform
    reason: str  # hard_bounce, complaint, unsubscribe, manual, import
    evidence: str  # the rule, event or command behind it
    scope: str = Scope.TENANT.value  # platform, tenant, workspace or message_class
    target: str = ""  # the workspace's id, or the message class
    address_hash: Annotated[str, Privacy.PSEUDONYM] = ""  # keyed; empty where it was not known


@event_type(
    "SuppressionLifted",
    topic=Topic.DECISIONS,
    key="tenant_id",
    version=2,
    upcasters={1: _version_2},
)
class SuppressionLifted(Event):
    """The contact may be mailed again, as far as this scope goes."""

    tenant_id: str
    contact_id: Annotated[str, Privacy.PSEUDONYM]
    reason: str
    scope: str = Scope.TENANT.value
    target: str = ""
    address_hash: Annotated[str, Privacy.PSEUDONYM] = ""


# ---- the hash of an address


def hash_key(id_key: str) -> bytes:
    """The key under which addresses are hashed; Postgres hashes with it too."""
    return hashlib.blake2b(id_key.encode(), person=b"pm-address", digest_size=32).digest()


def address_hasher(id_key: str) -> Callable[[str], str]:
    """From an address to its keyed hash: as vault.address_hash in Postgres, letter by letter.

    It outlives the contact, so that who was suppressed and then erased stays suppressed.
    """
    key = hash_key(id_key)

    def hashed(address: str) -> str:
        return hashlib.sha256(key + address.lower().encode() + key).hexdigest()

    return hashed


# ---- state: one stream per contact; per address in the scope platform


@dataclass(frozen=True)
class State:
    """In which scopes a contact is suppressed, and for what reason."""

    tenant_id: str = ""
    contact_id: str = ""
    address_hash: str = ""
    reasons: dict[str, str] = field(default_factory=dict)  # key of the reach → reason


initial = State()


def stream(contact_id: str) -> str:
    """The name of the contact's suppression stream."""
    return f"suppression-{contact_id}"


def platform_stream(address_hash: str) -> str:
    """The name of an address's stream in the scope platform."""
    return f"suppression-{PLATFORM}-{address_hash}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case ContactSuppressed():
            return State(
                event.tenant_id,
                event.contact_id,
                event.address_hash or state.address_hash,
                state.reasons | {f"{event.scope}:{event.target}": event.reason},
            )
        case SuppressionLifted():
            lifted = f"{event.scope}:{event.target}"
            kept = {key: reason for key, reason in state.reasons.items() if key != lifted}
            return replace(state, reasons=kept)
        case _:
            return state


# ---- decisions


@dataclass(frozen=True)
class Subject:
    """Who is suppressed: a contact of a tenant, with its address's hash where that is known."""

    tenant_id: str
    contact_id: str
    address_hash: str = ""


EVERYTHING = Reach()


def suppress(
    state: State, *, who: Subject, reason: str, evidence: str, reach: Reach = EVERYTHING
) -> tuple[Event, ...]:
    """Mail this contact no more, as far as `reach` goes; its first reason there stays.

    Raises Invalid for a reason that must not suppress (I12), or a reach that does not fit.
    """
    if reason not in REASONS:
        raise Invalid(f"reason: {reason!r} never suppresses; use one of {', '.join(REASONS)}")
    _check(who, reach)
    if reach.key in state.reasons:
        return ()
    suppressed = ContactSuppressed(
        tenant_id=who.tenant_id,
        contact_id=who.contact_id,
        reason=reason,
        evidence=evidence,
        scope=reach.scope,
        target=reach.target,
        address_hash=who.address_hash,
    )
    return (suppressed,)


def lift(state: State, *, reason: str, reach: Reach = EVERYTHING) -> tuple[Event, ...]:
    """Let the contact be mailed again, as far as `reach` goes; no event when nothing is there."""
    if reach.key not in state.reasons:
        return ()
    lifted = SuppressionLifted(
        tenant_id=state.tenant_id,
        contact_id=state.contact_id,
        reason=reason,
        scope=reach.scope,
        target=reach.target,
        address_hash=state.address_hash,
    )
    return (lifted,)


def _check(who: Subject, reach: Reach) -> None:
    whole = reach.scope in {Scope.PLATFORM, Scope.TENANT}
    if whole and reach.target:
        raise Invalid(f"target: the scope {reach.scope} is all of it; leave the target out")
    if not whole and not reach.target:
        raise Invalid(f"target: the scope {reach.scope} needs one; name the {reach.scope}")
    if (reach.scope is Scope.PLATFORM) != (who.tenant_id == PLATFORM):
        raise Invalid("scope: only the platform suppresses for everybody; name a scope of yours")
    if reach.scope is Scope.PLATFORM and not who.address_hash:
        raise Invalid("address_hash: the platform suppresses addresses; name one")
