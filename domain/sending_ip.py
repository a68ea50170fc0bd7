"""A sending IP: where mail leaves from, by which route, under which static caps and rate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated

from domain.event import Event, Topic, Unit, event_type
from domain.governor import plans
from domain.refusals import Invalid, NotFound, WrongState

EVERY_PROVIDER = "*"
UNGOVERNED = "none"  # the plan of an IP that volume control leaves alone
PLANS = (UNGOVERNED, *plans.PLANS, plans.CUSTOM)
MESSAGES_MAX = 1_000_000_000  # a day
ROUTES = ("mx", "relay")
PORT_MAX = 65535


@event_type("SendingIpAdded", topic=Topic.DECISIONS, key="tenant_id")
class SendingIpAdded(Event):
    """The tenant may send from this IP."""

    tenant_id: str
    ip: str  # its id
    address: str  # local address that connections are bound to; empty: the system chooses
    route: str  # mx (direct to the recipient's MX) or relay
    relay_host: str  # of a relay route; empty otherwise
    relay_port: int


@event_type("SendingIpCapSet", topic=Topic.DECISIONS, key="tenant_id")
class SendingIpCapSet(Event):
    """At most so many messages leave from this IP to this provider on a UTC day (I7)."""

    tenant_id: str
    ip: str
    provider: str  # a provider's name, or * for each provider without a cap of its own
    cap_per_day: Annotated[int | None, Unit("messages")]  # None: no cap binds
    reason: str


@event_type("SendingIpRateSet", topic=Topic.DECISIONS, key="tenant_id")
class SendingIpRateSet(Event):
    """At most this rate, as a token bucket, from this IP to this provider."""

    tenant_id: str
    ip: str
    provider: str  # as in SendingIpCapSet
    rate_per_s: Annotated[float, Unit("messages per second")]
    burst: Annotated[int, Unit("messages")]
    reason: str


@event_type("SendingIpRetired", topic=Topic.DECISIONS, key="tenant_id")
class SendingIpRetired(Event):
    """Nothing more leaves from this IP."""

    tenant_id: str
    ip: str
    reason: str


@event_type("SendingIpPlaced", topic=Topic.DECISIONS, key="tenant_id")
class SendingIpPlaced(Event):
    """The IP belongs to this VPS."""

    tenant_id: str
    ip: str
    vps_id: str


@event_type("WarmupPlanChosen", topic=Topic.DECISIONS, key="tenant_id")
class WarmupPlanChosen(Event):
    """The governor controls the IP's volume by this plan; with the plan `none` no longer."""

    tenant_id: str
    ip: str
    provider: str  # that it holds for; * for each one without a plan of its own
    plan: str  # a name of domain/governor/plans.py, custom or none
    curve: Annotated[list[int], Unit("messages per day")]  # of the plan custom
    target: Annotated[int, Unit("messages per day to each provider, 0: not told")]
    reason: str


@event_type("SendingIpQuarantined", topic=Topic.DECISIONS, key="tenant_id")
class SendingIpQuarantined(Event):
    """Nothing new leaves from this IP until it is released; what it was stays known."""

    tenant_id: str
    ip: str
    reason: str


@event_type("SendingIpReleased", topic=Topic.DECISIONS, key="tenant_id")
class SendingIpReleased(Event):
    """Its quarantine is over: mail may leave from it again."""

    tenant_id: str
    ip: str
    reason: str


# ---- state


@dataclass(frozen=True)
class Egress:
    """Where mail leaves from and by which route."""

    address: str = ""
    route: str = "mx"
    relay_host: str = ""
    relay_port: int = 0


@dataclass(frozen=True)
class Rate:
    """A token bucket: so many messages per second, `burst` at once."""

    rate_per_s: float
    burst: int


@dataclass(frozen=True)
class Warmup:
    """How an IP warms up: by which plan, along which curve, towards how much a day."""

    plan: str
    curve: tuple[int, ...] = ()
    target: int = 0


@dataclass(frozen=True)
class State:
    """A sending IP as its events tell it; `ip` is empty before it was added."""

    tenant_id: str = ""
    ip: str = ""
    egress: Egress = Egress()
    # provider → messages per UTC day; None: no cap binds
    caps: dict[str, int | None] = field(default_factory=lambda: {EVERY_PROVIDER: None})
    rates: dict[str, Rate] = field(default_factory=dict)
    warmups: dict[str, Warmup] = field(default_factory=dict)  # by provider, as caps
    retired: bool = False
    quarantined: bool = False
    vps_id: str = ""  # that it belongs to; empty: none of ours

    @property
    def governed(self) -> bool:
        """Whether volume control decides about it, towards some provider at least."""
        return any(chosen.plan != UNGOVERNED for chosen in self.warmups.values())


initial = State()


def stream(ip: str) -> str:
    """The name of the IP's event stream."""
    return f"ip-{ip}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case SendingIpAdded():
            egress = Egress(event.address, event.route, event.relay_host, event.relay_port)
            return replace(state, tenant_id=event.tenant_id, ip=event.ip, egress=egress)
        case SendingIpCapSet():
            return replace(state, caps=state.caps | {event.provider: event.cap_per_day})
        case SendingIpRateSet():
            rate = Rate(event.rate_per_s, event.burst)
            return replace(state, rates=state.rates | {event.provider: rate})
        case SendingIpRetired():
            return replace(state, retired=True)
        case SendingIpQuarantined() | SendingIpReleased():
            return replace(state, quarantined=isinstance(event, SendingIpQuarantined))
        case WarmupPlanChosen():
            chosen = Warmup(event.plan, tuple(event.curve), event.target)
            return replace(state, warmups=state.warmups | {event.provider: chosen})
        case SendingIpPlaced():
            return replace(state, vps_id=event.vps_id)
        case _:
            return state


# ---- decisions


def add(state: State, *, tenant_id: str, ip: str, egress: Egress) -> tuple[Event, ...]:
    """Let the tenant send from an IP. Raises Invalid, WrongState when it is there otherwise."""
    _check(egress)
    if state.retired:
        raise WrongState(f"ip: {state.ip} is retired; add a new one")
    if state.ip:
        if state.egress == egress:
            return ()
        raise WrongState(
            f"ip: {state.ip} has another address or route; retire it and add a new one"
        )
    added = SendingIpAdded(
        tenant_id=tenant_id,
        ip=ip,
        address=egress.address,
        route=egress.route,
        relay_host=egress.relay_host,
        relay_port=egress.relay_port,
    )
    return (added,)


def set_cap(
    state: State, *, provider: str, cap_per_day: int | None, reason: str
) -> tuple[Event, ...]:
    """Bind, change or lift (None) the daily cap towards a provider. Raises Invalid, WrongState."""
    _require(state, provider)
    if cap_per_day is not None and cap_per_day < 0:
        raise Invalid("cap_per_day: it is below 0; give 0 or more, or none for no cap")
    if provider in state.caps and state.caps[provider] == cap_per_day:
        return ()
    capped = SendingIpCapSet(
        tenant_id=state.tenant_id,
        ip=state.ip,
        provider=provider,
        cap_per_day=cap_per_day,
        reason=reason,
    )
    return (capped,)


def set_rate(
    state: State, *, provider: str, rate_per_s: float, burst: int, reason: str
) -> tuple[Event, ...]:
    """Bind or change the rate towards a provider. Raises Invalid, WrongState."""
    _require(state, provider)
    if not 0 < rate_per_s < float("inf"):
        raise Invalid("rate_per_s: it must be above 0 and finite; set a cap of 0 to stop an IP")
    if burst < 1:
        raise Invalid("burst: it is below 1, so nothing could ever leave; give 1 or more")
    if state.rates.get(provider) == Rate(rate_per_s, burst):
        return ()
    paced = SendingIpRateSet(
        tenant_id=state.tenant_id,
        ip=state.ip,
        provider=provider,
        rate_per_s=rate_per_s,
        burst=burst,
        reason=reason,
    )
    return (paced,)


def choose_plan(
    state: State, *, provider: str, warmup: Warmup, reason: str, force: bool = False
) -> tuple[Event, ...]:
    """Let volume control warm it up by a plan, or with the plan `none` leave it alone.

    Nothing chosen is as `none`, but that nobody decided so: a launch warns of it.
    A relay takes all mail by itself and tells nothing of what providers answer, so that a plan
    sees bounces, complaints and listings alone: only who says `force` has one there. Raises
    NotFound, Invalid, WrongState.
    """
    _require(state, provider)
    check_warmup(warmup)
    if state.warmups.get(provider) == warmup:
        return ()
    if state.egress.route == "relay" and warmup.plan != UNGOVERNED and not force:
        raise WrongState(
            f"plan: {state.ip} hands its mail to a relay, which answers 250 by itself, so that the"
            " governor would be blind to what providers answer; send by mx, or say `force` to have"
            " a plan that sees bounces, complaints and listings alone"
        )
    chosen = WarmupPlanChosen(
        tenant_id=state.tenant_id,
        ip=state.ip,
        provider=provider,
        plan=warmup.plan,
        curve=list(warmup.curve),
        target=warmup.target,
        reason=reason,
    )
    return (chosen,)


def check_warmup(warmup: Warmup) -> None:
    """Raises Invalid for a plan that there is not, or numbers that no plan has."""
    if not 0 <= warmup.target <= MESSAGES_MAX:
        raise Invalid(f"target: give 0 (not told) to {MESSAGES_MAX} messages a day")
    if any(step > MESSAGES_MAX for step in warmup.curve):
        raise Invalid(f"curve: a step is above {MESSAGES_MAX} messages a day; give less")
    if warmup.plan not in PLANS:
        raise Invalid(f"plan: {warmup.plan!r} is unknown; use one of {', '.join(PLANS)}")
    if warmup.plan != UNGOVERNED:
        plans.check(warmup.plan, warmup.curve)
    elif warmup.curve or warmup.target:
        raise Invalid("plan: none has neither curve nor target; leave them out")


def retire(state: State, *, reason: str) -> tuple[Event, ...]:
    """Send nothing more from this IP. Raises NotFound."""
    if not state.ip:
        raise NotFound("ip: there is no such sending IP; add it first")
    if state.retired:
        return ()
    return (SendingIpRetired(tenant_id=state.tenant_id, ip=state.ip, reason=reason),)


def place(state: State, *, vps_id: str) -> tuple[Event, ...]:
    """Record which VPS it belongs to. Raises NotFound, WrongState."""
    require_active(state)
    if state.vps_id == vps_id:
        return ()
    return (SendingIpPlaced(tenant_id=state.tenant_id, ip=state.ip, vps_id=vps_id),)


def require_active(state: State) -> None:
    """Raises NotFound, WrongState for an IP that nothing may leave from."""
    if not state.ip:
        raise NotFound("ip: there is no such sending IP; add it first")
    if state.retired:
        raise WrongState(f"ip: {state.ip} is retired; add a new one")


def _require(state: State, provider: str) -> None:
    require_active(state)
    if not provider:
        raise Invalid(
            f"provider: it is empty; name one, or {EVERY_PROVIDER} for each without its own"
        )


def _check(egress: Egress) -> None:
    if egress.route not in ROUTES:
        raise Invalid(f"route: {egress.route!r} is unknown; use one of {', '.join(ROUTES)}")
    if egress.route == "relay" and not egress.relay_host:
        raise Invalid("relay_host: a relay route needs one; name the host to hand mail to")
    if egress.route == "relay" and not 0 < egress.relay_port <= PORT_MAX:
        raise Invalid(f"relay_port: {egress.relay_port} is no port; give 1 to {PORT_MAX}")
