"""Sending IPs and domains are watched by real DNS questions, and what lasts is told once."""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from adapters import postgres
from adapters.dns import DnsResolver
from adapters.dnsbl import Listing
from adapters.kafka_log import Draft, LogUnavailable
from adapters.settings import Settings
from domain.signals import AddressNameChecked, ListingObserved
from ops import dns_server
from ops.doctor import standing
from ops.reputation_watch import questions
from streams.watching import Watching, WatchingDeps

pytestmark = pytest.mark.stack

ZEN, DBL = "k3y.zen.dq.spamhaus.net", "k3y.dbl.dq.spamhaus.net"
DOMAIN = """
INSERT INTO vault.domain_care (tenant_id, domain_id, due_at) VALUES ('ten_a', 'dom_a', now());
INSERT INTO es.reservation (kind, scope, value, stream_id, tenant_id)
  VALUES ('sending domain', '', 'shop.example', 'domain-dom_a', 'ten_a')
"""


def listing(about_id: str, zone: str, code: str) -> ListingObserved:
    return ListingObserved(
        tenant_id="ten_a", about_id=about_id, zone=zone, listed=bool(code), code=code, tier=1
    )


def named(passed: bool, problem: str) -> AddressNameChecked:  # noqa: FBT001 - as the event has it
    return AddressNameChecked(tenant_id="ten_a", about_id="ip_a", passed=passed, problem=problem)


@dataclass
class Log:
    """Keeps what is appended; `away` times it fails after it kept it."""

    drafts: list[Draft] = field(default_factory=list)
    away: int = 0

    async def append(self, drafts: Sequence[Draft], timeout_s: float = 30.0) -> None:
        assert timeout_s > 0
        self.drafts += drafts
        if self.away:
            self.away -= 1
            raise LogUnavailable("nobody acknowledged")


@dataclass
class World:
    """A database, a DNS server and the watch between them."""

    dsn: str
    folder: Path
    watching: Watching
    log: Log

    def publish(self, name: str, *answers: str, kind: str = "A") -> None:
        dns_server.publish(self.folder, name, kind, answers)

    def change(self, statement: LiteralString, *values: Any) -> None:
        with psycopg.connect(self.dsn) as conn:
            conn.execute(statement, values or None)

    def add_ip(self, ip: str, address: str) -> None:
        self.change(
            "INSERT INTO pipeline.ip (ip, tenant_id, address, route, relay_host, relay_port)"
            " VALUES (%s, 'ten_a', %s, 'mx', '', 0)",
            ip,
            address,
        )

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as conn:
            query = "SELECT about_id, told, problem FROM pipeline.watched WHERE question = %s"
            return conn.execute(query, (question,)).fetchall()

    async def look(self, times: int = 1) -> list[ListingObserved | AddressNameChecked]:
        """What was told by so many looks, each of which finds everything due."""
        before = len(self.log.drafts)
        await self.watching._take()  # whoever is new is enrolled
        for _ in range(times):
            self.change("UPDATE pipeline.watched SET due_at = now()")
            await self.watching.look()
        return [self.event(draft) for draft in self.log.drafts[before:]]

    @staticmethod
    def event(draft: Draft) -> ListingObserved | AddressNameChecked:
        assert isinstance(draft.event, ListingObserved | AddressNameChecked)
        return draft.event


@pytest.fixture
async def world(dsn: str, tmp_path: Path) -> AsyncIterator[World]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{probe.getsockname()[1]}"
    settings = Settings(
        dnsbl_zones="zen.spamhaus.org,dbl.spamhaus.org",
        spamhaus_dqs_key="k3y",
        hello_name="mail.example",
    )
    asked = questions(settings, DnsResolver(server, 25, random.Random(1)))
    log = Log()
    async with dns_server.serving(tmp_path, server), postgres.pool(dsn, "pm_worker") as pool:
        made = World(dsn, tmp_path, Watching(WatchingDeps(pool, log, asked, "key")), log)
        made.publish(f"2.0.0.127.{ZEN}", "127.0.0.2", "127.0.0.4", "127.0.0.10")
        made.publish(f"dbltest.com.{DBL}", "127.0.1.2")
        made.publish("4.3.2.1.in-addr.arpa", "mail.example.", kind="PTR")
        made.publish("mail.example", "1.2.3.4")
        yield made


async def test_a_listing_is_told_once_after_two_looks_and_its_end_after_three(world: World) -> None:
    world.add_ip("ip_a", "1.2.3.4")
    world.publish(f"4.3.2.1.{ZEN}", "127.0.0.3")
    first = await world.look()
    assert [type(event) for event in first] == [AddressNameChecked]  # it is well named
    (listed,) = await world.look(4)
    assert listed == listing("ip_a", "zen.spamhaus.org", "127.0.0.3")
    world.publish(f"4.3.2.1.{ZEN}")
    assert await world.look(2) == []
    (ended,) = await world.look(3)
    assert ended == listing("ip_a", "zen.spamhaus.org", "")


async def test_a_listing_that_lasts_is_told_anew_after_a_day_and_its_end_is_not(
    world: World,
) -> None:
    """Who chose a plan for the IP since then, and so began to listen, hears of it too."""
    world.add_ip("ip_a", "1.2.3.4")
    world.publish(f"4.3.2.1.{ZEN}", "127.0.0.3")
    await world.look(2)
    a_day_ago = "UPDATE pipeline.watched SET told_at = told_at - interval '25 h'"
    world.change(a_day_ago)

    assert await world.look(3) == [listing("ip_a", "zen.spamhaus.org", "127.0.0.3")]

    world.publish(f"4.3.2.1.{ZEN}")
    await world.look(3)
    world.change(a_day_ago)
    assert await world.look(3) == []


async def test_error_codes_and_silence_are_told_to_nobody_and_change_nothing(world: World) -> None:
    world.add_ip("ip_a", "1.2.3.4")
    world.publish(f"4.3.2.1.{ZEN}", "127.0.0.2")
    await world.look(2)
    world.publish(f"4.3.2.1.{ZEN}", "127.255.255.254")
    assert await world.look(4) == []
    ((_, told, problem),) = world.rows("zen.spamhaus.org")
    assert told == "127.0.0.2"
    assert "127.255.255.254" in problem
    assert "k3y" not in problem


async def test_what_the_log_may_not_have_is_told_again_under_the_same_id(world: World) -> None:
    world.add_ip("ip_a", "1.2.3.4")
    world.publish(f"4.3.2.1.{ZEN}", "127.0.0.2")
    await world.look()
    world.log.away = 1
    with pytest.raises(LogUnavailable):
        await world.look()
    await world.look(3)
    told = [draft for draft in world.log.drafts if isinstance(draft.event, ListingObserved)]
    assert len(told) == 2
    assert told[0].meta.id == told[1].meta.id
    assert told[0].meta.time == told[1].meta.time


async def test_domains_are_watched_by_name_and_told_by_id(world: World) -> None:
    world.change(DOMAIN)
    world.publish(f"shop.example.{DBL}", "127.0.1.4")
    (listed,) = await world.look(2)
    assert listed == listing("dom_a", "dbl.spamhaus.org", "127.0.1.4")


async def test_a_name_that_no_longer_leads_back_is_told_and_so_is_its_cure(world: World) -> None:
    world.add_ip("ip_a", "1.2.3.4")
    assert await world.look() == [named(True, "")]
    world.publish("mail.example", "1.2.3.5")
    assert await world.look() == []
    assert await world.look() == [named(False, "other_address")]
    world.publish("mail.example", "1.2.3.4")
    assert await world.look() == [named(True, "")]


async def test_nobody_is_asked_about_a_private_address_and_nothing_of_a_retired_ip(
    world: World,
) -> None:
    world.add_ip("ip_loop", "127.0.0.9")
    world.add_ip("ip_gone", "1.2.3.4")
    world.publish(f"9.0.0.127.{ZEN}", "127.0.0.2")
    await world.look(3)
    assert {event.about_id for event in map(world.event, world.log.drafts)} == {"ip_gone"}
    assert ("ip_loop", None, "not public") in world.rows("zen.spamhaus.org")
    world.change("UPDATE pipeline.ip SET gone = true")
    await world.look()
    assert world.rows("zen.spamhaus.org") == []


async def test_an_answer_that_comes_after_the_question_was_given_to_another_counts_not(
    world: World,
) -> None:
    world.add_ip("ip_a", "1.2.3.4")
    world.publish(f"4.3.2.1.{ZEN}", "127.0.0.2")
    await world.look()
    world.change("UPDATE pipeline.watched SET due_at = now()")
    stalled = [row for row in await world.watching._take() if row.question == "zen.spamhaus.org"]
    world.change("UPDATE pipeline.watched SET due_at = now() + interval '1 minute'")
    await world.watching._ask(stalled[0])
    await world.watching.tell()
    assert world.rows("zen.spamhaus.org") == [("ip_a", None, "")]


async def test_two_who_watch_do_not_ask_the_same(world: World) -> None:
    world.add_ip("ip_a", "1.2.3.4")
    await world.watching._take()
    world.change("UPDATE pipeline.watched SET due_at = now()")
    assert len(await world.watching._take()) == 2  # the list and the name
    assert await world.watching._take() == []


async def test_the_doctor_tells_who_is_listed_and_which_list_is_silent(world: World) -> None:
    assert standing.looks(world.dsn, Settings()) == []
    world.add_ip("ip_a", "1.2.3.4")
    world.publish(f"4.3.2.1.{ZEN}", "127.0.0.2")
    await world.look(2)
    world.publish(f"2.0.0.127.{ZEN}")
    world.add_ip("ip_b", "1.2.3.5")
    for question in world.watching._deps.questions.values():
        if isinstance(question.watcher, Listing):
            question.watcher._sound_until = 0.0
    await world.look()
    found = {check.name: check for check in standing.looks(world.dsn, Settings())}
    assert found["blocklist zen.spamhaus.org"].found == "ip_a (127.0.0.2)"
    assert found["blocklist zen.spamhaus.org"].cure == "docs/runbooks/listing.md"
    assert "test entry" in found["answers of zen.spamhaus.org"].found
    assert found["names of addresses"].ok


async def test_the_doctor_tells_what_has_a_bad_reputation_and_is_in_use(world: World) -> None:
    for ip in ("ip_a", "ip_b", "ip_c"):
        world.add_ip(ip, "1.2.3.4")
    world.change("UPDATE pipeline.ip SET quarantined = true WHERE ip = 'ip_c'")
    scored = "INSERT INTO pipeline.volume_score VALUES ({}, now())".format
    for row in ("'cell', 'ip_a', 'gmail', 50", "'cell', 'ip_b', 'gmail', NULL"):
        world.change(scored(row))
    well = standing.looks(world.dsn, Settings())
    for row in ("'cell', 'ip_b', 'aol', 49", "'ip', 'ip_c', '', 3", "'domain', 'dom_a', '', 12"):
        world.change(scored(row))
    (bad,) = standing.looks(world.dsn, Settings())

    assert [(one.name, one.ok, one.found) for one in well] == [
        ("reputation", True, "1 scores, none below 50")
    ]
    assert (bad.ok, bad.found) == (False, "domain dom_a 12, cell ip_b 49 at aol")
    assert "docs/reputation.md" in bad.cure


async def test_the_doctor_tells_lists_that_cannot_be_asked(world: World) -> None:
    (bad,) = standing.looks(world.dsn, Settings(dnsbl_zones="zen.spamhaus.org"))
    assert not bad.ok
    assert "PM_SPAMHAUS_DQS_KEY" in bad.cure
