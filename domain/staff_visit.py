"""A visit of staff to a tenant: one stream per tenant, member of staff and day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from domain.event import Event, Topic, event_type
from domain.refusals import Invalid

#: Why staff act in a tenant: a code. More words belong into the ticket, never into the log.
REASONS = (
    *("support_ticket", "abuse_review", "deliverability", "billing", "incident"),
    *("legal_request", "onboarding", "security_review"),
)

# ---- events: their names and fields are the storage format


@event_type("StaffAccessed", topic=Topic.DECISIONS, key="tenant_id")
class StaffAccessed(Event):
    """A member of staff came into a tenant: told once a day for each reason."""

    tenant_id: str
    staff_id: str
    reason: str
    day: date  # UTC


# ---- state


@dataclass(frozen=True)
class State:
    """The reasons that were told on that day."""

    reasons: tuple[str, ...] = ()


initial = State()


def stream(tenant_id: str, staff_id: str, day: date) -> str:
    """The name of the stream of a day's visits."""
    return f"visit-{tenant_id}-{staff_id}-{day:%Y%m%d}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case StaffAccessed():
            return replace(state, reasons=(*state.reasons, event.reason))
        case _:
            return state


# ---- decisions


def enter(
    state: State, *, tenant_id: str, staff_id: str, reason: str, day: date
) -> tuple[Event, ...]:
    """Tell of a visit, once per reason and day. Raises Invalid for a reason that is no code."""
    if reason not in REASONS:
        raise Invalid(f"reason: give one of {', '.join(REASONS)} as X-Staff-Reason")
    if reason in state.reasons:
        return ()
    return (StaffAccessed(tenant_id=tenant_id, staff_id=staff_id, reason=reason, day=day),)
