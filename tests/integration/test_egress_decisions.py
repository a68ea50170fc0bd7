"""Where mail leaves from follows what people decide: quarantine, VPS, pools, other IPs."""

from __future__ import annotations

import pytest

from domain.campaign_ips import CampaignIpsReplaced
from domain.ip_pool import PoolIpAdded, PoolIpRemoved, PoolRetired
from domain.sending_ip import (
    SendingIpPlaced,
    SendingIpQuarantined,
    SendingIpReleased,
    SendingIpRetired,
)
from domain.vps import VpsActivated, VpsDecommissioned, VpsMaintenanceBegun
from tests.pipeline_world import Tenant
from tests.release_kit import World, slices
from tests.schedule_kit import KeptLog, rows

pytestmark = pytest.mark.stack

REASONS = "SELECT DISTINCT reason FROM pipeline.release WHERE state = 'withdrawn'"


@pytest.fixture
def world(dsn: str) -> World:
    return World(dsn)


@pytest.fixture
def log() -> KeptLog:
    return KeptLog()


def names(one: Tenant) -> dict[str, str]:
    return {"tenant_id": one.tenant_id, "ip": one.ip}


def on_vps(one: Tenant) -> dict[str, str]:
    return {"tenant_id": one.tenant_id, "vps_id": "vps_a"}


async def test_quarantine_takes_back_what_is_unclaimed_and_release_lets_it_go_again(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant(cap=1000)
    await world.campaign([one], [100, 50])
    async with world.releaser(log) as releaser:
        await releaser.tick()
        claimed = next(event for event in slices(log) if event.size == 50)
        world.claim(claimed.release_id)

        await world.tell(SendingIpQuarantined(**names(one), reason="listed"))
        assert (await releaser.tick(), world.states()) == (0, {"started": 50, "withdrawn": 100})
        assert (world.used(), world.waiting()) == ([(0, 50)], 100)
        assert rows(world.dsn, REASONS) == [("sending IP in quarantine",)]

        await world.tell(SendingIpReleased(**names(one), reason="delisted"))
        assert await releaser.tick() == 100


async def test_a_retired_ip_stays_retired_when_its_quarantine_ends(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [10])
    told = [SendingIpQuarantined, SendingIpRetired, SendingIpReleased]
    await world.tell(*[made(**names(one), reason="x") for made in told])
    async with world.releaser(log) as releaser:
        assert await releaser.tick() == 0


@pytest.mark.parametrize("first", ["placed", "given up"])
async def test_an_ip_of_a_vps_that_was_given_up_sends_nothing(
    world: World, log: KeptLog, first: str
) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [10])
    placed = SendingIpPlaced(**names(one), vps_id="vps_a")
    given_up = VpsDecommissioned(**on_vps(one), reason="x")
    await world.tell(*([placed, given_up] if first == "placed" else [given_up, placed]))
    async with world.releaser(log) as releaser:
        assert await releaser.tick() == 0


async def test_an_ip_of_a_vps_in_maintenance_waits_for_it(world: World, log: KeptLog) -> None:
    (one, other) = await world.tenant(ips=2)
    await world.campaign([one], [10])
    await world.campaign([other], [7])
    await world.tell(SendingIpPlaced(**names(one), vps_id="vps_a"))
    await world.tell(VpsMaintenanceBegun(**on_vps(one), reason="x"))
    async with world.releaser(log) as releaser:
        assert await releaser.tick() == 7

        await world.tell(VpsActivated(**on_vps(one)))
        assert await releaser.tick() == 10


async def test_an_ip_leaves_with_its_vps_and_comes_back_with_another(
    world: World, log: KeptLog
) -> None:
    (one,) = await world.tenant()
    await world.campaign([one], [10])
    await world.tell(SendingIpPlaced(**names(one), vps_id="vps_a"))
    await world.tell(VpsDecommissioned(**on_vps(one), reason="x"))
    async with world.releaser(log) as releaser:
        assert await releaser.tick() == 0

        await world.tell(SendingIpPlaced(**names(one), vps_id="vps_b"))
        assert await releaser.tick() == 10


async def test_what_waits_leaves_from_the_ips_that_replaced_the_others(
    world: World, log: KeptLog
) -> None:
    old, new = await world.tenant(ips=2)
    launch = await world.campaign([old], [30, 20])
    async with world.releaser(log, lane_depth_sends=1) as releaser:
        await releaser.tick()
        (first,) = slices(log)
        world.claim(first.release_id)
        await world.tell(SendingIpQuarantined(**names(old), reason="burned"))
        named = {"tenant_id": old.tenant_id, "campaign_id": launch.campaign_id, "pool_id": "pol_a"}
        await world.tell(CampaignIpsReplaced(**named, ips=[new.ip], reason="burned"))
    async with world.releaser(log) as releaser:
        await releaser.tick()

    left = [event for event in slices(log) if event.release_id != first.release_id]
    assert {event.ip for event in left} == {new.ip}
    assert sum(event.size for event in left) == 50 - first.size
    assert rows(world.dsn, "SELECT ips, pool_id FROM pipeline.campaign") == [([new.ip], "pol_a")]


async def test_a_pool_holds_its_ips_until_it_is_retired(world: World) -> None:
    pool = {"tenant_id": "ten_a", "pool_id": "pol_a"}
    await world.tell(*[PoolIpAdded(**pool, ip=ip) for ip in ("ip_1", "ip_2", "ip_2")])
    both = rows(world.dsn, "SELECT ip FROM pipeline.pool_ip ORDER BY ip")
    await world.tell(PoolIpRemoved(**pool, ip="ip_1"))
    one = rows(world.dsn, "SELECT ip FROM pipeline.pool_ip")
    await world.tell(PoolRetired(**pool, reason="x"))

    assert (both, one) == ([("ip_1",), ("ip_2",)], [("ip_2",)])
    assert rows(world.dsn, "SELECT ip FROM pipeline.pool_ip") == []
