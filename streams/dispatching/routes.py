"""Which next hop each recipient of a slice goes to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

import structlog

from domain.ports import NextHop, Resolver, Route
from streams.dispatching.claim import Recipient

LOOKUPS_AT_ONCE = 50
LOOKUP_MAX_S = 10.0
UNREACHABLE = Route("", (), "unreachable")
NEVER = (".invalid",)  # there never is such a domain (RFC 6761 §6.4)

log = structlog.get_logger(__name__)

Hops = tuple[NextHop, ...]


@dataclass
class Routed:
    """Recipients by where they go; a hop list is one destination."""

    by_hops: dict[Hops, list[Recipient]] = field(default_factory=lambda: defaultdict(list))
    nowhere: list[int] = field(default_factory=list)  # their domains take no mail, or are gone
    absent: list[int] = field(default_factory=list)  # looked for once, and no such domain
    unreachable: list[int] = field(default_factory=list)  # nobody answered for their domains


async def routed(resolver: Resolver, relay: NextHop | None, recipients: list[Recipient]) -> Routed:
    """Sort recipients by destination; what is not found within LOOKUP_MAX_S is unreachable."""
    found = Routed()
    if relay is not None:
        found.by_hops[(relay,)] = recipients
        return found
    routes = await _look_up(resolver, {recipient.domain or "" for recipient in recipients})
    _sort(found, recipients, routes)
    return found


async def _look_up(resolver: Resolver, domains: set[str]) -> dict[str, Route]:
    if not domains:
        return {}
    room = asyncio.Semaphore(LOOKUPS_AT_ONCE)
    asked = {domain: asyncio.create_task(_route(resolver, room, domain)) for domain in domains}
    _, late = await asyncio.wait(asked.values(), timeout=LOOKUP_MAX_S)
    for task in late:
        task.cancel()
    return {domain: task.result() for domain, task in asked.items() if task not in late}


def _sort(found: Routed, recipients: list[Recipient], routes: dict[str, Route]) -> None:
    for recipient in recipients:
        route = routes.get(recipient.domain or "", UNREACHABLE)
        if route.hops:
            found.by_hops[route.hops].append(recipient)
        elif route.problem == "null_mx" or (route.problem == "no_domain" and _is_gone(recipient)):
            found.nowhere.append(recipient.index)
        elif route.problem == "no_domain":
            found.absent.append(recipient.index)
        else:
            found.unreachable.append(recipient.index)


def _is_gone(recipient: Recipient) -> bool:
    """Whether a domain that is not found need not be looked for again."""
    return recipient.absent or (recipient.domain or "").rstrip(".").lower().endswith(NEVER)


async def _route(resolver: Resolver, room: asyncio.Semaphore, domain: str) -> Route:
    async with room:
        try:
            return await resolver.route(domain)
        except OSError as error:
            log.warning("route_not_found", error=repr(error))
            return UNREACHABLE
