"""Routes by DNS, over real sockets, against the stand-in's server."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import pytest

from adapters.dns import DnsResolver
from adapters.sending_records import expected_records, look
from ops import dns_server
from ops.errors import Missing
from ops.sink.hosts import DOMAINS, MX_HOSTS

SMTP_PORT = 2525


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        chosen = f"127.0.0.1:{probe.getsockname()[1]}"
    async with dns_server.serving(tmp_path, chosen):
        yield chosen


class Clock:
    """Monotonic seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def resolver(address: str, clock: Clock) -> DnsResolver:
    return DnsResolver(address, SMTP_PORT, random.Random(7), clock)


@pytest.mark.parametrize("provider", DOMAINS)
async def test_consumer_domains_lead_to_their_provider(
    resolver: DnsResolver, provider: str
) -> None:
    addresses = {host.address for host in MX_HOSTS if host.provider == provider}

    for domain in DOMAINS[provider]:
        route = await resolver.route(domain)

        assert (route.provider, route.problem) == (provider, "")
        assert {hop.host for hop in route.hops} == addresses
        assert {hop.port for hop in route.hops} == {SMTP_PORT}


async def test_lower_preferences_come_first_and_equal_ones_are_shuffled(
    resolver: DnsResolver,
) -> None:
    gmail = [await resolver.route("gmail.com") for _ in range(20)]
    yahoo = [await resolver.route("yahoo.com") for _ in range(20)]

    assert {route.hops[0].host for route in gmail} == {"127.0.10.1"}
    assert {route.hops[0].host for route in yahoo} == {"127.0.10.3", "127.0.10.7"}
    assert {len(route.hops) for route in yahoo} == {2}


@pytest.mark.parametrize(
    ("domain", "provider", "problem", "hops"),
    [
        ("any.example.org", "other", "", 1),
        ("bücher.example", "other", "", 1),
        ("xn--bcher-kva.example", "other", "", 1),
        ("nomx.example.org", "other", "", 1),
        ("nullmx.example.org", "other", "null_mx", 0),
        ("nxdomain.example.org", "other", "no_domain", 0),
        ("gone.invalid", "other", "no_domain", 0),
        ("servfail.example.org", "other", "unreachable", 0),
        ("not a domain", "other", "no_domain", 0),
        ("", "other", "no_domain", 0),
    ],
)
async def test_what_dns_says_decides(
    resolver: DnsResolver, domain: str, provider: str, problem: str, hops: int
) -> None:
    route = await resolver.route(domain)

    assert (route.provider, route.problem, len(route.hops)) == (provider, problem, hops)


async def test_a_server_that_never_answers_is_unreachable_not_an_error(
    resolver: DnsResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.dns.LIFETIME_S", 0.2)

    assert (await resolver.route("silent.example.org")).problem == "unreachable"


async def test_answers_are_kept_for_their_ttl_and_asked_again_after(
    resolver: DnsResolver, clock: Clock, tmp_path: Path
) -> None:
    assert (await resolver.route("acme.test")).provider == "other"
    dns_server.publish(tmp_path, "acme.test", "MX", ["10 gmail-smtp-in.l.google.example."])
    assert (await resolver.route("acme.test")).provider == "other"

    clock.now += dns_server.TTL_S + 1

    assert (await resolver.route("acme.test")).provider == "gmail"


async def test_what_nobody_answered_is_asked_again_at_once(
    resolver: DnsResolver, tmp_path: Path
) -> None:
    assert (await resolver.route("servfail.test")).problem == "unreachable"
    dns_server.publish(tmp_path, "servfail.test", "MX", ["10 mx.other.test."])

    assert (await resolver.route("servfail.test")).problem == ""


async def test_callers_at_once_share_a_question(address: str) -> None:
    resolver = DnsResolver(address, SMTP_PORT, random.Random(1))

    routes = await asyncio.gather(*(resolver.route(f"d{n % 10}.test") for n in range(500)))

    assert {route.provider for route in routes} == {"other"}


async def test_a_caller_that_gives_up_does_not_take_the_answer_from_others(
    resolver: DnsResolver,
) -> None:
    first = asyncio.create_task(resolver.route("shared.test"))
    second = asyncio.create_task(resolver.route("shared.test"))
    await asyncio.sleep(0)
    first.cancel()

    assert (await second).provider == "other"


async def test_long_texts_come_whole_over_udp_and_tcp(
    resolver: DnsResolver, address: str, tmp_path: Path
) -> None:
    key, long = "v=DKIM1; k=rsa; p=" + "A" * 392, "x" * 3000 + '"\\'
    dns_server.publish(tmp_path, "pm1._domainkey.acme.test", "TXT", [key])
    dns_server.publish(tmp_path, "big.acme.test", "TXT", [long])

    assert await resolver.txt("pm1._domainkey.acme.test") == [key]
    assert await resolver.txt("big.acme.test") == [long]

    host, port = address.split(":")
    query = dns.message.make_query("big.acme.test", "TXT")
    cut = await dns.asyncquery.udp(query, host, port=int(port), timeout=5)
    assert cut.flags & dns.flags.TC


async def test_an_unpublished_underscore_name_does_not_exist(resolver: DnsResolver) -> None:
    assert await resolver.txt("_dmarc.acme.test") == []
    assert await resolver.records("bounce.acme.test", "MX") == ["mx.other.test"]


async def test_a_cname_is_followed(resolver: DnsResolver, tmp_path: Path) -> None:
    dns_server.publish(tmp_path, "pm1._domainkey.acme.test", "CNAME", ["k1.keys.test."])
    dns_server.publish(tmp_path, "k1.keys.test", "TXT", ["v=DKIM1; p=abc"])

    assert await resolver.txt("pm1._domainkey.acme.test") == ["v=DKIM1; p=abc"]


async def test_rubbish_is_not_answered_and_does_not_stop_the_server(
    resolver: DnsResolver, address: str
) -> None:
    host, port = address.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"\0\1rubbish", (host, int(port)))
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\0\4junk")
    assert await reader.read() == b""
    writer.close()

    assert (await resolver.route("gmail.com")).provider == "gmail"


def test_what_is_no_record_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(dns.exception.DNSException):
        dns_server.publish(tmp_path, "acme.test", "MX", ["ten mx.other.test"])

    assert not dns_server.zone_file(tmp_path).exists()


async def test_a_taken_port_is_told_with_the_cure(address: str, tmp_path: Path) -> None:
    with pytest.raises(Missing, match="PM_DNS_SERVER"):
        async with dns_server.serving(tmp_path, address):
            pass


KEYS = {"pm1": ("rsa", "QUJD", "active"), "pme": ("ed25519", "REVG", "active")}
RECORDS = expected_records("acme.test", "tok", KEYS, "bounces.penguin.test", "r@rua.test")


def _publish(tmp_path: Path) -> None:
    for record in RECORDS:
        dns_server.publish(tmp_path, record.name, record.kind, [record.value])


async def check_domain(resolver: DnsResolver) -> tuple[list[str], list[str]]:
    """What is there and what is not, by title."""
    looks = await look(resolver, RECORDS)
    seen = [found.record.title for found in looks if found.is_there]
    return seen, [found.record.title for found in looks if not found.is_there]


async def test_a_domain_with_every_record_is_seen_whole(
    resolver: DnsResolver, tmp_path: Path
) -> None:
    assert (await check_domain(resolver))[0] == []
    _publish(tmp_path)

    seen, missing = await check_domain(resolver)

    assert missing == []
    assert seen == [
        "TXT _pm.acme.test",
        "TXT pm1._domainkey.acme.test",
        "TXT pme._domainkey.acme.test",
        "MX bounce.acme.test",
        "TXT _dmarc.acme.test",
    ]


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("_pm.acme.test", "TXT", "pm-verification=other"),
        ("pm1._domainkey.acme.test", "TXT", "v=DKIM1; k=rsa; p="),
        ("pm1._domainkey.acme.test", "TXT", "v=DKIM1; k=ed25519; p=QUJD"),
        ("pme._domainkey.acme.test", "TXT", "v=DKIM1; k=ed25519; p=QUJD"),
        ("bounce.acme.test", "MX", "10 elsewhere.test"),
        ("_dmarc.acme.test", "TXT", "v=DMARC1; p=maybe"),
    ],
)
async def test_a_record_that_says_something_else_is_missing(
    resolver: DnsResolver, tmp_path: Path, name: str, kind: str, value: str
) -> None:
    _publish(tmp_path)
    dns_server.publish(tmp_path, name, kind, [value])

    _, missing = await check_domain(resolver)

    assert missing == [f"{kind} {name}"]


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("pm1._domainkey.acme.test", "TXT", "k=rsa;  p=QU JD"),
        ("_dmarc.acme.test", "TXT", "v=DMARC1; p=reject; sp=none"),
    ],
)
async def test_an_equivalent_record_counts(
    resolver: DnsResolver, tmp_path: Path, name: str, kind: str, value: str
) -> None:
    _publish(tmp_path)
    dns_server.publish(tmp_path, name, kind, [value])

    assert (await check_domain(resolver))[1] == []
