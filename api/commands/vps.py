"""VPS by command: what is noted about them. Nothing is provisioned here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from api.desk import Desk
from domain import sending_ip, vps
from domain.event import Event
from domain.ports import Decided

Decide = Callable[[vps.State], Sequence[Event]]

LABEL = """
INSERT INTO vault.label (tenant_id, id, kind, label)
VALUES (%(tenant_id)s, %(id)s, 'vps', %(label)s)
ON CONFLICT (tenant_id, id) DO UPDATE SET label = excluded.label
"""


def register(desk: Desk, name: str, region: str) -> tuple[str, Decided]:
    """Note a VPS; its id and what was decided."""
    vps_id = desk.fresh_id("vps")
    desk.write(LABEL, id=vps_id, label=name)
    decide = partial(vps.register, tenant_id=desk.tenant_id, vps_id=vps_id, region=region)
    return vps_id, desk.decide(vps, vps.stream(vps_id), decide)


def turn(desk: Desk, vps_id: str, state: str, reason: str) -> Decided:
    """Put it into `active`, `maintenance` or `decommissioned`. Raises NotFound, WrongState."""
    return desk.decide(vps, vps.stream(vps_id), _TURNS[vps.Status(state)](reason))


_TURNS: Mapping[vps.Status, Callable[[str], Decide]] = {
    vps.Status.ACTIVE: lambda _: vps.activate,
    vps.Status.MAINTENANCE: lambda reason: partial(vps.begin_maintenance, reason=reason),
    vps.Status.DECOMMISSIONED: lambda reason: partial(vps.decommission, reason=reason),
}


def place_ip(desk: Desk, vps_id: str, ip: str) -> Decided:
    """Record that a sending IP belongs to a VPS. Raises NotFound, WrongState."""
    vps.require_usable(desk.state(vps, vps.stream(vps_id)))
    return desk.decide(sending_ip, sending_ip.stream(ip), partial(sending_ip.place, vps_id=vps_id))
