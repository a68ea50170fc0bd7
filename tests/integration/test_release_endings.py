"""What was let go is told until it is claimed, and taken back or ended when it must not leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.kafka_log import LogUnavailable
from domain.campaign import CampaignCancelled, CampaignPaused, CampaignResumed
from domain.sending import SendsCancelled
from domain.tenant import TenantRestored, TenantSuspended
from tests.release_kit import World, hours, slices
from tests.schedule_kit import KeptLog, change, outcomes, result, rows

pytestmark = pytest.mark.stack


@pytest.fixture
def world(dsn: str) -> World:
    return World(dsn)


@pytest.fixture
def log() -> KeptLog:
    return KeptLog()


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


async def test_a_send_whose_retries_are_used_up_ends_as_expired_long_before_its_campaign(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [5], expires_at=datetime.now(UTC) + hours(72))
    async with world.releaser(log) as releaser:
        await releaser.tick()
        (first,) = slices(log)
        world.claim(first.release_id)
        deferred = [result("deferred", [[0, 3]], "MAILBOX_FULL"), result("accepted", [[3, 5]])]
        await world.tell(outcomes(first.batch_id, deferred))
        late = [result("deferred", [[0, 1]], "MAILBOX_FULL"), result("deferred", [[1, 2]], "INFRA")]
        await world.tell(outcomes(first.batch_id, late, n=7))
        change(
            world.dsn,
            "UPDATE pipeline.waiting SET due_at = due_at - interval '1 s',"
            " expires_at = expires_at - interval '1 s'",
        )

        await releaser.tick()

    (ending,) = log.take()
    assert (ending.n, ending.outcome, ending.ranges) == (8, "expired", [[0, 1]])
    assert world.waiting() == 4


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
