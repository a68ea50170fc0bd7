"""DNS blocklists as data: zones, what codes mean, how much they count, and who says so.

A list that needs a key is asked under a name with the key in it; its own name, which events and
rows carry, never holds one. Only codes that stand here count. Left out on purpose: closed lists
(SORBS, msrbl, five-ten-sg, lashback), and those of whole neighbourhoods (UCEPROTECT 2, 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

IP, DOMAIN = "ip", "domain"
EVERY_TIER_1_S, EVERY_S = 900, 3600
TIERS = (1, 2, 3)


@dataclass(frozen=True)
class Blocklist:
    """`codes`: last octets of 127.0.x.y as "x.y" that mean listed here.

    `others`: codes that mean something else, so that they are neither a listing nor a fault.
    """

    name: str
    kind: str  # ip or domain
    tier: int  # 1 stops mail, 2 and 3 are told
    zone: str  # with {key} where the list wants one
    codes: frozenset[str]
    source: str
    others: frozenset[str] = frozenset()
    test_entry: str = ""  # listed for ever; of an IP list it is 127.0.0.2 (RFC 5782 §5)

    @property
    def every_s(self) -> int:
        """How often it is asked about each address or domain."""
        return EVERY_TIER_1_S if self.tier == 1 else EVERY_S

    @property
    def needs_key(self) -> bool:
        return "{key}" in self.zone


def _masks(*bits: int) -> frozenset[str]:
    """Each sum of these bits, as a last octet."""
    chosen = (pick for size in range(1, len(bits) + 1) for pick in combinations(bits, size))
    return frozenset(f"0.{sum(pick)}" for pick in chosen)


_ZEN = "{key}.zen.dq.spamhaus.net"
_ZEN_ACT = frozenset({"0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.9"})  # SBL, CSS, XBL, DROP
_ZEN_PBL = frozenset({"0.10", "0.11"})
_SPAMHAUS = "docs.spamhaus.com, DNSBL return codes; www.spamhaus.org/faqs/dnsbl-usage"

LISTS = (
    Blocklist("zen.spamhaus.org", IP, 1, _ZEN, _ZEN_ACT, _SPAMHAUS, others=_ZEN_PBL),
    # A range where its owner expects no mail server: a fault of the IP's kind, not of its mail.
    Blocklist("pbl.spamhaus.org", IP, 2, _ZEN, _ZEN_PBL, _SPAMHAUS, others=_ZEN_ACT),
    Blocklist(
        "dbl.spamhaus.org",
        DOMAIN,
        1,
        "{key}.dbl.dq.spamhaus.net",
        frozenset({"1.2", "1.4", "1.5", "1.6", "1.102", "1.103", "1.104", "1.105", "1.106"}),
        _SPAMHAUS,
        test_entry="dbltest.com",
    ),
    Blocklist(
        "b.barracudacentral.org",
        IP,
        2,
        "b.barracudacentral.org",  # answers registered resolvers alone
        frozenset({"0.2"}),
        "www.barracudacentral.org/rbl/how-to-use",
    ),
    Blocklist(
        "bl.spamcop.net",
        IP,
        2,
        "bl.spamcop.net",
        frozenset({"0.2"}),
        "www.spamcop.net/fom-serve/cache/291.html; a listing ends by itself after 24 to 48 hours",
    ),
    Blocklist(
        "multi.surbl.org",
        DOMAIN,
        2,
        "multi.surbl.org",
        _masks(8, 16, 64, 128),  # phishing, malware, abuse, cracked
        "www.surbl.org/lists",
    ),
    Blocklist(
        "multi.uribl.com",
        DOMAIN,
        2,
        "multi.uribl.com",
        frozenset({"0.2"}),  # black; 0.1 says that the query was refused
        "uribl.com/about.shtml; uribl.com/refused.shtml",
        others=frozenset({"0.4", "0.8"}),  # grey, red: no listing to act on
    ),
    Blocklist(
        "bl.mailspike.net",
        IP,
        3,
        "bl.mailspike.net",
        frozenset({"0.2", "0.10", "0.11", "0.12"}),
        "mailspike.org/usage.html",
    ),
    Blocklist("psbl.surriel.com", IP, 3, "psbl.surriel.com", frozenset({"0.2"}), "psbl.org/usage"),
    Blocklist(
        "dnsbl-1.uceprotect.net",
        IP,
        3,
        "dnsbl-1.uceprotect.net",
        frozenset({"0.2"}),
        "www.uceprotect.net/en/index.php?m=6&s=0",
    ),
)
BY_NAME = {each.name: each for each in LISTS}


class BadLists(ValueError):  # noqa: N818 - an answer about a setting
    """The setting names lists that cannot be asked."""


def chosen(zones: str, key: str) -> tuple[Blocklist, ...]:
    """The lists that PM_DNSBL_ZONES names, with commas; `all`; ZONE=TIER for one of one's own.

    One's own is a list of IP addresses whose only code is 127.0.0.2. Raises BadLists with the cure.
    """
    names = [name.strip().lower() for name in zones.split(",") if name.strip()]
    found = [each for name in names for each in (LISTS if name == "all" else (_named(name),))]
    keyless = sorted({each.name for each in found if each.needs_key}) if not key else []
    if keyless and "all" in names:
        return _once([each for each in found if not each.needs_key])
    if keyless:
        raise BadLists(
            f"PM_DNSBL_ZONES: {', '.join(keyless)} answers by a key alone; set"
            " PM_SPAMHAUS_DQS_KEY (portal.spamhaus.com), or leave it out"
        )
    return _once(found)


def _named(name: str) -> Blocklist:
    if name in BY_NAME:
        return BY_NAME[name]
    zone, _, tier = name.partition("=")
    if "." not in zone or tier not in {str(each) for each in TIERS}:
        raise BadLists(
            f"PM_DNSBL_ZONES: {name!r} is not known; use {', '.join(BY_NAME)}, all,"
            " or ZONE=TIER with a tier of 1, 2 or 3"
        )
    return Blocklist(zone, IP, int(tier), zone, frozenset({"0.2"}), "PM_DNSBL_ZONES")


def _once(found: Sequence[Blocklist]) -> tuple[Blocklist, ...]:
    return tuple({each.name: each for each in found}.values())
