"""Which blocklist answers count, and which answers are worth telling."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from adapters.dnsbl import AddressName, Listing, is_public, reversed_address
from adapters.dnsbl_lists import BY_NAME, LISTS, BadLists, chosen
from domain.reputation.ports import DnsUnanswered
from domain.watching import LISTINGS, NAMES, Patience, Watched, heard


class Names:
    """What DNS has, by (name, kind). None: no answer comes."""

    def __init__(self, has: Mapping[tuple[str, str], list[str] | None]) -> None:
        self.has = dict(has)
        self.asked: list[str] = []

    async def records(self, name: str, kind: str) -> list[str]:
        self.asked.append(name)
        found = self.has.get((name, kind), [])
        if found is None:
            raise DnsUnanswered(f"{kind} of {name}")
        return found


def told(patience: Patience, *answers: str) -> list[str]:
    """What is told after these answers."""
    found, known = [], Watched()
    for answer in answers:
        known, news = heard(known, answer, patience)
        if news:
            assert known.told is not None
            found.append(known.told or "well")
    return found


@pytest.mark.parametrize(
    ("answers", "tellings"),
    [
        (("x",), []),
        (("x", "", "x", "", "x"), []),
        (("x", "x"), ["x"]),
        (("x", "y"), ["y"]),
        (("x", "x", "x", "y", "y"), ["x"]),
        (("", "", "", ""), []),
        (("x", "x", "", "", "x", "", ""), ["x"]),
        (("x", "x", "", "", "", "", "x", "x"), ["x", "well", "x"]),
    ],
)
def test_a_listing_is_told_after_two_answers_and_its_end_after_three(
    answers: tuple[str, ...], tellings: list[str]
) -> None:
    assert told(LISTINGS, *answers) == tellings


def test_a_name_is_told_when_it_is_first_seen_to_be_well() -> None:
    assert told(NAMES, "", "", "no_name", "", "no_name", "no_name", "") == [
        "well",
        "no_name",
        "well",
    ]


def test_addresses_are_asked_backwards() -> None:
    assert reversed_address("192.0.2.1") == "1.2.0.192"
    assert reversed_address("2001:db8::1").startswith("1.0.0.0.")


def test_no_one_is_asked_about_private_addresses() -> None:
    private = ("127.0.0.1", "10.1.2.3", "192.168.1.1", "100.64.0.1", "fd00::1", "", "mail.example")
    assert [address for address in (*private, "1.2.3.4") if is_public(address)] == ["1.2.3.4"]


def listing(name: str, has: Mapping[tuple[str, str], list[str] | None]) -> tuple[Listing, Names]:
    """A list with its test entry, which answers so about the addresses in `has`."""
    zone = BY_NAME[name].zone.format(key="k3y")
    entry = BY_NAME[name].test_entry or "2.0.0.127"
    names = Names(
        {(f"{entry}.{zone}", "A"): ["127.0.0.2" if BY_NAME[name].kind == "ip" else "127.0.1.2"]}
        | {(f"{subject}.{zone}", kind): answer for (subject, kind), answer in has.items()}
    )
    return Listing(BY_NAME[name], names, "k3y"), names


@pytest.mark.parametrize("code", ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.9"])
async def test_a_known_code_lists(code: str) -> None:
    zen, _ = listing("zen.spamhaus.org", {("4.3.2.1", "A"): [code]})
    assert await zen.ask("1.2.3.4") == code
    assert await zen.ask("1.2.3.5") == ""


@pytest.mark.parametrize(
    "code",
    ["127.255.255.252", "127.255.255.254", "127.255.255.255", "127.0.0.1", "127.0.0.99", "1.1.1.1"],
)
async def test_a_code_of_an_error_is_no_answer(code: str) -> None:
    zen, _ = listing("zen.spamhaus.org", {("4.3.2.1", "A"): [code]})
    with pytest.raises(DnsUnanswered, match=code):
        await zen.ask("1.2.3.4")


async def test_an_error_beside_a_code_makes_the_whole_no_answer() -> None:
    zen, _ = listing("zen.spamhaus.org", {("4.3.2.1", "A"): ["127.0.0.2", "127.255.255.254"]})
    with pytest.raises(DnsUnanswered):
        await zen.ask("1.2.3.4")


async def test_an_address_range_without_mail_servers_is_a_list_of_its_own() -> None:
    found = {("4.3.2.1", "A"): ["127.0.0.10"]}
    zen, _ = listing("zen.spamhaus.org", found)
    pbl, _ = listing("pbl.spamhaus.org", found)
    assert await zen.ask("1.2.3.4") == ""
    assert await pbl.ask("1.2.3.4") == "127.0.0.10"


async def test_a_list_that_lists_the_world_lists_nobody() -> None:
    zen, _ = listing(
        "zen.spamhaus.org", {("4.3.2.1", "A"): ["127.0.0.2"], ("1.0.0.127", "A"): ["127.0.0.2"]}
    )
    with pytest.raises(DnsUnanswered, match="lists everything"):
        await zen.ask("1.2.3.4")


async def test_silence_of_a_list_without_its_test_entry_is_no_answer() -> None:
    zen, _ = listing("zen.spamhaus.org", {("2.0.0.127", "A"): []})
    with pytest.raises(DnsUnanswered, match=r"test entry.*key"):
        await zen.ask("1.2.3.4")


async def test_a_timeout_is_no_answer_and_does_not_tell_the_key() -> None:
    zen, _ = listing("zen.spamhaus.org", {("4.3.2.1", "A"): None})
    with pytest.raises(DnsUnanswered) as refused:
        await zen.ask("1.2.3.4")
    assert "k3y" not in str(refused.value)


async def test_domains_are_asked_as_they_are() -> None:
    dbl, names = listing("dbl.spamhaus.org", {("bad.example", "A"): ["127.0.1.4"]})
    assert await dbl.ask("bad.example") == "127.0.1.4"
    assert names.asked[0] == "bad.example.k3y.dbl.dq.spamhaus.net"


def test_bitmasks_are_exact_codes() -> None:
    surbl = BY_NAME["multi.surbl.org"].codes
    assert {"0.8", "0.80", "0.216"} <= surbl
    assert not surbl & {"0.0", "0.1", "0.2", "0.4", "0.32", "0.254"}


def test_each_list_has_a_source_and_codes_that_are_no_errors() -> None:
    for each in LISTS:
        assert each.source
        assert each.codes
        assert not {"0.1", "0.0"} & (each.codes | each.others)
        assert "{" not in each.name


def test_no_list_is_watched_unless_one_is_named() -> None:
    assert chosen("", "") == ()
    assert [each.name for each in chosen("bl.spamcop.net, own.example=3", "")] == [
        "bl.spamcop.net",
        "own.example",
    ]
    assert {each.name for each in chosen("all", "")} == {
        each.name for each in LISTS if not each.needs_key
    }
    assert set(chosen("all", "k3y")) == set(LISTS)


@pytest.mark.parametrize(
    ("zones", "cure"),
    [
        ("zen.spamhaus.org", "PM_SPAMHAUS_DQS_KEY"),
        ("no.such.list", "ZONE=TIER"),
        ("own.example=4", "tier of 1, 2 or 3"),
    ],
)
def test_lists_that_cannot_be_asked_are_refused_with_a_cure(zones: str, cure: str) -> None:
    with pytest.raises(BadLists, match=cure):
        chosen(zones, "")


@pytest.mark.parametrize(
    ("names", "addresses", "problem"),
    [
        (["mail.example"], {"mail.example": ["1.2.3.4"]}, ""),
        (["other.example", "mail.example"], {"mail.example": ["9.9.9.9", "1.2.3.4"]}, ""),
        ([], {}, "no_name"),
        (["mail.example"], {"mail.example": ["1.2.3.5"]}, "other_address"),
        (["other.example"], {"other.example": ["1.2.3.4"]}, "other_greeting"),
    ],
)
async def test_an_address_needs_a_name_that_leads_back_and_is_our_greeting(
    names: list[str], addresses: dict[str, list[str]], problem: str
) -> None:
    has: dict[tuple[str, str], list[str] | None] = {("4.3.2.1.in-addr.arpa", "PTR"): names}
    has |= {(name, "A"): found for name, found in addresses.items()}
    assert await AddressName(Names(has), "Mail.Example.").ask("1.2.3.4") == problem
