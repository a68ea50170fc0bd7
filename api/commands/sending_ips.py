"""Sending IPs by command: make one, bind caps and rates, retire it."""

from __future__ import annotations

from functools import partial

from api.desk import Desk
from domain import sending_ip
from domain.sending_ip import EVERY_PROVIDER, Egress


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


def add(desk: Desk, ip: str, egress: Egress) -> int | None:
    """Let the tenant send from an IP; the log's position. Raises Invalid, WrongState."""
    decide = partial(sending_ip.add, tenant_id=desk.tenant_id, ip=ip, egress=egress)
    return desk.decide(sending_ip, sending_ip.stream(ip), decide).position
