"""Tenants by command: make one, name it, choose its time zone, suspend and restore it, find it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from api.desk import Desk
from domain import tenant
from domain.fatigue import Fatigue
from domain.platform import PLATFORM_TENANT
from domain.ports import Decided
from domain.refusals import NotFound

SQL = named_sql(Path(__file__).with_suffix(".sql"))
NO_SUCH = "tenant: there is no such tenant; `penguin tenants list` names them"
SAME_NAME_MAX = 10
Row = dict[str, Any]


def ensure(desk: Desk, name: str) -> Decided:
    """The desk's tenant, made if it is new, and called so."""
    stream = tenant.stream(desk.tenant_id)
    decided = desk.decide(tenant, stream, partial(tenant.create, tenant_id=desk.tenant_id))
    desk.write(SQL["name"], name=name)
    return decided


def change(desk: Desk, *, name: str | None, time_zone: str | None) -> int | None:
    """Another name or time zone. Raises NotFound; Invalid for a time zone that there is not."""
    own(desk)
    position = None
    if time_zone is not None:
        decide = partial(tenant.set_time_zone, time_zone=time_zone)
        position = desk.decide(tenant, tenant.stream(desk.tenant_id), decide).position
        desk.write(SQL["time_zone"], time_zone=time_zone)
    if name is not None:
        desk.write(SQL["name"], name=name)
    return position


def set_fatigue(desk: Desk, limit: Fatigue | None) -> int | None:
    """Bind or lift (None) what a contact may get of the tenant. Raises NotFound, Invalid."""
    own(desk)
    decide = partial(tenant.set_fatigue, limit=limit)
    position = desk.decide(tenant, tenant.stream(desk.tenant_id), decide).position
    given = vars(limit) if limit else {"per_day": None, "gap_h": None}
    desk.write(SQL["fatigue"], **given)
    return position


def suspend(desk: Desk, *, reason: str) -> Decided:
    """Stop everything that the desk's tenant sends. Raises NotFound."""
    return desk.decide(
        tenant, tenant.stream(desk.tenant_id), partial(tenant.suspend, reason=reason)
    )


def restore(desk: Desk) -> Decided:
    """Let the desk's tenant send again. Raises NotFound."""
    return desk.decide(tenant, tenant.stream(desk.tenant_id), tenant.restore)


def set_daily_limit(desk: Desk, *, daily_limit: int | None, reason: str) -> Decided:
    """Bind or lift (None) what the desk's tenant sends on a UTC day. Raises NotFound, Invalid."""
    decide = partial(tenant.set_daily_limit, daily_limit=daily_limit, reason=reason)
    return desk.decide(tenant, tenant.stream(desk.tenant_id), decide)


def own(desk: Desk) -> Row:
    """The desk's tenant: name, time zone, whether it may send. Raises NotFound."""
    found = desk.rows(SQL["own"])
    if not found:
        raise NotFound(NO_SUCH)
    return found[0]


def shown(desk: Desk) -> Row:
    """As `own`, with how many people, keys and workspaces it has."""
    return own(desk) | desk.rows(SQL["counts"])[0]


def page(platform: Desk, *, after: str = "", limit: int = 100) -> list[Row]:
    """All tenants in the order of their ids, for a desk at the platform; none for any other."""
    found = platform.rows(SQL["all"], name="", after=after, limit=limit)
    return [row for row in found if row["tenant_id"] != PLATFORM_TENANT]


def named(platform: Desk, name: str) -> list[str]:
    """The ids of the tenants that are called so, the oldest first."""
    found = platform.rows(SQL["all"], name=name, after="", limit=SAME_NAME_MAX)
    return [row["tenant_id"] for row in found]


def exists(desk: Desk) -> bool:
    """Whether there is the tenant that the desk is at."""
    return bool(desk.rows(SQL["own"]))
