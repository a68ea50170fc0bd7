"""What a tenant used of its plan in a billing period, and the shares of the limit it crossed.

A send is used once: in the calendar month (UTC) in which its first attempt started. Retries are
free, and so is what was suppressed, cancelled or expired before any attempt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from domain.event import Event, Topic, Unit, event_type
from domain.refusals import Invalid

#: Shares of the limit that are told, in percent.
THRESHOLDS = (80, 90, 95, 100)


@event_type("QuotaCrossed", topic=Topic.DECISIONS, key="tenant_id")
class QuotaCrossed(Event):
    """The tenant's use of a period reached a share of its limit."""

    tenant_id: str
    period: date  # the first day of the month
    percent: Annotated[int, Unit("percent of the limit")]  # 80, 90, 95 or 100
    used: Annotated[int, Unit("sends")]  # when it was noticed
    limit: Annotated[int, Unit("sends")]


@dataclass(frozen=True)
class State:
    """What was told of a period: (percent, limit) of each crossing."""

    crossed: frozenset[tuple[int, int]] = frozenset()


initial = State()


def stream(tenant_id: str, period: date) -> str:
    """The name of the event stream of a tenant's period."""
    return f"usage-{tenant_id}-{period.isoformat()}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case QuotaCrossed():
            return replace(state, crossed=state.crossed | {(event.percent, event.limit)})
        case _:
            return state


def period_of(day: date) -> date:
    """The billing period that a UTC day belongs to, by its first day."""
    return day.replace(day=1)


def reached(used: int, limit: int) -> tuple[int, ...]:
    """The thresholds that this use has reached, rising."""
    return tuple(percent for percent in THRESHOLDS if used * 100 >= limit * percent)


def cross(
    state: State, *, tenant_id: str, period: date, used: int, limit: int
) -> tuple[Event, ...]:
    """Record each threshold that is reached and was not told of this limit yet. Raises Invalid."""
    if limit < 1 or used < 0:
        raise Invalid(f"limit: {used} of {limit} is no use of a limit; look at the plan again")
    return tuple(
        QuotaCrossed(tenant_id=tenant_id, period=period, percent=percent, used=used, limit=limit)
        for percent in reached(used, limit)
        if (percent, limit) not in state.crossed
    )
