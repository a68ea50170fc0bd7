"""Releasing on real Postgres: who leaves, from where, how many, and what is taken back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import psycopg
import pytest

from adapters.kafka_log import LogUnavailable
from domain.campaign import CampaignCancelled, CampaignPaused, CampaignResumed
from domain.sending import SendsCancelled, SliceReleased
from domain.sending_ip import SendingIpRetired
from domain.tenant import TenantRestored, TenantSuspended
from tests.pipeline_world import Tenant
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
    assert 2 <= found["google"] <= 5


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


# ---- telling the lanes


async def test_a_crash_between_commit_and_produce_is_told_again_without_a_second_charge(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant(cap=100)
    await world.campaign([one], [60])
    log.broken = LogUnavailable("test")
    async with world.releaser(log) as releaser:
        with pytest.raises(LogUnavailable):
            await releaser.tick()
    (release_id,) = rows(world.dsn, "SELECT release_id FROM pipeline.release")

    log.broken = None
    async with world.releaser(log) as releaser:
        sent = await releaser.tick()

    assert sent == 0
    assert [(event.release_id,) for event in slices(log)] == [release_id]
    assert world.used() == [(0, 60)]


async def test_a_lease_that_ended_unclaimed_is_told_again_and_a_claimed_one_is_not(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [30, 40])
    async with world.releaser(log) as releaser:
        await releaser.tick()
        first = {event.size: event for event in slices(log)}
        world.claim(first[40].release_id)
        change(world.dsn, "UPDATE pipeline.release SET lease_until = now() - interval '1 s'")
        await releaser.tick()

    (again,) = slices(log)
    assert again.release_id == first[30].release_id
    assert again.lease_until > datetime.now(UTC)


# ---- pause, cancel, suspend, expire, park


async def test_a_pause_takes_back_what_is_unclaimed_and_resuming_lets_it_go_again(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant(cap=1000)
    launch = await world.campaign([one], [100, 50])
    names = {"tenant_id": launch.tenant_id, "campaign_id": launch.campaign_id}
    async with world.releaser(log) as releaser:
        await releaser.tick()
        claimed = next(event for event in slices(log) if event.size == 50)
        world.claim(claimed.release_id)

        await world.tell(CampaignPaused(**names, reason=""))
        paused = await releaser.tick()
        assert (paused, world.states()) == (0, {"started": 50, "withdrawn": 100})
        assert (world.used(), world.waiting()) == ([(0, 50)], 100)
        reasons = rows(world.dsn, "SELECT reason FROM pipeline.release WHERE state = 'withdrawn'")
        assert reasons == [("campaign paused",)]

        await world.tell(CampaignResumed(**names))
        assert await releaser.tick() == 100
        assert world.used() == [(0, 150)]


async def test_a_suspended_tenant_sends_nothing(world: World, log: KeptLog) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [10])
    await world.tell(TenantSuspended(tenant_id=one.tenant_id, reason=""))
    async with world.releaser(log) as releaser:
        suspended = await releaser.tick()
        await world.tell(TenantRestored(tenant_id=one.tenant_id))
        restored = await releaser.tick()
        await world.tell(TenantSuspended(tenant_id=one.tenant_id, reason=""))
        await releaser.tick()

    assert (suspended, restored) == (0, 10)
    assert world.states() == {"withdrawn": 10}


async def test_a_cancelled_campaign_ends_what_waits_and_what_is_unclaimed_but_not_what_is_started(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    launch = await world.campaign([one], [30, 40])
    names = {"tenant_id": launch.tenant_id, "campaign_id": launch.campaign_id}
    async with world.releaser(log, lane_depth_sends=1) as releaser:
        await releaser.tick()
        (first,) = slices(log)
        world.claim(first.release_id)
        await releaser.tick()  # the other one is released, not claimed
        log.take()

        await world.tell(CampaignCancelled(**names, reason=""))
        await releaser.tick()

    told = log.take()
    assert [type(event) for event in told] == [SendsCancelled] * len(told)
    assert {event.outcome for event in told} == {"cancelled"}
    assert sum(stop - start for event in told for start, stop in event.ranges) == 70 - first.size
    assert world.states()["ending"] == 70 - first.size
    assert (world.states()["started"], world.waiting()) == (first.size, 0)


async def test_an_ending_is_told_until_the_schedule_has_folded_it(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    launch = await world.campaign([one], [5])
    await world.tell(
        CampaignCancelled(tenant_id=one.tenant_id, campaign_id=launch.campaign_id, reason="")
    )
    async with world.releaser(log) as releaser:
        await releaser.tick()
        await releaser.tick()
        first = list(log.drafts)
        change(world.dsn, "UPDATE pipeline.release SET lease_until = now() - interval '1 s'")
        await releaser.tick()
        again = log.drafts[1:]
        await world.tell(first[0].event)
        change(world.dsn, "UPDATE pipeline.release SET lease_until = now() - interval '1 s'")
        await releaser.tick()

    assert [draft.event for draft in again] == [first[0].event]
    assert [draft.meta.id for draft in again] == [first[0].meta.id]
    assert (len(log.drafts), world.states()) == (2, {"concluded": 5})


async def test_what_is_out_of_time_ends_as_expired_even_while_paused(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    late = datetime.now(UTC) - timedelta(seconds=1)
    launch = await world.campaign([one], [5], expires_at=late)
    await world.tell(
        CampaignPaused(tenant_id=one.tenant_id, campaign_id=launch.campaign_id, reason="")
    )

    async with world.releaser(log) as releaser:
        sent = await releaser.tick()

    assert sent == 0
    assert [event.outcome for event in log.take()] == ["expired"]


async def test_a_parked_batch_is_neither_released_nor_ended(world: World, log: KeptLog) -> None:
    (one,) = await world.tenant()
    launch = await world.campaign([one], [5])
    change(world.dsn, "UPDATE pipeline.batch SET parked = 'poison'")
    async with world.releaser(log) as releaser:
        sent = await releaser.tick()
        await world.tell(
            CampaignCancelled(tenant_id=one.tenant_id, campaign_id=launch.campaign_id, reason="")
        )
        await releaser.tick()

    assert (sent, log.take(), world.waiting()) == (0, [], 5)


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


# ---- fairness


async def test_a_small_tenant_leaves_in_the_first_tick_beside_200000_waiting_sends(
    world: World, log: KeptLog
) -> None:
    (huge,) = await world.tenant()
    (small,) = await world.tenant()
    await world.campaign([huge], [500] * 400)
    await world.campaign([small], [10])

    async with world.releaser(log) as releaser:
        await releaser.tick()

    assert sends_by(slices(log), "tenant_id")[small.tenant_id] == 10


async def test_tenants_on_one_ip_share_it_evenly_over_many_ticks(
    world: World, log: KeptLog
) -> None:
    tenants = [(await world.tenant())[0] for _ in range(3)]
    shared = tenants[0].ip
    for one in tenants:
        await world.campaign([Tenant(one.tenant_id, one.list_id, shared)], [200] * 12)

    got = []
    async with world.releaser(log, lane_depth_sends=500) as releaser:
        for _ in range(10):
            await releaser.tick()
            found = slices(log)
            got += found
            for event in found:
                world.claim(event.release_id)

    shares = sends_by(got, "tenant_id").values()
    assert len(shares) == 3
    assert max(shares) - min(shares) <= 1000


async def test_the_lowest_priority_keeps_a_floor(world: World, log: KeptLog) -> None:
    (one,) = await world.tenant()
    for priority in ("high", "normal", "low"):
        await world.campaign([one], [100] * 60, priority=priority)

    async with world.releaser(log, lane_depth_sends=500) as releaser:
        for _ in range(10):
            await releaser.tick()
            change(world.dsn, "UPDATE pipeline.release SET state = 'started'")

    sends = dict(
        rows(world.dsn, "SELECT priority, sum(size)::int FROM pipeline.release GROUP BY 1")
    )
    assert sends == {"high": 3000, "normal": 1500, "low": 500}


# ---- one releaser


async def test_one_releaser_is_active_and_another_takes_over(world: World, log: KeptLog) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [10, 10])
    async with world.releaser(log, lane_depth_sends=1) as standby:
        async with world.releaser(log, lane_depth_sends=1) as active:
            assert await active.tick() == 1 * 1
            assert await standby.tick() == 0
        change(world.dsn, "UPDATE pipeline.release SET state = 'started'")
        assert await standby.tick() == 1


async def test_a_lost_connection_is_made_anew(world: World, log: KeptLog) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [10])
    async with world.releaser(log) as releaser:
        await releaser.tick()
        await world.tell(batch_of(await world.campaign([one], []), 7))
        change(
            world.dsn,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'pm_release' AND datname = current_database()",
        )
        with pytest.raises(psycopg.OperationalError):
            await releaser.tick()

        assert await releaser.tick() == 7


async def test_numbers_go_on_after_a_start_that_only_the_log_knew(
    world: World, log: KeptLog
) -> None:
    """A restored Postgres learns of release 3 from the log; the next is 4, not 1 again."""
    (one,) = await world.tenant()
    launch = await world.campaign([one], [])
    batch = batch_of(launch, 4)
    await world.tell(batch, started(batch.batch_id, [[0, 1]], number=3))

    async with world.releaser(log) as releaser:
        await releaser.tick()

    assert rows(world.dsn, "SELECT number FROM pipeline.release ORDER BY number") == [(3,), (4,)]
