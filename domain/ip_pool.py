"""An IP pool: sending IPs of a tenant among which campaigns' mail is shared out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.event import Event, Topic, event_type
from domain.refusals import NotFound, WrongState


@event_type("PoolCreated", topic=Topic.DECISIONS, key="tenant_id")
class PoolCreated(Event):
    """The tenant has a pool, without IPs at first."""

    tenant_id: str
    pool_id: str


@event_type("PoolIpAdded", topic=Topic.DECISIONS, key="tenant_id")
class PoolIpAdded(Event):
    """Mail of the pool may leave from this sending IP; it may be in several pools."""

    tenant_id: str
    pool_id: str
    ip: str


@event_type("PoolIpRemoved", topic=Topic.DECISIONS, key="tenant_id")
class PoolIpRemoved(Event):
    """Mail of the pool that is launched from now on leaves from this sending IP no longer."""

    tenant_id: str
    pool_id: str
    ip: str


@event_type("PoolRetired", topic=Topic.DECISIONS, key="tenant_id")
class PoolRetired(Event):
    """Nothing is launched from this pool any more; its IPs stay as they are."""

    tenant_id: str
    pool_id: str
    reason: str


# ---- state


@dataclass(frozen=True)
class State:
    """A pool as its events tell it; `pool_id` is empty before it was created."""

    tenant_id: str = ""
    pool_id: str = ""
    ips: tuple[str, ...] = ()
    retired: bool = False


initial = State()


def stream(pool_id: str) -> str:
    """The name of the pool's event stream."""
    return f"pool-{pool_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case PoolCreated():
            return replace(state, tenant_id=event.tenant_id, pool_id=event.pool_id)
        case PoolIpAdded():
            return replace(state, ips=(*state.ips, event.ip))
        case PoolIpRemoved():
            return replace(state, ips=tuple(ip for ip in state.ips if ip != event.ip))
        case PoolRetired():
            return replace(state, retired=True)
        case _:
            return state


# ---- decisions


def create(state: State, *, tenant_id: str, pool_id: str) -> tuple[Event, ...]:
    """Make a pool of the tenant."""
    if state.pool_id:
        return ()
    return (PoolCreated(tenant_id=tenant_id, pool_id=pool_id),)


def add_ip(state: State, *, ip: str) -> tuple[Event, ...]:
    """Let its mail leave from a sending IP of the tenant. Raises NotFound, WrongState."""
    require_usable(state)
    if ip in state.ips:
        return ()
    return (PoolIpAdded(tenant_id=state.tenant_id, pool_id=state.pool_id, ip=ip),)


def remove_ip(state: State, *, ip: str) -> tuple[Event, ...]:
    """Let what is launched from now on leave by others alone. Raises NotFound, WrongState."""
    require_usable(state)
    if ip not in state.ips:
        return ()
    return (PoolIpRemoved(tenant_id=state.tenant_id, pool_id=state.pool_id, ip=ip),)


def retire(state: State, *, reason: str) -> tuple[Event, ...]:
    """Launch nothing from it any more. Raises NotFound."""
    if state.retired:
        return ()
    require_usable(state)
    return (PoolRetired(tenant_id=state.tenant_id, pool_id=state.pool_id, reason=reason),)


def require_usable(state: State) -> None:
    """Raises NotFound, WrongState for a pool that is not there or retired."""
    if not state.pool_id:
        raise NotFound("pool_id: there is no such IP pool; create it first")
    if state.retired:
        raise WrongState(f"pool_id: {state.pool_id} is retired; create a new one")
