"""IP pools: their sending IPs, and how mail is shared out by what each may still carry today."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from math import inf
from operator import itemgetter
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain.governor.draft import fresh
from domain.governor.state import UNBOUND, Choice
from domain.ip_choice import Candidate, shares
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
    (None: nothing binds), the `score` of its reputation there (None: unknown), and its `weight`,
    the share of the pool's mail that these make.
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
    """By IP: what is left towards each provider, its score, and the share that these make."""
    active = {member["ip"] for member in members if member["state"] == ACTIVE}
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for provider, here in groupby(cells, key=itemgetter("provider")):
        told = [(cell, left_of(cell) if cell["ip"] in active else 0) for cell in here]
        weights = shares([Candidate(_number(left), _score(cell)) for cell, left in told])
        for (cell, left), weight in zip(told, weights, strict=True):
            allowance = {"provider": provider, "left": left, "score": _score(cell)}
            found[cell["ip"]].append(allowance | {"weight": weight})
    return found


def _score(cell: Row) -> int | None:
    """As the releaser takes it: of what is governed alone."""
    score: int | None = None if cell["plan"] in {None, UNGOVERNED} else cell["score"]
    return score


def _number(left: int | None) -> float:
    return inf if left is None else left


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
