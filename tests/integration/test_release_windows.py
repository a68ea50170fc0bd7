"""Sending windows at release and claim: nothing of a campaign leaves while clocks say no."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from adapters import postgres
from domain import windows
from domain.campaign import CampaignLaunched
from domain.sending import SliceReleased
from domain.windows import DAYS, SendWindow
from streams.dispatching.claim import Claims
from streams.dispatching.skeletons import Skeletons
from tests import pipeline_world
from tests.dispatch_kit import PlainRenderer
from tests.release_kit import World, batch_of, slices
from tests.schedule_kit import KeptLog, change, rows

pytestmark = pytest.mark.stack


def window(opens_in_h: float, closes_in_h: float, zone_of: str = "campaign") -> SendWindow:
    """Hours around now, by clocks in UTC; far enough from both ends for the slowest machine."""
    at = [datetime.now(UTC) + timedelta(hours=hours) for hours in (opens_in_h, closes_in_h)]
    opens, closes = (f"{moment:%H:%M}" for moment in at)
    return SendWindow(days=list(DAYS), opens=opens, closes=closes, zone_of=zone_of, zone="UTC")


OPEN, SHUT = (-2, 2), (2, 4)


@pytest.fixture
def world(dsn: str) -> World:
    return World(dsn)


@pytest.fixture
def log() -> KeptLog:
    return KeptLog()


async def released(world: World, log: KeptLog) -> list[SliceReleased]:
    async with world.releaser(log) as releaser:
        await releaser.tick()
    return slices(log)


async def test_a_campaign_is_held_while_its_window_is_shut_and_others_go_on(
    world: World, log: KeptLog
) -> None:
    ips = await world.tenant()
    await world.campaign(ips, [5], send_window=window(*SHUT))
    free = await world.campaign(ips, [3])
    inside = await world.campaign(ips, [4], send_window=window(*OPEN))

    found = await released(world, log)

    assert {one.campaign_id: one.size for one in found} == {
        free.campaign_id: 3, inside.campaign_id: 4
    }  # fmt: skip
    assert world.waiting() == 5


async def test_what_is_held_leaves_once_the_window_opens(world: World, log: KeptLog) -> None:
    launch = await world.campaign(await world.tenant(), [5], send_window=window(*SHUT))
    before = await released(world, log)

    reopen(world, launch, window(*OPEN))

    assert before == []
    assert [one.size for one in await released(world, log)] == [5]


def reopen(world: World, launch: CampaignLaunched, found: SendWindow) -> None:
    """As if the hour had come: the campaign's window is another."""
    change(
        world.dsn,
        "UPDATE pipeline.campaign SET send_window = jsonb_build_object('days', %s::text[],"
        " 'opens', %s::text, 'closes', %s::text, 'zone_of', %s::text, 'zone', %s::text)"
        " WHERE campaign_id = %s",
        found["days"],
        *(found["opens"], found["closes"], found["zone_of"], found["zone"], launch.campaign_id),
    )


async def test_by_recipients_clocks_those_batches_leave_where_it_is_time(
    world: World, log: KeptLog
) -> None:
    now = datetime.now(UTC)
    half = (now.minute + 30) % 60  # half an hour from either end, wherever clocks differ by hours
    found = window(*OPEN, "recipient")
    found |= {"opens": f"10:{half:02}", "closes": f"14:{half:02}"}
    zones = [f"Etc/GMT{hours:+}" for hours in range(-12, 13, 2)]
    expected = {zone for zone in zones if windows.is_open(found, now, zone)}
    launch = await world.campaign(await world.tenant(), [], send_window=found)
    batches = {
        zone: batch_of(launch, 2, zone=zone, provider=f"p{number % 3}")
        for number, zone in enumerate(zones)
    }
    await world.tell(*batches.values())

    left = {one.batch_id for one in await released(world, log)}

    assert {zone for zone in zones if batches[zone].batch_id in left} == expected
    assert 0 < len(expected) < len(zones)


async def test_a_recipient_without_a_zone_goes_by_the_campaigns(world: World, log: KeptLog) -> None:
    ips = await world.tenant()
    await world.campaign(ips, [5], send_window=window(*SHUT, "recipient"))
    inside = await world.campaign(ips, [4], send_window=window(*OPEN, "recipient"))

    assert [one.campaign_id for one in await released(world, log)] == [inside.campaign_id]


async def test_what_was_released_and_not_claimed_when_the_window_closes_waits_again(
    world: World, log: KeptLog
) -> None:
    launch = await world.campaign(await world.tenant(cap=10), [5], send_window=window(*OPEN))
    await released(world, log)
    (closes_at,) = rows(world.dsn, "SELECT leave_by FROM pipeline.release")[0]
    assert closes_at == windows.next_close(launch.send_window or window(*OPEN), datetime.now(UTC))

    change(world.dsn, "UPDATE pipeline.release SET leave_by = clock_timestamp()")
    reopen(world, launch, window(*SHUT))
    again = await released(world, log)

    assert again == []
    assert world.states() == {"withdrawn": 5}
    assert world.waiting() == 5
    assert world.used() == [(0, 0)]


@pytest.mark.parametrize(("left_s", "claimed"), [(-1, False), (30, True)])
async def test_nothing_is_claimed_after_its_window_and_no_deadline_outlives_it(
    dsn: str, left_s: int, *, claimed: bool
) -> None:
    made = pipeline_world.release(dsn, ["a@gmail.test"])
    change(
        dsn,
        "UPDATE pipeline.release SET leave_by = clock_timestamp() + make_interval(secs => %s)",
        left_s,
    )
    async with postgres.pool(dsn, "pm_dispatcher", size_max=1) as pool:
        claims = Claims(
            pool,
            Skeletons(lambda _: PlainRenderer()),
            id_key="tests",
            owner="owner",
            journal="journal",
            slice_deadline_s=60.0,
            freshness_max_s=10.0,
        )
        taken = await claims.take(made.hint, secrets.token_hex(8))
    ((deadline_at, leave_by),) = rows(dsn, "SELECT deadline_at, leave_by FROM pipeline.release")

    assert (taken is not None) is claimed
    assert deadline_at == (leave_by if claimed else None)
