"""Sending IPs by command: make one, bind caps and rates, retire it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from api.desk import Desk
from domain import quarantine, sending_ip, vps
from domain.ports import Decided, Reservation
from domain.sending_ip import EVERY_PROVIDER, UNGOVERNED, Egress, Rate, Warmup

#: Of the plan that is chosen with a new IP.
AT_FIRST = "chosen with the IP"
NO_PLAN = Warmup(UNGOVERNED)


def ensure(desk: Desk, egress: Egress, cap_per_day: int | None) -> str:
    """The tenant's sending IP for this egress, with this cap towards every provider; its id.

    Campaigns with and without a cap go by different ones: neither lifts or binds the other's.
    """
    bound = "capped" if cap_per_day is not None else "free"
    hop = (egress.route, egress.relay_host, egress.relay_port, bound)
    ip = desk.derive("ip", desk.tenant_id, egress.address, *hop)
    add(desk, ip, egress)
    cap = partial(
        sending_ip.set_cap,
        provider=EVERY_PROVIDER,
        cap_per_day=cap_per_day,
        reason="asked for by the operator" if cap_per_day is not None else "no cap asked for",
    )
    desk.decide(sending_ip, sending_ip.stream(ip), cap)
    return ip


def add(desk: Desk, ip: str, egress: Egress, reservations: Sequence[Reservation] = ()) -> Decided:
    """Let the tenant send from an IP. Raises Invalid, WrongState."""
    decide = partial(sending_ip.add, tenant_id=desk.tenant_id, ip=ip, egress=egress)
    return desk.decide(sending_ip, sending_ip.stream(ip), decide, reservations=reservations)


def create(
    desk: Desk, egress: Egress, vps_id: str, warmup: Warmup = NO_PLAN
) -> tuple[str, Decided]:
    """A new sending IP, which belongs to a VPS of the tenant where one is named.

    A local address is one tenant's alone. Raises Invalid, NotFound, Taken, WrongState.
    """
    if vps_id:
        vps.require_usable(desk.state(vps, vps.stream(vps_id)))
    ip = desk.fresh_id("ip")
    choose = partial(
        sending_ip.choose_plan, provider=EVERY_PROVIDER, warmup=warmup, reason=AT_FIRST
    )
    choose(sending_ip.State(desk.tenant_id, ip, egress))  # refused before anything is there
    reserved = [Reservation("sending address", egress.address)] if egress.address else []
    decided = add(desk, ip, egress, reserved)
    if vps_id:
        decide = partial(sending_ip.place, vps_id=vps_id)
        decided = desk.decide(sending_ip, sending_ip.stream(ip), decide)
    if warmup.plan != UNGOVERNED:
        decided = desk.decide(sending_ip, sending_ip.stream(ip), choose)
    return ip, decided


def choose_plan(
    desk: Desk, ip: str, provider: str, warmup: Warmup, reason: str, *, force: bool = False
) -> Decided:
    """Let volume control warm it up, or leave it alone. Raises Invalid, NotFound, WrongState."""
    decide = partial(
        sending_ip.choose_plan, provider=provider, warmup=warmup, reason=reason, force=force
    )
    return desk.decide(sending_ip, sending_ip.stream(ip), decide)


def isolate(desk: Desk, ip: str, reason: str) -> Decided:
    """Put it into quarantine: nothing new leaves from it. Raises NotFound, WrongState."""
    decide = partial(quarantine.begin, reason=reason)
    return desk.decide(sending_ip, sending_ip.stream(ip), decide)


def release(desk: Desk, ip: str, reason: str) -> Decided:
    """End its quarantine. Raises NotFound, WrongState."""
    decide = partial(quarantine.end, reason=reason)
    return desk.decide(sending_ip, sending_ip.stream(ip), decide)


def set_cap(desk: Desk, ip: str, provider: str, cap_per_day: int | None, reason: str) -> Decided:
    """Bind, change or lift (None) a daily cap. Raises Invalid, NotFound, WrongState."""
    decide = partial(sending_ip.set_cap, provider=provider, cap_per_day=cap_per_day, reason=reason)
    return desk.decide(sending_ip, sending_ip.stream(ip), decide)


def set_rate(desk: Desk, ip: str, provider: str, rate: Rate, reason: str) -> Decided:
    """Bind or change a rate. Raises Invalid, NotFound, WrongState."""
    decide = partial(
        sending_ip.set_rate,
        provider=provider,
        rate_per_s=rate.rate_per_s,
        burst=rate.burst,
        reason=reason,
    )
    return desk.decide(sending_ip, sending_ip.stream(ip), decide)


def retire(desk: Desk, ip: str, reason: str) -> Decided:
    """Send nothing more from it. Raises NotFound."""
    decide = partial(sending_ip.retire, reason=reason)
    return desk.decide(sending_ip, sending_ip.stream(ip), decide)
