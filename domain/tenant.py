"""A tenant: the organisation that pays and the boundary of isolation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import available_timezones

from domain import fatigue
from domain.event import Event, Topic, Unit, event_type
from domain.fatigue import Fatigue
from domain.refusals import Invalid, NotFound, WrongState

#: So long after it is asked for, a deletion destroys; until then it can be taken back.
DELETION_WINDOW = timedelta(days=90)
DELETION = "deletion"  # the reason of the suspension that goes with it
DAILY_LIMIT_MAX = 10_000_000_000

# ---- events: their names and fields are the storage format


@event_type("TenantCreated", topic=Topic.DECISIONS, key="tenant_id")
class TenantCreated(Event):
    """A tenant exists. Its name is kept as a label in Postgres, never in the log."""

    tenant_id: str


@event_type("TenantSuspended", topic=Topic.DECISIONS, key="tenant_id")
class TenantSuspended(Event):
    """Nothing of this tenant is sent until it is restored."""

    tenant_id: str
    reason: str


@event_type("TenantRestored", topic=Topic.DECISIONS, key="tenant_id")
class TenantRestored(Event):
    """The tenant may send again."""

    tenant_id: str


@event_type("TenantSettingsChanged", topic=Topic.DECISIONS, key="tenant_id")
class TenantSettingsChanged(Event):
    """The tenant's days begin and end in this time zone from now on."""

    tenant_id: str
    time_zone: str  # an IANA name


@event_type("ContactFatigueSet", topic=Topic.DECISIONS, key="tenant_id")
class ContactFatigueSet(Event):
    """A contact gets at most so much marketing mail of the tenant from now on."""

    tenant_id: str
    per_day: Annotated[int | None, Unit("messages in 24 hours")]  # None: as much as comes
    gap_h: Annotated[int, Unit("hours")]  # between two


@event_type("TenantDailyLimitSet", topic=Topic.DECISIONS, key="tenant_id")
class TenantDailyLimitSet(Event):
    """At most so many messages of the tenant leave on a UTC day from now on."""

    tenant_id: str
    daily_limit: Annotated[int | None, Unit("messages per UTC day")]  # None: none binds
    reason: str


@event_type("TenantDeletionRequested", topic=Topic.DECISIONS, key="tenant_id")
class TenantDeletionRequested(Event):
    """Its data is destroyed at `due_at` unless this is taken back; until then nothing is sent."""

    tenant_id: str
    due_at: datetime


@event_type("TenantDeletionCancelled", topic=Topic.DECISIONS, key="tenant_id")
class TenantDeletionCancelled(Event):
    """The tenant stays."""

    tenant_id: str


@event_type("TenantDeleted", topic=Topic.DECISIONS, key="tenant_id")
class TenantDeleted(Event):
    """What was personal, what it wrote and its keys are destroyed; its ids stay in the log."""

    tenant_id: str


# ---- state


@dataclass(frozen=True)
class State:
    """A tenant as its events tell it; `tenant_id` is empty before it was created."""

    tenant_id: str = ""
    suspended: bool = False
    suspended_for: str = ""
    deletion_due_at: datetime | None = None
    deleted: bool = False
    time_zone: str = "UTC"
    fatigue: Fatigue | None = None  # None: contacts get as much mail as comes
    daily_limit: int | None = None  # messages per UTC day; None: none binds


initial = State()


def stream(tenant_id: str) -> str:
    """The name of the tenant's event stream."""
    return f"tenant-{tenant_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case TenantCreated():
            return replace(state, tenant_id=event.tenant_id)
        case TenantSuspended() | TenantRestored():
            stopped = isinstance(event, TenantSuspended)
            return replace(state, suspended=stopped, suspended_for=getattr(event, "reason", ""))
        case TenantDeletionRequested() | TenantDeletionCancelled():
            return replace(state, deletion_due_at=getattr(event, "due_at", None))
        case TenantDeleted():
            return replace(state, deleted=True)
        case TenantSettingsChanged():
            return replace(state, time_zone=event.time_zone)
        case ContactFatigueSet():
            limit = None if event.per_day is None else Fatigue(event.per_day, event.gap_h)
            return replace(state, fatigue=limit)
        case TenantDailyLimitSet():
            return replace(state, daily_limit=event.daily_limit)
        case _:
            return state


# ---- decisions


def create(state: State, *, tenant_id: str) -> tuple[Event, ...]:
    """Create the tenant."""
    return () if state.tenant_id else (TenantCreated(tenant_id=tenant_id),)


def suspend(state: State, *, reason: str) -> tuple[Event, ...]:
    """Stop everything that the tenant sends. Raises NotFound."""
    _require(state)
    if state.suspended:
        return ()
    return (TenantSuspended(tenant_id=state.tenant_id, reason=reason),)


def restore(state: State) -> tuple[Event, ...]:
    """Let the tenant send again. Raises NotFound, WrongState while it is to be deleted."""
    _require(state)
    if state.deletion_due_at:
        raise WrongState("tenant_id: it is to be deleted; cancel its deletion first")
    return (TenantRestored(tenant_id=state.tenant_id),) if state.suspended else ()


def set_time_zone(state: State, *, time_zone: str) -> tuple[Event, ...]:
    """Let the tenant's days follow another time zone. Raises NotFound, Invalid."""
    _require(state)
    if time_zone not in available_timezones():
        raise Invalid(f"time_zone: {time_zone!r} is no IANA time zone; try Europe/Berlin or UTC")
    if time_zone == state.time_zone:
        return ()
    return (TenantSettingsChanged(tenant_id=state.tenant_id, time_zone=time_zone),)


def set_fatigue(state: State, *, limit: Fatigue | None) -> tuple[Event, ...]:
    """Bind, change or lift (None) what a contact may get. Raises NotFound, Invalid."""
    _require(state)
    if limit:
        fatigue.check(limit)
    if limit == state.fatigue:
        return ()
    per_day, gap_h = (limit.per_day, limit.gap_h) if limit else (None, 0)
    return (ContactFatigueSet(tenant_id=state.tenant_id, per_day=per_day, gap_h=gap_h),)


def set_daily_limit(state: State, *, daily_limit: int | None, reason: str) -> tuple[Event, ...]:
    """Bind, change or lift (None) what may leave on a UTC day. Raises NotFound, Invalid."""
    _require(state)
    if daily_limit is not None and not 1 <= daily_limit <= DAILY_LIMIT_MAX:
        raise Invalid(
            f"daily_limit: it must be 1 to {DAILY_LIMIT_MAX}, or none for no limit; suspend the"
            " tenant if nothing is to leave"
        )
    if daily_limit == state.daily_limit:
        return ()
    limit = TenantDailyLimitSet(tenant_id=state.tenant_id, daily_limit=daily_limit, reason=reason)
    return (limit,)


def request_deletion(state: State, *, now: datetime) -> tuple[Event, ...]:
    """Stop sending, and destroy the tenant's data after the window. Raises NotFound.

    A deletion that was asked for before keeps its date.
    """
    _require(state)
    if state.deletion_due_at:
        return ()
    asked = TenantDeletionRequested(tenant_id=state.tenant_id, due_at=now + DELETION_WINDOW)
    if state.suspended:
        return (asked,)
    return (asked, TenantSuspended(tenant_id=state.tenant_id, reason=DELETION))


def cancel_deletion(state: State) -> tuple[Event, ...]:
    """Keep the tenant; it sends again unless it was suspended before. Raises NotFound."""
    _require(state)
    if not state.deletion_due_at:
        return ()
    kept = TenantDeletionCancelled(tenant_id=state.tenant_id)
    if state.suspended_for != DELETION:
        return (kept,)
    return (kept, TenantRestored(tenant_id=state.tenant_id))


def delete(state: State, *, now: datetime) -> tuple[Event, ...]:
    """Record that its data is destroyed; once. Raises NotFound, WrongState before its time."""
    if state.deleted:
        return ()
    require_due(state, now)
    return (TenantDeleted(tenant_id=state.tenant_id),)


def require_due(state: State, now: datetime) -> None:
    """Raises NotFound, and WrongState while the window is open or when nobody asked."""
    _require(state)
    if state.deletion_due_at is None:
        raise WrongState("tenant_id: nobody asked for its deletion; ask first")
    if now < state.deletion_due_at:
        raise WrongState(
            f"tenant_id: it is destroyed from {state.deletion_due_at} on; wait until then"
        )


def _require(state: State) -> None:
    if not state.tenant_id or state.deleted:
        raise NotFound("tenant_id: there is no such tenant; create it first")
