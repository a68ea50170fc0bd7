"""Releasing on real Postgres: who leaves, from where, how many, and what is taken back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from domain.campaign import CampaignPaused, CampaignResumed
from domain.sending import SliceReleased
from domain.sending_ip import SendingIpRetired
from tests.release_kit import World, batch_of, capped, hours, rated, sends_by, slices
from tests.schedule_kit import KeptLog, change, outcomes, recorded, result, rows, started

pytestmark = pytest.mark.stack


@pytest.fixture
def world(dsn: str) -> World:
    return World(dsn)


@pytest.fixture
def log() -> KeptLog:
    return KeptLog()


async def test_waiting_sends_are_released_whole_to_their_lanes(world: World, log: KeptLog) -> None:
    (one,) = await world.tenant()
    launch = await world.campaign([one], [500, 20], priority="high")

    async with world.releaser(log) as releaser:
        sent = await releaser.tick()
        again = await releaser.tick()

    assert (sent, again, world.waiting()) == (520, 0, 0)
    assert {draft.topic for draft in log.drafts} == {"pm.due.high"}
    told = slices(log)
    assert sorted(event.size for event in told) == [20, 500]
    assert {(event.campaign_id, event.ip) for event in told} == {(launch.campaign_id, one.ip)}
    assert rows(world.dsn, "SELECT count(*) FROM pipeline.release WHERE produced_at IS NULL") == [
        (0,)
    ]


async def test_without_a_cap_nothing_binds_but_the_lane(world: World, log: KeptLog) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [500] * 20)

    async with world.releaser(log, lane_depth_sends=4000) as releaser:
        sent = [await releaser.tick() for _ in range(3)]
        for event in slices(log)[:2]:
            world.claim(event.release_id)
        sent.append(await releaser.tick())

    assert sent == [4000, 0, 0, 1000]


async def test_one_tick_releases_what_20000_sends_a_second_take(world: World, log: KeptLog) -> None:
    """A thousand sends each 50 ms; here from long-tail batches of 20 at that."""
    (one,) = await world.tenant()
    await world.campaign([one], [20] * 100)

    async with world.releaser(log) as releaser:
        assert await releaser.tick() >= 1000


# ---- caps: I7


async def test_i7_a_cap_binds_and_cuts_a_slice(world: World, log: KeptLog) -> None:
    (one,) = await world.tenant(cap=120)
    await world.campaign([one], [100, 100])

    async with world.releaser(log) as releaser:
        sent = [await releaser.tick() for _ in range(2)]

    assert sent == [120, 0]
    assert (world.used(), world.waiting()) == ([(0, 120)], 80)
    assert {row[0] for row in rows(world.dsn, "SELECT cap_per_day FROM pipeline.release")} == {120}


async def test_a_providers_own_cap_wins_and_a_used_up_provider_does_not_hold_the_others(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant(cap=0)
    await world.tell(capped(one, 5, "small"), capped(one, None, "free"))
    launch = await world.campaign([one], [])
    batches = [batch_of(launch, 1, provider="google") for _ in range(1100)]
    batches += [batch_of(launch, 8, provider=name) for name in ("small", "free")]
    await world.tell(*batches)

    async with world.releaser(log) as releaser:
        await releaser.tick()

    assert sends_by(slices(log), "provider") == {"small": 5, "free": 8}


async def test_a_rate_of_its_own_leaves_a_provider_under_the_common_cap(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant(cap=3)
    await world.campaign([one], [10])
    own = rated(one, 1000.0, 1000)
    await world.tell(type(own)(**_fields(own) | {"provider": "google"}))

    async with world.releaser(log) as releaser:
        assert await releaser.tick() == 3


def _fields(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in type(event).__slots__}


async def test_the_ip_with_the_most_headroom_is_taken_and_a_retired_one_never(
    world: World, log: KeptLog
) -> None:
    three = await world.tenant(ips=3)
    await world.tell(capped(three[0], 10), capped(three[1], 30), capped(three[2], 99))
    retired = SendingIpRetired(tenant_id=three[2].tenant_id, ip=three[2].ip, reason="")
    await world.tell(retired)
    await world.campaign(three, [25, 9, 9])

    async with world.releaser(log) as releaser:
        for _ in range(3):
            await releaser.tick()

    by_ip = sends_by(slices(log), "ip")
    assert set(by_ip) <= {three[0].ip, three[1].ip}
    assert sum(by_ip.values()) == 40
    assert by_ip[three[1].ip] == 30


async def test_a_bucket_lets_its_burst_go_and_then_its_rate(world: World, log: KeptLog) -> None:
    (one,) = await world.tenant()
    await world.tell(rated(one, 0.001, 7))
    await world.campaign([one], [20])

    async with world.releaser(log) as releaser:
        first = [await releaser.tick() for _ in range(2)]
        change(world.dsn, "UPDATE pipeline.bucket SET refilled_at = now() - interval '3000 s'")
        second = await releaser.tick()
        change(world.dsn, "UPDATE pipeline.bucket SET refilled_at = now() + interval '9000 s'")
        third = await releaser.tick()

    assert (first, second, third) == ([7, 0], 3, 0)


async def test_a_provider_that_drips_does_not_hold_what_waits_behind_it(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    own = rated(one, 20.0, 2)
    await world.tell(type(own)(**_fields(own) | {"provider": "google"}))
    launch = await world.campaign([one], [])
    batches = [batch_of(launch, 1, provider="google") for _ in range(1100)]
    later = datetime(2026, 2, 1, tzinfo=UTC)
    await world.tell(*batches, batch_of(launch, 8, provider="other", due_at=later))

    async with world.releaser(log) as releaser:
        for _ in range(3):
            change(world.dsn, "UPDATE pipeline.bucket SET tokens = 1.5")
            await releaser.tick()

    found = sends_by(slices(log), "provider")
    assert found["other"] == 8
    assert 2 <= found["google"] <= 6


async def test_i7_no_cap_is_exceeded_whatever_is_released_withdrawn_started_or_restarted(
    dsn: str,
) -> None:
    world = World(dsn)
    dice = Random(7)
    two = await world.tenant(ips=2)
    caps = {two[0].ip: 90, two[1].ip: 140}
    await world.tell(*[capped(one, caps[one.ip]) for one in two])
    launch = await world.campaign(two, [dice.randint(1, 60) for _ in range(12)])
    names = {"tenant_id": launch.tenant_id, "campaign_id": launch.campaign_id}

    async def ticks(log: KeptLog) -> None:
        async with world.releaser(log) as releaser:
            for _ in range(3):
                await releaser.tick()

    for _ in range(12):
        logs = [KeptLog(), KeptLog()]
        await asyncio.gather(*[ticks(log) for log in logs])
        _check_caps(world, caps)
        for event in [event for log in logs for event in slices(log)]:
            await _attempt(world, dice, event)
        if dice.random() < 0.4:
            await world.tell(CampaignPaused(**names, reason=""))
            await asyncio.gather(*[ticks(log) for log in logs])
            _check_caps(world, caps)
            assert "released" not in world.states()
            await world.tell(CampaignResumed(**names))

    for _ in range(12):  # the last round may have been a pause: what it gave back is used again
        await ticks(KeptLog())
    _check_caps(world, caps)
    assert sum(started + reserved for started, reserved in world.used()) == 230


async def _attempt(world: World, dice: Random, event: SliceReleased) -> None:
    """Some releases are claimed and started, of those some are deferred for a retry."""
    if dice.random() < 0.5:
        return
    world.claim(event.release_id)
    found = rows(
        world.dsn,
        "SELECT ranges, n, batch_id, cap_day FROM pipeline.release WHERE release_id = %s"
        " AND state = 'started'",
        event.release_id,
    )
    for ranges, n, batch_id, cap_day in found:
        whole = [[part.lower, part.upper] for part in ranges]
        common = {"release_id": event.release_id, "ip": event.ip, "n": n}
        await world.tell(started(batch_id, whole, cap_day=cap_day, **common))
        outcome = dice.choice(["deferred", "accepted"])
        await world.tell(outcomes(batch_id, [result(outcome, whole, "OWN_FAULT")], **common))


def _check_caps(world: World, caps: dict[str, int]) -> None:
    found = rows(world.dsn, "SELECT ip, started, reserved FROM pipeline.cap")
    charged = dict(
        rows(world.dsn, "SELECT ip, sum(charged)::int FROM pipeline.release GROUP BY ip")
    )
    for ip, begun, reserved in found:
        assert begun + reserved <= caps[ip]
        assert reserved == charged.get(ip, 0)


async def test_i7_a_lease_ends_with_its_cap_day_and_is_then_charged_to_the_next(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant(cap=10)
    await world.campaign([one], [10])
    async with world.releaser(log) as releaser:
        await releaser.tick()
        change(world.dsn, "UPDATE pipeline.release SET cap_day = cap_day - 1")
        change(world.dsn, "UPDATE pipeline.cap SET day = day - 1")
        sent = await releaser.tick()

    assert sent == 10
    assert world.states() == {"withdrawn": 10, "released": 10}
    assert world.used() == [(0, 0), (0, 10)]
    (first, second) = slices(log)
    assert first.release_id != second.release_id
    midnight = rows(
        world.dsn,
        "SELECT bool_and(lease_until <= cap_day + 1) FROM pipeline.release"
        " WHERE state = 'released'",
    )
    assert midnight == [(True,)]


async def test_a_releaser_that_rests_is_called_by_what_comes_to_wait(
    world: World, log: KeptLog
) -> None:
    """It would rest for an hour; the call may come a moment after the fold's commit."""
    async with world.releaser(log, rest_s=3600.0) as releaser:
        assert await releaser.tick() == 0
        tenant = await world.tenant()
        await world.campaign(tenant, [3])

        async with asyncio.timeout(20):
            while not await releaser.tick():  # noqa: ASYNC110 - the call comes from Postgres
                await asyncio.sleep(0.01)

    assert world.states() == {"released": 3}


async def test_a_send_that_is_not_due_waits(world: World, log: KeptLog) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [5], due_at=datetime.now(UTC) + hours(1))

    async with world.releaser(log) as releaser:
        assert await releaser.tick() == 0


async def test_retries_leave_before_new_mail_under_a_number_of_their_own(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant(cap=12)
    launch = await world.campaign([one], [])
    old, new = batch_of(launch, 10), batch_of(launch, 10)
    await world.tell(old, new)
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    deferred = outcomes(old.batch_id, [result("deferred", [[0, 10]])])
    await _tell_at(world, long_ago, deferred)

    async with world.releaser(log) as releaser:
        await releaser.tick()

    told = [(event.batch_id, event.n, event.size) for event in slices(log)]
    assert told == [(old.batch_id, 2, 10), (new.batch_id, 1, 2)]


async def _tell_at(world: World, at: datetime, event: Any) -> None:
    from adapters import postgres
    from tests.schedule_kit import apply

    async with await postgres.connect(world.dsn, "pm_projector") as conn:
        await apply(conn, [recorded(event, at)])
