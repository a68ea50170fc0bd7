"""Releasing under volume control on real Postgres: quotas, pace, breakers, daily limits, excess."""

from __future__ import annotations

from typing import Any

import pytest

from domain.mailbox import MailboxCreated, MailboxPaused
from domain.plan_limit import PlanLimitSet
from domain.sending import SliceReleased
from domain.tenant import TenantDailyLimitSet
from tests.pipeline_world import Tenant
from tests.release_kit import World, capped, sends_by, slices
from tests.schedule_kit import KeptLog, change, outcomes, result, rows, started
from tests.volume_kit import (
    assigned,
    cell,
    closed,
    governed,
    half_opened,
    opened,
    paced,
    phase,
    quota,
    scope,
)

pytestmark = pytest.mark.stack


@pytest.fixture
def world(dsn: str) -> World:
    return World(dsn)


@pytest.fixture
def log() -> KeptLog:
    return KeptLog()


async def released(world: World, log: KeptLog, ticks: int = 2) -> int:
    """How many sends leave in so many ticks of a releaser that starts anew."""
    async with world.releaser(log) as releaser:
        return sum([await releaser.tick() for _ in range(ticks)])


async def test_i7_the_least_of_cap_quota_and_domain_quota_binds_and_is_stamped(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant(cap=90)
    launch = await world.campaign([one], [200])
    domain = scope(one, "domain", launch.domain_id, "google")
    await world.tell(governed(one), paced(cell(one)), quota(domain, 50))
    sent = [await released(world, log)]
    await world.tell(quota(domain, 1000), quota(cell(one), 70))
    sent.append(await released(world, log))
    await world.tell(quota(cell(one), 500))
    sent.append(await released(world, log))

    assert sent == [50, 20, 20]
    stamps = rows(world.dsn, "SELECT cap_per_day FROM pipeline.release ORDER BY number")
    assert stamps == [(90,), (70,), (90,)]
    assert world.used() == [(0, 90)]


async def test_a_governed_cell_without_decisions_begins_as_its_plan_says(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [500], provider="gmail")
    await world.tell(governed(one, "conservative"), paced(cell(one, "gmail")))

    assert await released(world, log) == 150


async def test_a_plan_that_ended_binds_nothing_and_another_providers_plan_not_this_one(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [60])
    await world.tell(governed(one), quota(cell(one), 10), governed(one, "none"))
    await world.tell(governed(one, "fast", "yahoo"), opened(cell(one)))

    assert await released(world, log) == 60


async def test_the_governors_pace_lets_a_minutes_worth_go_and_then_what_it_earns(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [100])
    await world.campaign([one], [7], provider="other")
    await world.tell(governed(one), paced(cell(one), 600), paced(cell(one, "other")))
    sent = [await released(world, log)]
    change(
        world.dsn, "UPDATE pipeline.volume_bucket SET refilled_at = refilled_at - '31 s'::interval"
    )
    sent.append(await released(world, log))

    assert sent == [17, 5]


# ---- while a breaker is not closed


def _stopped(one: Tenant, launch: Any) -> list[dict[str, Any]]:
    return [
        cell(one),
        scope(one, "ip", one.ip),
        scope(one, "domain", launch.domain_id, "google"),
        scope(one, "tenant", one.tenant_id),
        scope(one, "campaign", launch.campaign_id),
    ]


async def test_nothing_is_attempted_while_a_breaker_is_open_except_its_probes(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    launch = await world.campaign([one], [500])
    await world.tell(governed(one), paced(cell(one)))
    for breaker in _stopped(one, launch):
        await world.tell(opened(breaker))
        assert await released(world, log) == 0
        await world.tell(half_opened(breaker, 1))
        assert await released(world, log, ticks=3) == 1
        await world.tell(half_opened(breaker, 5))
        assert await released(world, log, ticks=3) == 5
        await world.tell(opened(breaker, blocked=True))
        assert await released(world, log) == 0
        await world.tell(closed(breaker))


async def test_an_opening_takes_back_what_is_unclaimed_and_half_open_none_of_it_is_claimed(
    world: World, log: KeptLog
) -> None:
    """What was released before may not pass for a probe; given back, it is a probe's turn again."""
    (one,) = await world.tenant()
    await world.campaign([one], [100])
    await world.tell(governed(one), paced(cell(one)))
    await released(world, log)
    assert world.states() == {"released": 100}

    await world.tell(opened(cell(one)), half_opened(cell(one), 2))
    assert await released(world, log, ticks=1) == 2
    assert world.states() == {"withdrawn": 100, "released": 2}
    assert world.used() == [(0, 2)]

    await world.tell(opened(cell(one)), half_opened(cell(one), 1))
    assert await released(world, log) == 1
    assert world.used() == [(0, 1)]
    _check_uses(world)


async def test_probes_are_exact_across_starts_crashes_and_what_is_read_again(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [3] * 20)
    await world.tell(governed(one), paced(cell(one)), half_opened(cell(one), 5))
    await released(world, log, ticks=1)
    for event in slices(log):
        await _start(world, event)
        await _start(world, event)

    assert await released(world, KeptLog(), ticks=4) == 0
    assert rows(world.dsn, "SELECT probes_used FROM pipeline.breaker_now") == [(5,)]
    _check_uses(world)


async def _start(world: World, event: SliceReleased) -> None:
    """It is claimed, started and deferred by a fault of our own."""
    world.claim(event.release_id)
    found = rows(
        world.dsn,
        "SELECT ranges, n, batch_id, cap_day, uses FROM pipeline.release WHERE release_id = %s",
        event.release_id,
    )
    for ranges, n, batch_id, cap_day, uses in found:
        whole = [[part.lower, part.upper] for part in ranges]
        common = {"release_id": event.release_id, "ip": event.ip, "n": n}
        await world.tell(started(batch_id, whole, cap_day=cap_day, uses=uses, **common))
        await world.tell(outcomes(batch_id, [result("deferred", whole, "OWN_FAULT")], **common))


def _check_uses(world: World) -> None:
    """What is reserved of each use is what releases are charged, what is started their starts."""
    charged = rows(
        world.dsn,
        "SELECT name, sum(charged)::int, sum(folded)::int FROM pipeline.release, unnest(uses) name"
        " GROUP BY 1 ORDER BY 1",
    )
    used = rows(
        world.dsn,
        "SELECT scope || ':' || scope_id || ':' || provider, reserved::int, started::int"
        " FROM pipeline.use ORDER BY 1",
    )
    assert used == charged


# ---- daily limits


async def test_i7_daily_limits_of_campaign_mailbox_and_tenant_bind_together(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant(ips=1)
    box = {"tenant_id": one.tenant_id, "mailbox_id": "mbx_a"}
    made = {"domain_id": "dom_a", "warmup_wanted": False}
    await world.tell(MailboxCreated(**box, **made, daily_limit=40))  # type: ignore[arg-type]
    first = await world.campaign([one], [100], daily_limit=30, mailbox_id="mbx_a")
    second = await world.campaign([one], [100], mailbox_id="mbx_a")
    third = await world.campaign([one], [100])
    change(world.dsn, "UPDATE pipeline.tenant SET daily_limit = 60")

    assert await released(world, log, ticks=3) == 60
    sent = sends_by(slices(log), "campaign_id")
    assert sent[first.campaign_id] <= 30
    assert sent[first.campaign_id] + sent[second.campaign_id] <= 40
    assert sent[third.campaign_id] >= 20
    _check_uses(world)


async def test_a_paused_mailbox_sends_nothing(world: World, log: KeptLog) -> None:
    (one,) = await world.tenant()
    box = {"tenant_id": one.tenant_id, "mailbox_id": "mbx_a"}
    made = {"domain_id": "dom_a", "warmup_wanted": False}
    await world.tell(MailboxCreated(**box, **made, daily_limit=40))  # type: ignore[arg-type]
    await world.campaign([one], [10], mailbox_id="mbx_a")
    await world.tell(MailboxPaused(**box, reason=""))

    assert await released(world, log) == 0


async def test_a_limit_that_is_set_later_counts_what_left_before(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [30])
    assert await released(world, log) == 30
    about: dict[str, Any] = {"tenant_id": one.tenant_id, "reason": "many complaints"}
    await world.tell(TenantDailyLimitSet(**about, daily_limit=45))
    await world.campaign([one], [30])
    assert await released(world, log) == 15

    await world.tell(TenantDailyLimitSet(**about, daily_limit=None))
    assert await released(world, log) == 15


async def test_i7_a_plan_covers_the_first_attempts_of_a_month_and_retries_are_free(
    world: World, log: KeptLog
) -> None:
    """Across campaigns, and with what left on an earlier day of the month."""
    (one,) = await world.tenant()
    await world.tell(PlanLimitSet(tenant_id=one.tenant_id, sends_per_month=40, reason="plan"))
    first = await world.campaign([one], [30])
    assert await released(world, log) == 30
    await world.campaign([one], [30])
    assert await released(world, log) == 10
    _check_uses(world)

    retried = slices(log)[0]
    names: dict[str, Any] = {"release_id": retried.release_id, "ip": retried.ip}
    ((uses, day),) = rows(
        world.dsn, "SELECT uses, cap_day FROM pipeline.release WHERE n = 1 AND size = 30"
    )
    await world.tell(started(retried.batch_id, [[0, 30]], uses=uses, cap_day=day, **names))
    await world.tell(outcomes(retried.batch_id, [result("deferred", [[0, 30]])], **names))
    change(world.dsn, "UPDATE pipeline.waiting SET due_at = now() WHERE n = 2")
    log.take()
    assert await released(world, log) == 30
    assert {(event.campaign_id, event.n) for event in slices(log)} == {(first.campaign_id, 2)}

    change(world.dsn, "UPDATE pipeline.use SET day = day - 40 WHERE scope = 'plan'")
    assert await released(world, log) == 20


async def test_a_used_up_provider_does_not_hold_what_waits_behind_it(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    launch = await world.campaign([one], [20] * 1100)
    await world.tell(governed(one), paced(cell(one)), quota(cell(one), 20))
    await world.tell(paced(cell(one, "other")))
    await world.campaign([one], [5], provider="other")
    change(
        world.dsn,
        "UPDATE pipeline.waiting SET campaign_id = %s, due_at = due_at + '1 s'::interval"
        " WHERE provider = 'other'",
        launch.campaign_id,
    )

    async with world.releaser(log, lane_depth_sends=1000) as releaser:
        for _ in range(3):
            await releaser.tick()

    assert sends_by(slices(log), "provider") == {"google": 20, "other": 5}


# ---- excess


async def test_excess_leaves_by_a_warm_ip_of_the_domain_and_by_no_colder_one(
    world: World, log: KeptLog
) -> None:
    own, warm, cold = await world.tenant(ips=3)
    launch = await world.campaign([own], [100])
    for one in (own, warm, cold):
        await world.tell(governed(one), paced(cell(one)), quota(cell(one), 30))
        await world.tell(assigned(launch.domain_id, one))
    await world.tell(phase(cell(warm), "warm"), phase(cell(cold), "warming"))

    assert await released(world, log, ticks=4) == 60
    assert sends_by(slices(log), "ip") == {own.ip: 30, warm.ip: 30}


async def test_excess_of_a_campaign_never_goes_around_a_block_or_a_cap(
    world: World, log: KeptLog
) -> None:
    own, warm = await world.tenant(ips=2)
    launch = await world.campaign([own], [100])
    for one in (own, warm):
        await world.tell(governed(one), paced(cell(one)), quota(cell(one), 30))
        await world.tell(assigned(launch.domain_id, one))
    await world.tell(phase(cell(warm), "warm"), capped(own, 10))
    assert await released(world, log, ticks=3) == 10

    await world.tell(capped(own, None), opened(cell(own)))
    assert await released(world, log, ticks=3) == 0
    assert {event.ip for event in slices(log)} == {own.ip}
