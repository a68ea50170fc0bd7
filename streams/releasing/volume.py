"""Reads what volume control and daily limits allow, and charges what left. Under the lock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain import uses
from domain.governor.state import Choice
from domain.uses import Use
from projections.fold import Connection
from streams.columns import columns
from streams.releasing.bounds import Bounds, Breaker, Campaign, Known, Place, Scope
from streams.releasing.picking import Pick

SQL = named_sql(Path(__file__).with_name("volume.sql"))

Others = Mapping[str, Sequence[str]]  # campaign_id → IPs that may take its excess


async def bounds(
    conn: Connection, now: datetime, today: date, campaigns: Mapping[str, Campaign]
) -> tuple[Bounds, Others]:
    """What binds these campaigns, and where their excess may go. Two statements if nothing does."""
    ips = sorted({ip for campaign in campaigns.values() for ip in campaign.ips})
    owners = _owners(campaigns)
    plans, breakers = await _plans(conn, ips, owners)
    limited = any(one.limited() or one.plan_left is not None for one in campaigns.values())
    if not plans and not breakers and not limited:
        return Bounds(campaigns), {}
    others = await _others(conn, campaigns) if plans else {}
    more = {ip for found in others.values() for ip in found} - set(ips)
    if more:
        ips = sorted({*ips, *more})
        plans, breakers = await _plans(conn, ips, owners)
    owners += [breaker.probes.scope_id for breaker in breakers.values()]
    known = await _known(conn, now, today, (plans, breakers), (ips, owners))
    return Bounds(campaigns, known), others


def _owners(campaigns: Mapping[str, Campaign]) -> list[str]:
    """Whom limits wider than a cell belong to."""
    found = {
        owner
        for one in campaigns.values()
        for owner in (one.campaign_id, one.tenant_id, one.domain_id, one.mailbox_id)
    }
    return sorted(found - {""})


async def _plans(
    conn: Connection, ips: Sequence[str], owners: Sequence[str]
) -> tuple[dict[Place, Choice], dict[Scope, Breaker]]:
    given = {"ips": list(ips), "owners": list(owners)}
    async with conn.pipeline():
        planned = await conn.execute(SQL["plans"], given)
        shut = await conn.execute(SQL["breakers"], given)
    plans = {
        (ip, provider): Choice(plan, tuple(curve), target)
        for ip, provider, plan, curve, target in await planned.fetchall()
    }
    breakers = {}
    for scope, scope_id, provider, status, since, left in await shut.fetchall():
        probes = uses.probe(scope, scope_id, provider, since)
        breakers[scope, scope_id, provider] = Breaker(status, probes, left)
    return plans, breakers


async def _others(conn: Connection, campaigns: Mapping[str, Campaign]) -> Others:
    asked = [
        (one.campaign_id, one.tenant_id, one.domain_id, one.pool_id) for one in campaigns.values()
    ]
    given = columns("campaign_id tenant_id domain_id pool_id", asked)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for campaign_id, ip in await (await conn.execute(SQL["others"], given)).fetchall():
        found[campaign_id].append(ip)
    return found


async def _known(
    conn: Connection,
    now: datetime,
    today: date,
    shut: tuple[Mapping[Place, Choice], Mapping[Scope, Breaker]],
    whose: tuple[Sequence[str], Sequence[str]],
) -> Known:
    given = {"ips": list(whose[0]), "owners": list(whose[1]), "today": today}
    names = ("quotas", "rates", "buckets", "warm", "scores", "started", "uses")
    async with conn.pipeline():
        asked = {name: await conn.execute(SQL[name], given) for name in names}
    rows: dict[str, Any] = {name: await cursor.fetchall() for name, cursor in asked.items()}
    return Known(
        plans=shut[0],
        breakers=shut[1],
        quotas={(scope, owner, provider): q for scope, owner, provider, q in rows["quotas"]},
        per_h={(ip, provider): per_h for ip, provider, per_h in rows["rates"]},
        buckets={
            (ip, provider): (tokens, max(0.0, (now - filled).total_seconds()))
            for ip, provider, tokens, filled in rows["buckets"]
        },
        started={(ip, provider): sends for ip, provider, sends in rows["started"]},
        used={Use(*use): int(sends) for *use, sends in rows["uses"]},
        scores={(ip, provider): score for ip, provider, score in rows["scores"]},
        warm=frozenset((ip, provider) for ip, provider in rows["warm"]),
    )


def charges(picked: Sequence[Pick], bound: Bounds) -> list[tuple[str, str, str, int, int | None]]:
    """Per use its size and the most that may be used of it today."""
    sizes: defaultdict[Use, int] = defaultdict(int)
    for pick in picked:
        for use in pick.uses:
            sizes[use] += pick.size
    return [(*use, sizes[use], bound.most(use)) for use in sorted(sizes)]
