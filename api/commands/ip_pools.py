"""IP pools by command: make one, name it, let sending IPs in and out, retire it."""

from __future__ import annotations

from functools import partial

from api.desk import Desk
from domain import ip_pool, sending_ip
from domain.ports import Decided

LABEL = """
INSERT INTO vault.label (tenant_id, id, kind, label)
VALUES (%(tenant_id)s, %(id)s, 'ip_pool', %(label)s)
ON CONFLICT (tenant_id, id) DO UPDATE SET label = excluded.label
"""


def create(desk: Desk, name: str) -> tuple[str, Decided]:
    """A pool without IPs; its id and what was decided."""
    pool_id = desk.fresh_id("pol")
    desk.write(LABEL, id=pool_id, label=name)
    decide = partial(ip_pool.create, tenant_id=desk.tenant_id, pool_id=pool_id)
    return pool_id, desk.decide(ip_pool, ip_pool.stream(pool_id), decide)


def rename(desk: Desk, pool_id: str, name: str) -> None:
    """Call it otherwise; the name stays in Postgres. Raises NotFound, WrongState."""
    ip_pool.require_usable(known(desk, pool_id))
    desk.write(LABEL, id=pool_id, label=name)


def put_ip(desk: Desk, pool_id: str, ip: str) -> Decided:
    """Let its mail leave from a sending IP of the tenant. Raises NotFound, WrongState."""
    sending_ip.require_active(desk.state(sending_ip, sending_ip.stream(ip)))
    return desk.decide(ip_pool, ip_pool.stream(pool_id), partial(ip_pool.add_ip, ip=ip))


def take_ip(desk: Desk, pool_id: str, ip: str) -> Decided:
    """Let its mail leave from that IP no longer. Raises NotFound, WrongState."""
    return desk.decide(ip_pool, ip_pool.stream(pool_id), partial(ip_pool.remove_ip, ip=ip))


def retire(desk: Desk, pool_id: str, reason: str) -> Decided:
    """Launch nothing from it any more. Raises NotFound."""
    return desk.decide(ip_pool, ip_pool.stream(pool_id), partial(ip_pool.retire, reason=reason))


def known(desk: Desk, pool_id: str) -> ip_pool.State:
    """As its events tell it, whether or not there is one."""
    state: ip_pool.State = desk.state(ip_pool, ip_pool.stream(pool_id))
    return state
