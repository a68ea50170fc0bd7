"""A domain that a tenant signs and sends as, once its DNS records are seen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.dkim_keys import (
    ALGORITHMS,
    KEY_GRACE_S,
    DkimKeyActivated,
    DkimKeyCreated,
    DkimKeyRetired,
    Key,
    KeyState,
    refuse_third,
)
from domain.event import Event, Topic, event_type
from domain.refusals import Invalid, NotFound, WrongState

#: A host name of at least two labels, as A-labels in lower case (RFC 1123 §2.1, RFC 5890 §2.3.2.1).
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@event_type("DomainAdded", topic=Topic.DECISIONS, key="tenant_id")
class DomainAdded(Event):
    """The tenant claims a domain; its records are not yet seen."""

    tenant_id: str
    domain_id: str
    domain: str


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


@event_type("DomainDegraded", topic=Topic.DECISIONS, key="tenant_id")
class DomainDegraded(Event):
    """A domain that was verified lacks the records in `missing`; it is looked at again."""

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
    keys: dict[str, Key] = field(default_factory=dict)  # by selector
    verified: bool = False
    degraded: bool = False  # it was verified, and records have gone since
    checks: tuple[str, ...] = ()  # seen by the last check that verified it
    missing: tuple[str, ...] = ()  # named by the last check that failed
    ips: tuple[str, ...] = ()  # that its mail is meant to leave from
    removed: bool = False

    @property
    def condition(self) -> str:
        """pending, verified, degraded or failed."""
        if self.verified or self.degraded:
            return "verified" if self.verified else "degraded"
        return "failed" if self.missing else "pending"

    @property
    def may_send(self) -> bool:
        """Whether it is verified, or lacks only what receivers accept mail without."""
        return self.verified or (self.degraded and not any(map(is_essential, self.missing)))


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
        case DkimKeyCreated() | DkimKeyActivated() | DkimKeyRetired():
            return replace(state, keys=_keys(state.keys, event))
        case DomainVerified() | DomainVerificationFailed() | DomainDegraded():
            return _looked(state, event)
        case DomainIpAssigned():
            return replace(state, ips=(*state.ips, event.ip))
        case DomainIpUnassigned():
            return replace(state, ips=tuple(ip for ip in state.ips if ip != event.ip))
        case DomainRemoved():
            emptied = replace(state, checks=(), missing=(), ips=())
            return replace(emptied, removed=True, verified=False, degraded=False)
        case _:
            return state


def _looked(
    state: State, event: DomainVerified | DomainVerificationFailed | DomainDegraded
) -> State:
    if isinstance(event, DomainVerified):
        checks = tuple(event.checks)
        return replace(state, verified=True, degraded=False, checks=checks, missing=())
    degraded, missing = isinstance(event, DomainDegraded), tuple(event.missing)
    return replace(state, verified=False, degraded=degraded, checks=(), missing=missing)


def _keys(
    keys: dict[str, Key], event: DkimKeyCreated | DkimKeyActivated | DkimKeyRetired
) -> dict[str, Key]:
    match event:
        case DkimKeyCreated():
            first = active_key(keys, event.algorithm) == ""
            state = KeyState.ACTIVE if first else KeyState.PENDING
            return keys | {event.selector: Key(event.algorithm, event.public_key, state)}
        case DkimKeyActivated():
            moved = {event.before: KeyState.RETIRING, event.selector: KeyState.ACTIVE}
        case DkimKeyRetired():
            moved = {event.selector: KeyState.RETIRED}
    return keys | {
        name: replace(keys[name], state=state) for name, state in moved.items() if name in keys
    }


def active_key(keys: Mapping[str, Key], algorithm: str) -> str:
    """The selector of the key that signs with an algorithm; empty: none does."""
    found = (
        name
        for name, key in keys.items()
        if key.algorithm == algorithm and key.state is KeyState.ACTIVE
    )
    return next(found, "")


def is_essential(title: str) -> bool:
    """Whether mail may not leave without this record: DKIM keys and the way of bounces."""
    kind, _, name = title.partition(" ")
    return "._domainkey." in name or (kind == "MX" and name.startswith("bounce."))


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
    if known and (known.algorithm, known.public_key) == (algorithm, public_key):
        return ()
    if known:
        raise WrongState(
            f"selector: {selector} has a key already; create the new one under another"
        )
    refuse_third(state.keys, algorithm)
    created = DkimKeyCreated(
        tenant_id=state.tenant_id,
        domain_id=state.domain_id,
        selector=selector,
        algorithm=algorithm,
        public_key=public_key,
    )
    return (created,)


def activate_key(state: State, *, selector: str, grace_s: int = KEY_GRACE_S) -> tuple[Event, ...]:
    """Sign by this key from now on, once its record was seen; also goes back to the key before.

    Raises NotFound, WrongState for one that is retired.
    """
    key = require_key(state, selector)
    if key.state is KeyState.ACTIVE:
        return ()
    if key.state is KeyState.RETIRED:
        raise WrongState(f"selector: {selector} is retired and its key destroyed; create another")
    activated = DkimKeyActivated(
        tenant_id=state.tenant_id,
        domain_id=state.domain_id,
        selector=selector,
        algorithm=key.algorithm,
        before=active_key(state.keys, key.algorithm),
        grace_s=grace_s,
    )
    return (activated,)


def retire_key(state: State, *, selector: str, reason: str) -> tuple[Event, ...]:
    """Never sign by it again. Raises NotFound, WrongState for the one that signs."""
    key = require_key(state, selector)
    if key.state is KeyState.RETIRED:
        return ()
    if key.state is KeyState.ACTIVE:
        raise WrongState(f"selector: {selector} signs the domain's mail; activate another first")
    own = {"tenant_id": state.tenant_id, "domain_id": state.domain_id}
    return (DkimKeyRetired(**own, selector=selector, reason=reason),)


def record_check(state: State, *, seen: Sequence[str], missing: Sequence[str]) -> tuple[Event, ...]:
    """Record what a look at the domain's DNS found. Raises NotFound, Invalid.

    `seen` and `missing` name the records that sending needs. The same finding again is no event.
    A domain that was verified degrades; `give_up` fails it.
    """
    require(state)
    if missing:
        return _lacking(state, tuple(sorted(set(missing))))
    if not seen:
        raise Invalid("seen: the check looked at no record; check at least one")
    checks = tuple(sorted(set(seen)))
    if state.verified and state.checks == checks:
        return ()
    verified = DomainVerified(
        tenant_id=state.tenant_id, domain_id=state.domain_id, checks=list(checks)
    )
    return (verified,)


def _lacking(state: State, missing: tuple[str, ...]) -> tuple[Event, ...]:
    if state.missing == missing:
        return ()
    tell = DomainDegraded if state.verified or state.degraded else DomainVerificationFailed
    own = {"tenant_id": state.tenant_id, "domain_id": state.domain_id}
    return (tell(**own, missing=list(missing)),)


def give_up(state: State) -> tuple[Event, ...]:
    """A domain that stayed degraded is verified no longer. Raises NotFound."""
    require(state)
    if not state.degraded:
        return ()
    own = {"tenant_id": state.tenant_id, "domain_id": state.domain_id}
    return (DomainVerificationFailed(**own, missing=list(state.missing)),)


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


def require_key(state: State, selector: str) -> Key:
    """A DKIM key of the domain. Raises NotFound."""
    require(state)
    if selector not in state.keys:
        raise NotFound(f"selector: the domain has no key {selector}")
    return state.keys[selector]
