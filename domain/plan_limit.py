"""A tenant's plan: how many sends a month it covers, as staff set it; no limit, none binds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from domain.event import Event, Topic, Unit, event_type
from domain.refusals import Invalid

LIMIT_MAX = 10_000_000_000


@event_type("PlanLimitSet", topic=Topic.DECISIONS, key="tenant_id")
class PlanLimitSet(Event):
    """From now on the tenant's plan covers so many sends a month."""

    tenant_id: str
    sends_per_month: Annotated[int | None, Unit("sends")]  # None: unlimited
    reason: str  # a code, of who set it


@dataclass(frozen=True)
class State:
    """The limit that binds; None: none."""

    sends_per_month: int | None = None


initial = State()


def stream(tenant_id: str) -> str:
    """The name of the event stream of a tenant's plan."""
    return f"plan-{tenant_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case PlanLimitSet():
            return replace(state, sends_per_month=event.sends_per_month)
        case _:
            return state


def set_limit(
    state: State, *, tenant_id: str, sends_per_month: int | None, reason: str
) -> tuple[Event, ...]:
    """Set what the plan covers; None: unlimited. Raises Invalid."""
    if sends_per_month is not None and not 1 <= sends_per_month <= LIMIT_MAX:
        raise Invalid(f"sends_per_month: it must be 1 to {LIMIT_MAX}; leave it out for no limit")
    if state.sends_per_month == sends_per_month:
        return ()
    limit = PlanLimitSet(tenant_id=tenant_id, sends_per_month=sends_per_month, reason=reason)
    return (limit,)
