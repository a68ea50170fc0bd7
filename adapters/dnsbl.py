"""Asks DNS blocklists (RFC 5782): listed, not listed, or no answer that means anything.

What is no code of the list (127.255.255.252, .254 and .255: a typo, a public resolver, too many
queries; 127.0.0.1; any other) is no answer. Nor is anything from a list that fails its own test:
one that lists 127.0.0.1 lists the world, one without 127.0.0.2 is closed to us or gone.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from typing import Protocol

from adapters.dnsbl_lists import IP, Blocklist
from domain.reputation.ports import DnsUnanswered

SOUND_FOR_S = 3600.0
NEVER_LISTED, ALWAYS_LISTED = "127.0.0.1", "127.0.0.2"  # RFC 5782 §5
NEVER_LISTED_DOMAIN = "invalid"
NAMES_MAX = 10  # of one address


class Records(Protocol):
    """Answers DNS questions, as adapters.dns.DnsResolver does."""

    async def records(self, name: str, kind: str) -> list[str]: ...


class Listing:
    """The Watcher of one list: a listing's code, or nothing. `clock` is monotonic."""

    def __init__(
        self,
        which: Blocklist,
        dns: Records,
        key: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._list, self._dns, self._clock = which, dns, clock
        self._zone = which.zone.format(key=key)
        self._sound_until = 0.0

    async def ask(self, subject: str) -> str:
        """The code that lists an address or domain, such as 127.0.0.2. Raises DnsUnanswered."""
        code = await self._code(subject)
        if self._sound_until <= self._clock():
            await self._prove()
        return code

    async def _prove(self) -> None:
        """Ask for what it must list and what it must not. Raises DnsUnanswered."""
        of_ips = self._list.kind == IP
        if await self._answers(NEVER_LISTED if of_ips else NEVER_LISTED_DOMAIN):
            raise DnsUnanswered(f"{self._list.name} lists everything: take it out")
        listed = ALWAYS_LISTED if of_ips else self._list.test_entry
        if listed and not await self._answers(listed):
            raise DnsUnanswered(
                f"{self._list.name} does not list its test entry {listed}: it is closed to us"
                " (a key that is wrong, a resolver that is not registered) or gone"
            )
        self._sound_until = self._clock() + SOUND_FOR_S

    async def _code(self, subject: str) -> str:
        answers = await self._answers(subject)
        known = self._list.codes | self._list.others
        strange = sorted(each for each in answers if _short(each) not in known)
        if strange:
            raise DnsUnanswered(f"{self._list.name} answered {strange[0]}, which lists nothing")
        listed = [each for each in answers if _short(each) in self._list.codes]
        return min(listed, key=ipaddress.ip_address) if listed else ""

    async def _answers(self, subject: str) -> list[str]:
        """What it says. The name that is asked, with a key in it, stays in here."""
        name = f"{reversed_address(subject) if self._list.kind == IP else subject}.{self._zone}"
        try:
            return await self._dns.records(name, "A")
        except DnsUnanswered:
            raise DnsUnanswered(f"{self._list.name} did not answer") from None


class AddressName:
    """The Watcher of the name of an address: no_name, other_address, other_greeting.

    Receivers look the address up, the name that comes of it again, and compare with our greeting.
    """

    def __init__(self, dns: Records, greeting: str) -> None:
        self._dns, self._greeting = dns, greeting.rstrip(".").lower()

    async def ask(self, subject: str) -> str:
        """What is wrong with the name of an address, or nothing. Raises DnsUnanswered."""
        address = ipaddress.ip_address(subject)
        names = await self._dns.records(address.reverse_pointer, "PTR")
        if not names:
            return "no_name"
        kind = "A" if address.version == 4 else "AAAA"  # noqa: PLR2004 - the version
        leads_back = []
        for name in sorted(names)[:NAMES_MAX]:
            found = await self._dns.records(name, kind)
            if str(address) in {str(ipaddress.ip_address(each)) for each in found}:
                leads_back.append(name)
        if not leads_back:
            return "other_address"
        return "" if self._greeting in leads_back else "other_greeting"


def reversed_address(address: str) -> str:
    """An address as blocklists take it: 192.0.2.1 is 1.2.0.192; IPv6 by nibbles."""
    pointer = ipaddress.ip_address(address).reverse_pointer
    return pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def is_public(address: str) -> bool:
    """Whether the world sees mail come from this address: else nobody lists or names it."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def _short(code: str) -> str:
    """The last two octets of 127.0.x.y; a code of another shape as it is."""
    return code.removeprefix("127.0.")
