"""IP pools: their sending IPs, and how mail is shared out by what each may still carry today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain.governor.draft import fresh
from domain.governor.state import UNBOUND, Choice
from domain.sending_ip import UNGOVERNED
from projections.reads import Bound

SQL = named_sql(Path(__file__).parent / "pools.sql")
Row = dict[str, Any]
ACTIVE = "active"
SHUT = frozenset({"open", "blocked"})


async def page(bound: Bound, *, retired: bool | None, after: str, limit: int) -> list[Row]:
    """Pools after an id, by id, each with the ids of its IPs; `retired` None: all."""
    return await bound.rows(SQL["pools"], id="", retired=retired, after=after, limit=limit)


async def pool(bound: Bound, pool_id: str, *, provider: str, day: date) -> Row | None:
    """One pool with its `members`; None: not the tenant's.

    A member's `allowances`: messages that may still leave from it on this UTC day to each provider
    (None: nothing binds), and its `weight`, the share of the pool's mail that this makes.
    """
    found = await bound.rows(SQL["pools"], id=pool_id, retired=None, after="", limit=1)
    if not found:
        return None
    given = {"ips": found[0]["ips"], "provider": provider, "day": day}
    members = await bound.rows(SQL["members"], ips=given["ips"])
    allowances = weighed(members, await bound.rows(SQL["allowances"], **given))
    told = [member | {"allowances": allowances[member["ip"]]} for member in members]
    return found[0] | {"members": sorted(told, key=lambda member: str(member["ip"]))}


def weighed(members: Sequence[Row], cells: Sequence[Row]) -> defaultdict[str, list[Row]]:
    """By IP: what is left towards each provider, and the share that makes."""
    active = {member["ip"] for member in members if member["state"] == ACTIVE}
    left = {
        (cell["ip"], cell["provider"]): left_of(cell) if cell["ip"] in active else 0
        for cell in cells
    }
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for (ip, provider), count in left.items():
        of_all = [other for (_, name), other in left.items() if name == provider]
        weight = share(count, of_all)
        found[ip].append({"provider": provider, "left": count, "weight": weight})
    return found


def share(count: int | None, of_all: Sequence[int | None]) -> float:
    """The part of one among all; those that nothing binds (None) share all of it alike."""
    unbound = of_all.count(None)
    if unbound:
        return round(1 / unbound, 6) if count is None else 0.0
    total = sum(filter(None, of_all))
    return round((count or 0) / total, 6) if total else 0.0


def left_of(cell: Row) -> int | None:
    """Messages that may still leave today; None: nothing binds."""
    if cell["breaker"] in SHUT:
        return 0
    limits = [limit for limit in (cell["cap_per_day"], _quota(cell)) if limit is not None]
    return max(0, min(limits) - int(cell["used"])) if limits else None


def _quota(cell: Row) -> int | None:
    """The governor's; what its plan begins with, where nothing left from it yet."""
    if cell["plan"] in {None, UNGOVERNED}:
        return None
    choice = Choice(cell["plan"], tuple(cell["curve"]), cell["target"])
    own: int | None = cell["quota"]
    quota = fresh("", "cell", cell["ip"], cell["provider"], choice).quota if own is None else own
    return None if quota >= UNBOUND else quota
