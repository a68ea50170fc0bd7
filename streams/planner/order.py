"""In which order the members of an audience leave, and by whose clocks: found once, then frozen.

Who opened, clicked or answered lately comes first: mail to them tells a provider that it is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool

from adapters.postgres import named_sql, tenant_tx
from domain import windows
from domain.campaign import CampaignLaunched
from domain.sending_ip import EVERY_PROVIDER as EVERY
from domain.sending_ip import stream

SQL = named_sql(Path(__file__).with_name("order.sql"))
#: What only a person does (projections/send_stats/signals.py).
HUMAN = ("opened", "clicked", "replied")
FRESH, RECENT, OLD = timedelta(days=30), timedelta(days=60), timedelta(days=90)
#: So long an IP warms up by a plan (deliverability.md §1.4).
WARMING = timedelta(days=42)

Connection = AsyncConnection[Any]
Pool = AsyncConnectionPool[Connection]


@dataclass(frozen=True)
class Engaged:
    """Who of the audience engaged, and when last: columns of the statement `gather`."""

    contacts: list[str] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)


async def engaged(readers: Pool | None, launched: CampaignLaunched) -> Engaged:
    """The last human engagement of each member of the audience that ever showed one.

    `readers`: role pm_api; without, or while the read model is not built, nobody is known.
    """
    if readers is None:
        return Engaged()
    given = {"list_ids": launched.list_ids, "human": list(HUMAN)}
    try:
        async with readers.connection() as conn, tenant_tx(conn, launched.tenant_id):
            if not await (await conn.execute(SQL["any_signal"])).fetchone():
                return Engaged()
            rows = await (await conn.execute(SQL["engaged"], given)).fetchall()
    except errors.UndefinedTable:
        return Engaged()
    return Engaged([contact for contact, _ in rows], [at for _, at in rows])


@dataclass(frozen=True)
class Cold:
    """The providers towards which some IP of a campaign is governed and not warm yet."""

    cold: list[str] = field(default_factory=list)  # * for each
    but: list[str] = field(default_factory=list)  # those that * does not mean


async def cold(conn: Connection, launched: CampaignLaunched) -> Cold:
    """Where mail to people who engaged long ago is to go last. Needs the tenant set."""
    begun = await _begun(conn, launched)
    if not begun:
        return Cold()
    rows = await (await conn.execute(SQL["warm"], {"ips": launched.ips})).fetchall()
    for ip, provider in rows:
        begun.setdefault(ip, {})[provider] = None
    young = {
        ip: {name for name, since in plans.items() if _is_young(since, launched)}
        for ip, plans in begun.items()
    }
    everywhere = [begun[ip].keys() - names for ip, names in young.items() if EVERY in names]
    named = set[str]().union(*young.values())
    but = set.intersection(*map(set, everywhere)) - named if everywhere else set()
    return Cold(sorted(named), sorted(but))


async def _begun(
    conn: Connection, launched: CampaignLaunched
) -> dict[str, dict[str, datetime | None]]:
    """Since when each IP warms up towards which provider; None: it does not."""
    names = {stream(ip): ip for ip in launched.ips}
    rows = await (await conn.execute(SQL["plans"], {"streams": list(names)})).fetchall()
    begun: dict[str, dict[str, datetime | None]] = {}
    for name, state, chosen_at in rows:
        chosen, plans = orjson.loads(state), begun.setdefault(names[name], {})
        before = plans.get(chosen["provider"])
        plans[chosen["provider"]] = None if chosen["plan"] == "none" else before or chosen_at
    return begun


def _is_young(since: datetime | None, launched: CampaignLaunched) -> bool:
    return since is not None and launched.launched_at < since + WARMING


@dataclass(frozen=True)
class Zones:
    """What leads say of their time zones (`told`), and the zones that are meant."""

    told: list[str] = field(default_factory=list)
    meant: list[str] = field(default_factory=list)


async def zones(conn: Connection, launched: CampaignLaunched) -> Zones:
    """Where the audience lives, where that matters; what names no zone is left out."""
    window = launched.send_window
    if window is None or window["zone_of"] != "recipient":
        return Zones()
    given = {"list_ids": launched.list_ids}
    rows = await (await conn.execute(SQL["zones_told"], given)).fetchall()
    found = {told: windows.zone_named(told) for (told,) in rows}
    known = {told: zone for told, zone in found.items() if zone and zone != window["zone"]}
    return Zones(list(known), list(known.values()))


class Moments:
    """When the batches of a campaign are due, and when they expire."""

    def __init__(self, launched: CampaignLaunched) -> None:
        self._launched = launched
        self._opens_at: dict[str, datetime] = {}
        self._allowed = launched.expires_at - self._opening("")

    def of(self, zone: str, number: int) -> tuple[datetime, datetime]:
        """Of the batch of this number within its zone and provider.

        It is due when the window opens there first, and from then on it may take as long as the
        campaign allows. A microsecond from batch to batch keeps their order.
        """
        opens_at = self._opening(zone)
        return opens_at + timedelta(microseconds=number), opens_at + self._allowed

    def _opening(self, zone: str) -> datetime:
        found = self._opens_at.get(zone)
        if found is None:
            launched = self._launched
            found = windows.opening(launched.send_window, launched.launched_at, zone)
            self._opens_at[zone] = found
        return found


def bounds(launched: CampaignLaunched) -> dict[str, datetime]:
    """The moments that part who engaged lately from who did long ago."""
    at = launched.launched_at
    return {"fresh": at - FRESH, "recent": at - RECENT, "old": at - OLD}
