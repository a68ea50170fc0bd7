"""What providers tell of a day is told to the log once, by id, whatever fails in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, LiteralString

import psycopg
import pytest

from adapters import postgres
from adapters.kafka_log import LogUnavailable
from adapters.settings import Settings
from domain.reputation.ports import FeedAnswer, FeedRefused, FeedUnavailable, SpamShare
from domain.signals import SpamShareReported
from ops.doctor import standing
from streams.feeding import Feeding, FeedingDeps
from tests.dispatch_kit import MemoryLog

pytestmark = pytest.mark.stack

TODAY, DAY = date(2026, 4, 2), date(2026, 4, 1)
SHARE = SpamShare("1.2.3.4", "outlook", DAY, 3000, 1000, 2, "yellow")
IP = """
INSERT INTO pipeline.ip (ip, tenant_id, address, route, relay_host, relay_port)
VALUES ('ip_a', 'ten_a', '1.2.3.4', 'mx', '', 0)
"""

DOMAIN = """
INSERT INTO vault.domain_care (tenant_id, domain_id, due_at) VALUES ('ten_a', 'dom_a', now());
INSERT INTO es.reservation (kind, scope, value, stream_id, tenant_id)
  VALUES ('sending domain', '', 'shop.example', 'domain-dom_a', 'ten_a');
INSERT INTO pipeline.use (scope, scope_id, provider, day, started)
  VALUES ('domain', 'dom_a', 'gmail', '2026-04-01', 4200),
    ('domain', 'dom_a', 'yahoo', '2026-03-31', 9)
"""
STATE = """
SELECT read_at IS NOT NULL, problem, round(extract(epoch FROM due_at - now()))::int
FROM pipeline.feed
"""


@dataclass
class Feed:
    """Answers what it is told to, and remembers what it was asked."""

    answer: FeedAnswer | Exception
    name: str = "snds"
    kind: str = "ip"
    configured: bool = True
    asked: list[tuple[list[str], date, date]] = field(default_factory=list)

    def read(self, subjects: Collection[str], since: date, until: date) -> FeedAnswer:
        self.asked.append((sorted(subjects), since, until))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class World:
    dsn: str
    feed: Feed
    feeding: Feeding
    log: MemoryLog

    async def look(self) -> list[SpamShareReported]:
        """What the log was told by a look at which the feed is due."""
        before = len(self.log.drafts)
        self.change("UPDATE pipeline.feed SET due_at = now()")
        await self.feeding.look()
        told = [draft.event for draft in self.log.drafts[before:]]
        assert all(isinstance(event, SpamShareReported) for event in told)
        return [event for event in told if isinstance(event, SpamShareReported)]

    def change(self, statement: LiteralString) -> None:
        with psycopg.connect(self.dsn) as conn:
            conn.execute(statement)

    def state(self) -> tuple[Any, ...]:
        """Whether it was read, the problem, in how many seconds it is due."""
        with psycopg.connect(self.dsn) as conn:
            (row,) = conn.execute(STATE).fetchall()
            return row


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    log, feed = MemoryLog(), Feed(FeedAnswer((SHARE,)))
    async with postgres.pool(dsn, "pm_worker") as pool:
        feeding = Feeding(FeedingDeps(pool, log, {"snds": feed}, "key", lambda: TODAY))
        made = World(dsn, feed, feeding, log)
        made.change(IP)
        yield made


async def test_a_report_is_told_once_about_our_id(world: World) -> None:
    (told,) = await world.look()
    assert told == SpamShareReported(
        tenant_id="ten_a",
        about_id="ip_a",
        provider="outlook",
        day=DAY,
        share_ppm=3000,
        messages=1000,
        traps=2,
        verdict="yellow",
        source="snds",
    )
    assert world.feed.asked == [(["1.2.3.4"], date(2026, 3, 26), DAY)]
    assert await world.look() == []
    assert world.state()[:2] == (True, "")


async def test_it_is_not_asked_before_it_is_due(world: World) -> None:
    await world.look()
    await world.feeding.look()
    assert len(world.feed.asked) == 1


async def test_what_is_not_ours_is_told_to_nobody(world: World) -> None:
    world.feed.answer = FeedAnswer((SpamShare("9.9.9.9", "outlook", DAY, 1, 1),))
    assert await world.look() == []


async def test_what_the_log_may_not_have_is_told_again_under_the_same_id(world: World) -> None:
    world.log.away = 1
    with pytest.raises(LogUnavailable):
        await world.look()
    await world.look()
    first, second = world.log.asked
    assert first.meta.id == second.meta.id
    assert first.event == second.event


async def test_a_refusal_is_kept_with_its_cure_until_it_is_over(world: World) -> None:
    world.feed.answer = FeedRefused("make a new key")
    assert await world.look() == []
    read, problem, due_s = world.state()
    assert (read, problem) == (False, "make a new key")
    assert due_s > 3600
    world.feed.answer = FeedAnswer((SHARE,), problems=("b.example is not there",))
    assert len(await world.look()) == 1
    assert world.state()[:2] == (True, "b.example is not there")


async def test_a_provider_that_is_away_is_asked_again_when_it_said(world: World) -> None:
    world.feed.answer = FeedUnavailable("it answered 429", 120)
    await world.look()
    assert world.state()[:2] == (False, "it answered 429")
    assert 100 <= world.state()[2] <= 120


async def test_the_doctor_tells_what_a_feed_needs(world: World) -> None:
    settings = Settings(snds_key="k3y")
    (unread,) = standing.looks(world.dsn, settings)
    assert (unread.name, unread.ok, unread.found) == ("feed snds", True, "not read yet")
    world.feed.answer = FeedRefused("make a new key")
    await world.look()
    (refused,) = standing.looks(world.dsn, settings)
    assert (refused.ok, refused.cure) == (False, "make a new key")
    assert standing.looks(world.dsn, Settings()) == [refused]  # whoever asks, with which settings
    world.change("UPDATE pipeline.feed SET due_at = now() - interval '2 days'")
    assert standing.looks(world.dsn, Settings()) == []


async def test_a_share_without_a_count_is_of_what_left_from_the_domain_that_day(
    world: World,
) -> None:
    world.change(DOMAIN)
    world.feed.kind = "domain"
    told = SpamShare("shop.example", "gmail", DAY, 3000)
    world.feed.answer = FeedAnswer((told, replace(told, day=date(2026, 3, 31))))
    before, counted = await world.look()
    assert (before.about_id, before.messages) == ("dom_a", 0)
    assert (counted.about_id, counted.messages) == ("dom_a", 4200)
