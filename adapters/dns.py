"""Routes of recipients' domains by DNS: provider and next hops (RFC 5321 §5.1, RFC 7505)."""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.resolver
import idna

from adapters.mailbox_providers import OTHER, provider_of
from domain.ports import NextHop, Route
from domain.reputation.ports import DnsUnanswered

LIFETIME_S = 5.0  # of one question, retries to every server included
CACHE_MAX = 50_000  # domains
TTL_MIN_S, TTL_MAX_S = 5.0, 3600.0
PROBLEM_TTL_S = 60.0  # no such domain, takes no mail
LOOKUPS_MAX = 100  # at once; each holds a socket
#: What of a record `records` gives back.
FIELDS = {"MX": "exchange", "CNAME": "target", "PTR": "target", "A": "address", "AAAA": "address"}


class Unanswered(DnsUnanswered):
    """No name server answered: what the name has is not known."""


@dataclass(frozen=True)
class _Server:
    preference: int
    hop: NextHop


@dataclass(frozen=True)
class _Found:
    """What DNS said about a domain, as long as it may be believed (monotonic seconds)."""

    provider: str
    servers: tuple[_Server, ...]
    problem: str
    until_s: float


class DnsResolver:
    """`domain.ports.Resolver` over one name server, `host:port`, or the system's when empty.

    `rng` shuffles servers of one preference; `clock` is monotonic. Answers are kept for their TTL,
    at most CACHE_MAX domains of them; a question under way is asked once.
    """

    def __init__(
        self,
        server: str,
        smtp_port: int,
        rng: random.Random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolver = _resolver(server)
        self._port, self._rng, self._clock = smtp_port, rng, clock
        self._kept: OrderedDict[str, _Found] = OrderedDict()
        self._asked: dict[str, asyncio.Task[_Found]] = {}
        self._room = asyncio.Semaphore(LOOKUPS_MAX)

    async def route(self, domain: str) -> Route:
        """Provider and hops of a domain, Unicode or A-labels. Never raises for what DNS says."""
        try:
            name = idna.encode(domain.rstrip("."), uts46=True).decode().lower()
        except idna.IDNAError:
            return Route(OTHER, (), "no_domain")
        found = self._kept.get(name)
        if found is None or found.until_s <= self._clock():
            found = await self._ask_once(name)
        return Route(found.provider, self._in_order(found.servers), found.problem)

    async def txt(self, name: str) -> list[str]:
        """The TXT records of a name, strings joined. Raises Unanswered."""
        answer = await self._ask(name, "TXT")
        if answer is None or answer.rrset is None:
            return []
        return [b"".join(record.strings).decode(errors="replace") for record in answer.rrset]

    async def records(self, name: str, kind: str) -> list[str]:
        """What a name has of a kind (MX, CNAME, PTR, A, AAAA), as text. Raises Unanswered.

        Names in lower case, without the final dot.
        """
        answer = await self._ask(name, kind)
        if answer is None or answer.rrset is None:
            return []
        field = FIELDS[kind]
        return [_text(getattr(record, field)) for record in answer.rrset]

    def _in_order(self, servers: tuple[_Server, ...]) -> tuple[NextHop, ...]:
        """Lowest preference first, shuffled inside one preference (RFC 5321 §5.1)."""
        drawn = [(server.preference, self._rng.random(), server.hop) for server in servers]
        return tuple(hop for _, _, hop in sorted(drawn, key=lambda entry: entry[:2]))

    async def _ask_once(self, name: str) -> _Found:
        task = self._asked.get(name)
        if task is None:
            task = self._asked[name] = asyncio.ensure_future(self._look_up(name))
            task.add_done_callback(lambda _: self._asked.pop(name, None))
        return await asyncio.shield(task)  # one caller's cancelling is not the others'

    async def _look_up(self, name: str) -> _Found:
        try:
            found = await self._find(name)
        except Unanswered:
            return _Found(OTHER, (), "unreachable", 0.0)
        self._kept[name] = found
        self._kept.move_to_end(name)
        if len(self._kept) > CACHE_MAX:
            self._kept.popitem(last=False)
        return found

    async def _find(self, name: str) -> _Found:
        answer = await self._ask(name, "MX")
        if answer is None:
            return self._problem("no_domain")
        if answer.rrset is None:
            return await self._implicit(name)
        hosts = [(record.preference, _text(record.exchange)) for record in answer.rrset]
        if [host for _, host in hosts] == [""]:
            return self._problem("null_mx")
        provider = provider_of(min(hosts)[1])
        servers = [server for pair in hosts if pair[1] for server in await self._servers(*pair)]
        if not servers:  # its MX hosts have no address: a fault that may pass
            return _Found(provider, (), "unreachable", 0.0)
        return _Found(provider, tuple(servers), "", self._until(answer.rrset.ttl))

    async def _implicit(self, name: str) -> _Found:
        """Without MX the domain's own address takes its mail."""
        servers = await self._servers(0, name)
        if not servers:
            return self._problem("no_domain")
        return _Found(OTHER, tuple(servers), "", self._until(TTL_MIN_S))

    async def _servers(self, preference: int, host: str) -> list[_Server]:
        answer = await self._ask(host, "A")
        if answer is None or answer.rrset is None:
            return []
        addresses = [record.address for record in answer.rrset]
        return [_Server(preference, NextHop(a, self._port, name=host)) for a in addresses]

    def _problem(self, problem: str) -> _Found:
        return _Found(OTHER, (), problem, self._clock() + PROBLEM_TTL_S)

    def _until(self, ttl_s: float) -> float:
        return self._clock() + min(max(ttl_s, TTL_MIN_S), TTL_MAX_S)

    async def _ask(self, name: str, kind: str) -> dns.resolver.Answer | None:
        """The answer, with or without records; None: there is no such name."""
        try:
            async with self._room:
                return await self._resolver.resolve(
                    name, kind, raise_on_no_answer=False, lifetime=LIFETIME_S, search=False
                )
        except dns.resolver.NXDOMAIN:
            return None
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise Unanswered(f"{kind} of {name}: {error}") from error


def _resolver(server: str) -> dns.asyncresolver.Resolver:
    if not server:
        return dns.asyncresolver.Resolver()
    host, _, port = server.rpartition(":")
    made = dns.asyncresolver.Resolver(configure=False)
    made.nameservers = [host.strip("[]")]
    made.port = int(port)
    return made


def _text(name: object) -> str:
    return str(name).rstrip(".").lower()
