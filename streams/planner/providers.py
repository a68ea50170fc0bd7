"""Finds the mailbox provider of the audience's domains, and keeps what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection

from adapters.postgres import named_sql, tenant_tx
from domain.ports import Resolver, Route

SQL = named_sql(Path(__file__).with_name("planning.sql"))
RELAY, OTHER, UNROUTABLE = "relay", "other", "unroutable"
#: A domain moves to another provider rarely; the hops themselves are looked up when sending.
ROUTE_AGE_MAX_S = 24 * 3600
LOOKUPS_AT_ONCE = 50
KEPT_AT_ONCE = 500  # so that a crash in a long audience repeats little


async def provider_for_all(conn: AsyncConnection[Any], ips: Sequence[str]) -> str | None:
    """`relay` when every IP hands over to a relay; None when MX decide. LookupError: ask later.

    The IPs are a fold of decisions by the schedule, which may be behind the launch.
    """
    cursor = await conn.execute(SQL["routes_of_ips"], {"ips": list(ips)})
    routes = dict(await cursor.fetchall())
    missing = set(ips) - routes.keys()
    if missing:
        raise LookupError(f"sending IPs not folded yet: {', '.join(sorted(missing))}")
    return RELAY if set(routes.values()) == {"relay"} else None


async def resolve(
    conn: AsyncConnection[Any], resolver: Resolver, tenant_id: str, list_ids: Sequence[str]
) -> None:
    """Make the providers of the lists' domains known. May be repeated; goes on where it stopped."""
    async with tenant_tx(conn, tenant_id):
        cursor = await conn.execute(
            SQL["domains_to_resolve"], {"list_ids": list(list_ids), "age_max_s": ROUTE_AGE_MAX_S}
        )
        domains = iter([domain for (domain,) in await cursor.fetchall()])
    while some := list(islice(domains, KEPT_AT_ONCE)):
        await _keep(conn, await _look_up(resolver, some))


async def _look_up(resolver: Resolver, domains: Iterable[str]) -> list[tuple[str, Route]]:
    room = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def one(domain: str) -> tuple[str, Route]:
        async with room:
            return domain, await resolver.route(domain)

    return await asyncio.gather(*map(one, domains))


async def _keep(conn: AsyncConnection[Any], found: list[tuple[str, Route]]) -> None:
    """Keep what is certain; a domain whose servers did not answer counts as `other` this time."""
    rows = [
        {"domain": domain, "provider": provider_of(route)}
        for domain, route in sorted(found)
        if route.problem != "unreachable"
    ]
    if rows:
        async with conn.cursor() as cursor:
            await cursor.executemany(SQL["keep_route"], rows)


def provider_of(route: Route) -> str:
    """The provider that a batch is planned for."""
    if route.problem in {"null_mx", "no_domain"}:
        return UNROUTABLE
    return route.provider or OTHER
