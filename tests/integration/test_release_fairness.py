"""Who is released beside whom, and by which releaser."""

from __future__ import annotations

import psycopg
import pytest

from tests.pipeline_world import Tenant
from tests.release_kit import World, batch_of, sends_by, slices
from tests.schedule_kit import KeptLog, change, rows, started

pytestmark = pytest.mark.stack


@pytest.fixture
def world(dsn: str) -> World:
    return World(dsn)


@pytest.fixture
def log() -> KeptLog:
    return KeptLog()


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
