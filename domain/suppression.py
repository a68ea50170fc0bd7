"""Whom a tenant must not mail, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from domain.event import Event, Privacy, Topic, event_type
from domain.refusals import Invalid

#: Why a contact may be suppressed. A policy or reputation rejection is none of them (I12).
REASONS = ("hard_bounce", "complaint", "unsubscribe", "manual", "import")


@event_type("ContactSuppressed", topic=Topic.DECISIONS, key="tenant_id")
class ContactSuppressed(Event):
    """The contact gets no more mail of the tenant; never for a policy or reputation reply (I12)."""

    tenant_id: str
    contact_id: Annotated[str, Privacy.PSEUDONYM]
    reason: str  # hard_bounce, complaint, unsubscribe, manual, import
    evidence: str  # the rule, event or command behind it


@event_type("SuppressionLifted", topic=Topic.DECISIONS, key="tenant_id")
class SuppressionLifted(Event):
    """The contact may be mailed again."""

    tenant_id: str
    contact_id: Annotated[str, Privacy.PSEUDONYM]
    reason: str


# ---- state: one stream per contact


@dataclass(frozen=True)
class State:
    """Whether a contact is suppressed, and why; `reason` is empty when it is not."""

    tenant_id: str = ""
    contact_id: str = ""
    reason: str = ""


initial = State()


def stream(contact_id: str) -> str:
    """The name of the contact's suppression stream."""
    return f"suppression-{contact_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case ContactSuppressed():
            return State(event.tenant_id, event.contact_id, event.reason)
        case SuppressionLifted():
            return replace(state, reason="")
        case _:
            return state


# ---- decisions


def suppress(
    state: State, *, tenant_id: str, contact_id: str, reason: str, evidence: str
) -> tuple[Event, ...]:
    """Mail this contact no more. A contact that is suppressed stays so for its first reason.

    Raises Invalid for a reason that must not suppress (I12).
    """
    if reason not in REASONS:
        raise Invalid(f"reason: {reason!r} never suppresses; use one of {', '.join(REASONS)}")
    if state.reason:
        return ()
    suppressed = ContactSuppressed(
        tenant_id=tenant_id, contact_id=contact_id, reason=reason, evidence=evidence
    )
    return (suppressed,)


def lift(state: State, *, reason: str) -> tuple[Event, ...]:
    """Let the contact be mailed again; no event when it is not suppressed."""
    if not state.reason:
        return ()
    lifted = SuppressionLifted(
        tenant_id=state.tenant_id, contact_id=state.contact_id, reason=reason
    )
    return (lifted,)
