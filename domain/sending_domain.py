"""A domain that a tenant signs and sends as, once its DNS records are seen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from domain.event import Event, Topic, event_type
from domain.refusals import Invalid, NotFound, WrongState

ALGORITHMS = ("rsa", "ed25519")
#: A host name of at least two labels, as A-labels in lower case (RFC 1123 §2.1, RFC 5890 §2.3.2.1).
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@event_type("DomainAdded", topic=Topic.DECISIONS, key="tenant_id")
class DomainAdded(Event):
    """The tenant claims a domain; its records are not yet seen."""

    tenant_id: str
    domain_id: str
    domain: str


@event_type("DkimKeyCreated", topic=Topic.DECISIONS, key="tenant_id")
class DkimKeyCreated(Event):
    """A signing key exists under a selector. The private half stays in Postgres."""

    tenant_id: str
    domain_id: str
    selector: str
    algorithm: str  # rsa or ed25519
    public_key: str  # base64, as in the DNS record


@event_type("DomainVerified", topic=Topic.DECISIONS, key="tenant_id")
class DomainVerified(Event):
    """Every record that sending needs was seen at the domain's servers."""

    tenant_id: str
    domain_id: str
    checks: list[str]


@event_type("DomainVerificationFailed", topic=Topic.DECISIONS, key="tenant_id")
class DomainVerificationFailed(Event):
    """Records are missing or differ; `missing` names them."""

    tenant_id: str
    domain_id: str
    missing: list[str]


@event_type("DomainRemoved", topic=Topic.DECISIONS, key="tenant_id")
class DomainRemoved(Event):
    """The tenant sends as this domain no longer; it may add it again."""

    tenant_id: str
    domain_id: str
    reason: str


@event_type("DomainIpAssigned", topic=Topic.DECISIONS, key="tenant_id")
class DomainIpAssigned(Event):
    """Mail of this domain is meant to leave from this sending IP."""

    tenant_id: str
    domain_id: str
    ip: str


@event_type("DomainIpUnassigned", topic=Topic.DECISIONS, key="tenant_id")
class DomainIpUnassigned(Event):
    """Mail of this domain is no longer meant to leave from this sending IP."""

    tenant_id: str
    domain_id: str
    ip: str


# ---- state


@dataclass(frozen=True)
class State:
    """A sending domain as its events tell it; `domain_id` is empty before it was added."""

    tenant_id: str = ""
    domain_id: str = ""
    domain: str = ""
    keys: dict[str, str] = field(default_factory=dict)  # selector → algorithm and public key
    verified: bool = False
    checks: tuple[str, ...] = ()  # seen by the last check that verified it
    missing: tuple[str, ...] = ()  # named by the last check that failed
    ips: tuple[str, ...] = ()  # that its mail is meant to leave from
    removed: bool = False


initial = State()


def stream(domain_id: str) -> str:
    """The name of the domain's event stream."""
    return f"domain-{domain_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case DomainAdded():
            return replace(
                state,
                tenant_id=event.tenant_id,
                domain_id=event.domain_id,
                domain=event.domain,
                removed=False,
            )
        case DkimKeyCreated():
            key = _key(event.algorithm, event.public_key)
            return replace(state, keys=state.keys | {event.selector: key})
        case DomainVerified():
            return replace(state, verified=True, checks=tuple(event.checks), missing=())
        case DomainVerificationFailed():
            return replace(state, verified=False, checks=(), missing=tuple(event.missing))
        case DomainIpAssigned():
            return replace(state, ips=(*state.ips, event.ip))
        case DomainIpUnassigned():
            return replace(state, ips=tuple(ip for ip in state.ips if ip != event.ip))
        case DomainRemoved():
            return replace(state, removed=True, verified=False, checks=(), missing=(), ips=())
        case _:
            return state


def _key(algorithm: str, public_key: str) -> str:
    return f"{algorithm}:{public_key}"


# ---- decisions


def add(state: State, *, tenant_id: str, domain_id: str, domain: str) -> tuple[Event, ...]:
    """Claim a domain for the tenant. Who calls it reserves the name. Raises Invalid, WrongState."""
    if not _DOMAIN.fullmatch(domain):
        raise Invalid(f"domain: {domain!r} is no host name; write it in lower case, as A-labels")
    if state.domain_id and not (state.removed and state.domain == domain):
        if state.domain == domain:
            return ()
        raise WrongState(f"domain: {state.domain_id} is {state.domain}; add the other as a new one")
    return (DomainAdded(tenant_id=tenant_id, domain_id=domain_id, domain=domain),)


def create_key(
    state: State, *, selector: str, algorithm: str, public_key: str
) -> tuple[Event, ...]:
    """Record a signing key under a selector. Raises NotFound, Invalid, WrongState."""
    require(state)
    if algorithm not in ALGORITHMS:
        raise Invalid(f"algorithm: {algorithm!r} is unknown; use one of {', '.join(ALGORITHMS)}")
    if not _SELECTOR.fullmatch(selector):
        raise Invalid(f"selector: {selector!r} is no DNS label; use a-z, 0-9 and -")
    known = state.keys.get(selector)
    if known == _key(algorithm, public_key):
        return ()
    if known:
        raise WrongState(
            f"selector: {selector} has a key already; create the new one under another"
        )
    created = DkimKeyCreated(
        tenant_id=state.tenant_id,
        domain_id=state.domain_id,
        selector=selector,
        algorithm=algorithm,
        public_key=public_key,
    )
    return (created,)


def record_check(state: State, *, seen: Sequence[str], missing: Sequence[str]) -> tuple[Event, ...]:
    """Record what a look at the domain's DNS found. Raises NotFound, Invalid.

    `seen` and `missing` name the records that sending needs. The same finding again is no event.
    """
    require(state)
    if missing:
        return _failed(state, tuple(sorted(set(missing))))
    if not seen:
        raise Invalid("seen: the check looked at no record; check at least one")
    checks = tuple(sorted(set(seen)))
    if state.verified and state.checks == checks:
        return ()
    verified = DomainVerified(
        tenant_id=state.tenant_id, domain_id=state.domain_id, checks=list(checks)
    )
    return (verified,)


def _failed(state: State, missing: tuple[str, ...]) -> tuple[Event, ...]:
    if state.missing == missing:
        return ()
    failed = DomainVerificationFailed(
        tenant_id=state.tenant_id, domain_id=state.domain_id, missing=list(missing)
    )
    return (failed,)


def remove(state: State, *, reason: str) -> tuple[Event, ...]:
    """Send as it no longer. Raises NotFound for one that was never added."""
    if state.removed:
        return ()
    require(state)
    removed = DomainRemoved(tenant_id=state.tenant_id, domain_id=state.domain_id, reason=reason)
    return (removed,)


def assign_ip(state: State, *, ip: str) -> tuple[Event, ...]:
    """Let its mail leave from a sending IP of the tenant. Raises NotFound."""
    require(state)
    if ip in state.ips:
        return ()
    return (DomainIpAssigned(tenant_id=state.tenant_id, domain_id=state.domain_id, ip=ip),)


def unassign_ip(state: State, *, ip: str) -> tuple[Event, ...]:
    """Let its mail leave from that sending IP no longer. Raises NotFound."""
    require(state)
    if ip not in state.ips:
        return ()
    return (DomainIpUnassigned(tenant_id=state.tenant_id, domain_id=state.domain_id, ip=ip),)


def require(state: State) -> None:
    """Raises NotFound for a domain that was not added, or removed."""
    if not state.domain_id or state.removed:
        raise NotFound("domain_id: there is no such sending domain; add it first")
