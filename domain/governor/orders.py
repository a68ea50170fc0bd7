"""What people order of volume control beside a plan: each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from domain.event import Event, Topic, Unit, event_type
from domain.governor.inputs import Action
from domain.refusals import Invalid, Refused

#: What an order is about → whether it names a mailbox provider too.
SCOPES = {"cell": True, "domain": True, "ip": False, "tenant": False, "campaign": False}
QUOTA_MAX = 1_000_000_000
#: Scopes that carry the reputation of an address: who ends a block there must be ours.
_OF_IPS = frozenset({"cell", "ip"})


class StaffOnly(Refused):
    """Only the platform's staff may order this."""

    code = "forbidden"


@event_type("VolumeOrdered", topic=Topic.DECISIONS, key="tenant_id")
class VolumeOrdered(Event):
    """A person stopped or resumed a scope, set its quota, or called it warm."""

    tenant_id: str
    scope: str  # cell, domain, ip, tenant or campaign
    scope_id: str
    provider: str  # of a cell or domain; empty otherwise
    action: str  # stop, resume, quota or warm (domain/governor/inputs.py, Action)
    quota: Annotated[int, Unit("messages per day, 0: none told")]
    reason: str
    by_staff: bool = False  # of the platform: only they end what they ordered


# ---- state


@dataclass(frozen=True)
class Target:
    """What an order is about. `scope_id` of a cell is the IP's."""

    tenant_id: str
    scope: str
    scope_id: str
    provider: str = ""


@dataclass(frozen=True)
class State:
    """What was ordered of one scope so far."""

    stopped: bool = False
    by_staff: bool = False  # the stop, or the quota
    quota: int = 0  # the last one that was ordered, or 0
    warm: bool = False


initial = State()


def stream(target: Target) -> str:
    """The name of the scope's stream of orders."""
    named = (target.scope, target.scope_id, target.provider)
    return "volume-order-" + "-".join(filter(None, named))


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    if not isinstance(event, VolumeOrdered):
        return state
    match event.action:
        case Action.STOP:
            return replace(state, stopped=True, by_staff=event.by_staff)
        case Action.RESUME:
            return replace(state, stopped=False, by_staff=False)
        case Action.QUOTA:
            return replace(state, quota=event.quota, warm=False, by_staff=event.by_staff)
        case Action.WARM:
            return replace(state, quota=event.quota, warm=True, by_staff=event.by_staff)
        case _:
            return state


# ---- decisions


@dataclass(frozen=True)
class Standing:
    """What volume control has decided of the scope by now."""

    quota: int | None = None  # messages a day; None: none binds
    breaker: str = "closed"  # or open, half, blocked
    rule: str = ""  # that opened the breaker


@dataclass(frozen=True)
class Order:
    """What somebody wants of a scope, and whether they are of the platform's staff."""

    action: str
    reason: str
    quota: int = 0
    by_staff: bool = False


def order(
    state: State, *, target: Target, wanted: Order, standing: Standing
) -> tuple[VolumeOrdered, ...]:
    """Order it; no event where it stands so already. Raises Invalid, StaffOnly.

    Before volume control has acted, a resume or quota that is ordered again is a second event,
    which changes nothing. Staff alone raise a quota above the governor's, call something warm, end
    what staff ordered and end a block of an IP. Whoever calls looks first whether the scope is the
    tenant's.
    """
    check(target, wanted)
    _refuse_for_staff(state, target, wanted, standing)
    if _stands(state, wanted, standing):
        return ()
    ordered = VolumeOrdered(
        tenant_id=target.tenant_id,
        scope=target.scope,
        scope_id=target.scope_id,
        provider=target.provider,
        action=wanted.action,
        quota=wanted.quota,
        reason=wanted.reason,
        by_staff=wanted.by_staff,
    )
    return (ordered,)


def check(target: Target, wanted: Order) -> None:
    """Raises Invalid for an order that makes no sense of such a scope."""
    if target.scope not in SCOPES:
        raise Invalid(f"scope: {target.scope!r} is unknown; use one of {', '.join(SCOPES)}")
    if wanted.action not in set(Action):
        raise Invalid(f"action: {wanted.action!r} is unknown; use one of {', '.join(Action)}")
    if SCOPES[target.scope] and not target.provider:
        raise Invalid(f"provider: a {target.scope} is one towards a mailbox provider; name it")
    if target.provider and not SCOPES[target.scope]:
        raise Invalid(f"provider: a {target.scope} has none; leave it out, or order of a cell")
    sets_quota = wanted.action in {Action.QUOTA, Action.WARM}
    if sets_quota and not SCOPES[target.scope]:
        raise Invalid(f"scope: a {target.scope} has no quota; order one of a cell or a domain")
    needs = wanted.action == Action.QUOTA or (wanted.action, target.scope) == ("warm", "cell")
    if needs and not 1 <= wanted.quota <= QUOTA_MAX:
        raise Invalid(f"quota: give 1 to {QUOTA_MAX} messages a day; to send nothing, order a stop")
    if wanted.quota and not needs:
        raise Invalid("quota: it goes with the action quota, or warm of a cell; leave it out")


def _refuse_for_staff(state: State, target: Target, wanted: Order, standing: Standing) -> None:
    if wanted.by_staff:
        return
    if wanted.action == Action.WARM:
        raise StaffOnly("action: calling it warm passes warm-up by; the platform's staff may")
    if wanted.action == Action.QUOTA:
        _refuse_raise(state, wanted, standing)
    if wanted.action == Action.RESUME and state.stopped and state.by_staff:
        raise StaffOnly("action: the platform's staff stopped it; ask them to end that")
    theirs = state.stopped and not state.by_staff and standing.rule in {"", "ordered"}
    blocked = standing.breaker == "blocked" and target.scope in _OF_IPS
    if wanted.action == Action.RESUME and blocked and not theirs:
        told = f"it is blocked ({standing.rule}), which more mail makes worse"
        raise StaffOnly(f"action: {told}; see to the cause, then ask the platform's staff")


def _refuse_raise(state: State, wanted: Order, standing: Standing) -> None:
    if standing.quota is not None and wanted.quota > standing.quota:
        told = f"{wanted.quota} is more than the {standing.quota} that volume control allows"
        raise StaffOnly(f"quota: {told}; give less, or ask the platform's staff")
    if state.quota and state.by_staff and wanted.quota > state.quota:
        raise StaffOnly(f"quota: the platform's staff set {state.quota}; give less, or ask them")


def _stands(state: State, wanted: Order, standing: Standing) -> bool:
    match wanted.action:
        case Action.STOP:
            return state.stopped and state.by_staff >= wanted.by_staff
        case Action.RESUME:
            return not state.stopped and standing.breaker == "closed"
        case Action.QUOTA:
            same = state.quota == wanted.quota and not state.warm
            return same and standing.quota in {None, wanted.quota}
        case _:
            return state.warm and state.quota == wanted.quota
