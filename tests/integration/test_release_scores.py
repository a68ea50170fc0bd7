"""Among IPs that may carry mail, reputation decides: on real Postgres, from scores in the log."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.event import Event
from tests.pipeline_world import Tenant
from tests.release_kit import World, capped, sends_by, slices
from tests.schedule_kit import KeptLog
from tests.volume_kit import assigned, cell, governed, opened, paced, phase, quota
from tests.volume_told_kit import BEGIN, score_of

pytestmark = pytest.mark.stack
PROVIDER = "google"


@pytest.fixture
def world(dsn: str) -> World:
    return World(dsn)


async def sent_by(world: World, ticks: int = 4) -> dict[str, int]:
    """How many sends leave by each IP."""
    log = KeptLog()
    async with world.releaser(log) as releaser:
        for _ in range(ticks):
            await releaser.tick()
    return dict(sends_by(slices(log), "ip"))


def scored(one: Tenant, score: int | None, minute: int = 0, scope: str = "cell") -> Event:
    at = BEGIN + timedelta(minutes=minute)
    provider = PROVIDER if scope == "cell" else ""
    return score_of(one.tenant_id, one.ip, score, scope=scope, provider=provider, scored_at=at)


async def two(world: World, left: int) -> list[Tenant]:
    """A tenant with two governed IPs, each with so much quota of today."""
    ips = await world.tenant(ips=2)
    for one in ips:
        await world.tell(governed(one), paced(cell(one)), quota(cell(one), left))
    return ips


async def test_a_bad_ip_gets_only_what_no_better_one_takes(world: World) -> None:
    good, bad = await two(world, 100)
    await world.tell(scored(good, 80), scored(bad, 49))
    await world.campaign([bad, good], [20] * 3)
    first = await sent_by(world)
    await world.campaign([bad, good], [20] * 4)

    assert first == {good.ip: 60}
    assert await sent_by(world) == {good.ip: 40, bad.ip: 40}


async def test_mail_is_shared_out_by_what_is_left_times_the_score(world: World) -> None:
    """100 left at 90 and at 60: the second begins when the first has 66 left."""
    better, worse = await two(world, 100)
    await world.tell(scored(better, 90), scored(worse, 60))
    await world.campaign([worse, better], [1] * 30)
    first = await sent_by(world)
    await world.campaign([worse, better], [1] * 50)

    assert first == {better.ip: 30}
    assert await sent_by(world) == {better.ip: 22, worse.ip: 28}


async def test_an_unknown_score_is_held_against_nobody_and_the_ips_own_counts_then(
    world: World,
) -> None:
    known, unknown = await two(world, 100)
    await world.tell(scored(known, 95), scored(unknown, None))
    await world.campaign([known, unknown], [1] * 4)
    first = await sent_by(world)
    await world.tell(scored(unknown, 20, scope="ip"))
    await world.campaign([known, unknown], [10])

    assert first == {unknown.ip: 4}
    assert await sent_by(world) == {known.ip: 10}


async def test_an_old_score_of_an_ip_without_a_plan_is_held_against_nobody(world: World) -> None:
    governed_, plain = await two(world, 100)
    await world.tell(governed(plain, "none"), capped(plain, 100))
    await world.tell(scored(governed_, 60), scored(plain, 10))
    await world.campaign([governed_, plain], [10])

    assert await sent_by(world) == {plain.ip: 10}


async def test_the_score_that_was_told_last_counts_however_often_it_is_read(world: World) -> None:
    good, other = await two(world, 100)
    told = [scored(other, 30), scored(other, 100, 5), scored(good, 90)]
    await world.tell(*told)
    await world.tell(*told[:1])
    await world.campaign([good, other], [10])

    assert await sent_by(world) == {other.ip: 10}


async def test_excess_goes_to_no_ip_of_bad_reputation_and_no_score_opens_a_way_around_a_block(
    world: World,
) -> None:
    own, warm = await two(world, 30)
    launch = await world.campaign([own], [100])
    await world.tell(assigned(launch.domain_id, warm), phase(cell(warm), "warm"))
    await world.tell(scored(own, 100), scored(warm, 45))
    first = await sent_by(world)
    await world.tell(scored(warm, 100, 1), scored(own, 10, 1), opened(cell(own)))
    blocked = await sent_by(world)

    assert (first, blocked) == ({own.ip: 30}, {})


async def test_excess_goes_to_a_warm_ip_once_its_reputation_is_fair_again(world: World) -> None:
    own, warm = await two(world, 30)
    launch = await world.campaign([own], [100])
    await world.tell(assigned(launch.domain_id, warm), phase(cell(warm), "warm"))
    await world.tell(scored(warm, 45))
    first = await sent_by(world)
    await world.tell(scored(warm, 50, 1))

    assert (first, await sent_by(world)) == ({own.ip: 30}, {warm.ip: 30})
