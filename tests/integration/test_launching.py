"""Scheduled campaigns launch by themselves, once, or it is recorded why they did not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters import postgres
from adapters.event_store import EventStore
from api.commands import campaigns, segments
from api.desk import Desk, Desks
from domain import campaign, scheduling
from domain.campaign import CampaignDrafted, CampaignLaunchBlocked, CampaignLaunched, Status
from domain.refusals import Invalid
from ops.due_launches import launch_at
from streams.launching import Launching, LaunchingDeps
from tests import campaign_kit
from tests.api_kit import SEALS
from tests.campaign_kit import Ground
from tests.decided_kit import decided
from tests.schedule_kit import change, rows

pytestmark = pytest.mark.stack

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXPIRE_AFTER_S = 3600


@dataclass
class World:
    """A launching timer whose clock the test turns."""

    dsn: str
    desk: Desk
    ground: Ground
    pool: Any
    launch: Callable[..., str]
    now: datetime = NOON - timedelta(minutes=1)
    asked: list[str] = field(default_factory=list)

    def timer(self) -> Launching:
        """A planner that has just started."""

        def launch(tenant_id: str, campaign_id: str, at: datetime, now: datetime) -> str:
            self.asked.append(campaign_id)
            return self.launch(tenant_id, campaign_id, at, now)

        return Launching(LaunchingDeps(self.pool, launch, lambda: self.now))

    async def scheduled(self, **changes: Any) -> str:
        """A campaign that is to launch at NOON; the schedule has read of it."""
        fields: dict[str, Any] = {
            "tenant_id": "ten_a", "campaign_id": self.desk.fresh_id("cmp"),
            "template_id": self.ground.template_id, "content_id": "", "segment_id": "",
            "list_ids": [self.ground.list_id], "sender_id": self.ground.sender_id,
            "domain_id": "", "ips": [], "priority": "normal", "message_class": "bulk",
            "sign": "rsa", "expire_after_s": EXPIRE_AFTER_S,
        }  # fmt: skip
        drafted = campaigns.resolved(self.desk, CampaignDrafted(**(fields | changes)))
        campaigns.draft(self.desk, "Spring", drafted)
        campaigns.schedule(self.desk, drafted.campaign_id, NOON, "UTC", self.now)
        await campaign_kit.fold(self.dsn)
        return drafted.campaign_id

    def told(self, kind: type) -> list[Any]:
        return [record.event for record in decided(self.dsn) if isinstance(record.event, kind)]

    def state(self, campaign_id: str) -> campaign.State:
        found: campaign.State = self.desk.state(campaign, campaign.stream(campaign_id))
        return found


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with postgres.pool(dsn, "pm_worker", size_max=2) as pool:
        with (
            postgres.blocking_pool(dsn, "pm_api", size_max=2) as blocking,
            EventStore(dsn, "pm_api") as store,
        ):
            desks = Desks(store, blocking.connection, "tests", SEALS)
            desk = desks.at("ten_a", "tests")
            ground = campaign_kit.lay(desk, dsn)
            await campaign_kit.fold(dsn)
            yield World(dsn, desk, ground, pool, launch_at(desks))


async def test_it_launches_at_its_moment_and_not_before(world: World) -> None:
    await world.scheduled()
    timer = world.timer()

    await timer.look()
    early = world.told(CampaignLaunched)
    world.now = NOON
    await timer.look()

    (launched,) = world.told(CampaignLaunched)
    assert early == []
    assert launched.launched_at == NOON
    assert launched.ips == [world.ground.ip]


async def test_looking_again_and_another_planner_launch_it_no_second_time(world: World) -> None:
    """Also before the schedule has read of the launch."""
    await world.scheduled()
    world.now = NOON
    first, second = world.timer(), world.timer()

    for timer in (first, first, second, second):
        await timer.look()
    await campaign_kit.fold(world.dsn)
    await world.timer().look()

    assert len(world.told(CampaignLaunched)) == 1
    assert len(world.asked) == 2
    assert rows(world.dsn, "SELECT * FROM pipeline.scheduled_launch") == []


async def test_a_moment_missed_while_all_was_down_is_made_up_for(world: World) -> None:
    await world.scheduled()
    world.now = NOON + timedelta(seconds=EXPIRE_AFTER_S)

    await world.timer().look()

    (launched,) = world.told(CampaignLaunched)
    assert launched.launched_at == world.now


async def test_a_moment_missed_by_more_than_its_mail_is_worth_is_recorded(world: World) -> None:
    campaign_id = await world.scheduled()
    world.now = NOON + timedelta(seconds=EXPIRE_AFTER_S + 1)

    await world.timer().look()
    await campaign_kit.fold(world.dsn)

    (blocked,) = world.told(CampaignLaunchBlocked)
    assert (blocked.reasons, blocked.at) == (["window_missed"], NOON)
    assert world.state(campaign_id).status is Status.DRAFT
    assert world.told(CampaignLaunched) == []
    assert rows(world.dsn, "SELECT * FROM pipeline.scheduled_launch") == []


async def test_what_blocks_a_launch_then_is_recorded_and_shown(world: World) -> None:
    campaign_id = await world.scheduled()
    change(world.dsn, "UPDATE pipeline.ip SET gone = true")
    change(world.dsn, "DELETE FROM vault.list_member")
    world.now = NOON

    await world.timer().look()
    await world.timer().look()

    (blocked,) = world.told(CampaignLaunchBlocked)
    assert blocked.reasons == ["no_ip", "no_leads"]
    plan = campaigns.told(world.desk, campaign_id, world.state(campaign_id))
    assert (plan["state"], plan["blocked_by"]) == ("draft", ["no_ip", "no_leads"])


async def test_a_segment_that_was_put_away_is_told_and_holds_up_no_other(world: World) -> None:
    given = {"what": "domain", "op": "equals", "value": "other.test"}
    segments.create(world.desk, "seg_a", "Others", given)
    gone = await world.scheduled(segment_id="seg_a", list_ids=[])
    other = await world.scheduled()
    segments.archive(world.desk, "seg_a")
    world.now = NOON

    await world.timer().look()

    (blocked,) = world.told(CampaignLaunchBlocked)
    assert (blocked.campaign_id, blocked.reasons) == (gone, ["no_segment"])
    assert world.state(other).status is Status.RUNNING


async def test_what_was_unscheduled_or_moved_meanwhile_stays_as_it_is(world: World) -> None:
    """The row is behind: the decision is about the moment that the campaign is scheduled for."""
    back = await world.scheduled()
    moved = await world.scheduled()
    later = NOON + timedelta(days=1)
    campaigns.act(world.desk, back, scheduling.unschedule)
    campaigns.schedule(world.desk, moved, later, "UTC", world.now)
    world.now = NOON

    await world.timer().look()

    assert world.told(CampaignLaunched) == []
    assert world.state(back).status is Status.DRAFT
    assert world.state(moved).scheduled_at == later


async def test_a_moment_in_the_past_is_no_schedule(world: World) -> None:
    world.now = NOON
    with pytest.raises(Invalid, match="past"):
        await world.scheduled()
