"""A campaign finishes from counts: when all is settled and the outcomes add up, and not before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from adapters import postgres
from adapters.event_store import InThread
from adapters.memory import MemoryDecider
from domain import campaign
from domain.campaign import CampaignFinished
from projections.models import ensure_schemas
from streams.finishing import Finishing, FinishingDeps, counted_in
from tests import pipeline_world as world

pytestmark = pytest.mark.stack


@dataclass
class Desk:
    finishing: Finishing
    decider: MemoryDecider
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def finished(self) -> list[tuple[int, dict[str, int]]]:
        events = [recorded.event for recorded in self.decider.log]
        return [(e.requested, e.outcomes) for e in events if isinstance(e, CampaignFinished)]


@pytest.fixture
async def desk(dsn: str) -> AsyncIterator[Desk]:
    decider, counts = MemoryDecider(), dict[str, int]()

    async def counted(tenant_id: str, campaign_id: str) -> dict[str, int]:
        assert tenant_id
        assert campaign_id
        return counts

    async with postgres.pool(dsn, "pm_worker") as pool:
        deps = FinishingDeps(pool, counted, InThread(decider), "key")
        yield Desk(Finishing(deps), decider, counts)


@pytest.fixture
def released(dsn: str, desk: Desk) -> world.Released:
    """A campaign of three sends, all concluded, drafted and launched for the decider too."""
    made = world.release(dsn, [f"a{number}@gmail.test" for number in range(3)])
    world.change(dsn, "UPDATE pipeline.campaign SET total = 3")
    world.change(dsn, "UPDATE pipeline.release SET state = 'concluded'")
    launch = made.launch
    drafted = campaign.CampaignDrafted(
        tenant_id=launch.tenant_id,
        campaign_id=launch.campaign_id,
        template_id="template",
        content_id=launch.content_id,
        list_ids=launch.list_ids,
        sender_id=launch.sender_id,
        domain_id=launch.domain_id,
        ips=launch.ips,
        priority=launch.priority,
        message_class=launch.message_class,
        sign=launch.sign,
        expire_after_s=60,
    )
    desk.decider.transact(
        campaign.stream(launch.campaign_id),
        campaign.initial,
        campaign.evolve,
        lambda _: (drafted, launch),
        tenant_id=launch.tenant_id,
    )
    return made


async def test_i6_a_campaign_finishes_when_its_outcomes_add_up_to_what_was_requested(
    desk: Desk, released: world.Released
) -> None:
    assert released.contacts
    desk.counts.update(accepted=2, ambiguous=1, waiting=0)

    await desk.finishing.look()
    await desk.finishing.look()

    assert desk.finished == [(3, {"accepted": 2, "ambiguous": 1})]


async def test_it_waits_for_the_read_model_to_have_counted_all(
    desk: Desk, released: world.Released
) -> None:
    assert released.contacts
    desk.counts.update(accepted=2)
    await desk.finishing.look()
    desk.counts.update(deferred=1)
    await desk.finishing.look()

    assert desk.finished == []


async def test_it_waits_while_an_owner_may_still_speak(
    dsn: str, desk: Desk, released: world.Released
) -> None:
    assert released.contacts
    desk.counts.update(accepted=3)
    world.change(dsn, "UPDATE pipeline.release SET state = 'started'")

    await desk.finishing.look()

    assert desk.finished == []


async def test_it_waits_while_planning_goes_on(
    dsn: str, desk: Desk, released: world.Released
) -> None:
    assert released.contacts
    desk.counts.update(accepted=3)
    world.change(dsn, "UPDATE pipeline.campaign SET total = NULL")

    await desk.finishing.look()

    assert desk.finished == []


async def test_another_process_that_finishes_it_too_records_it_once(
    dsn: str, desk: Desk, released: world.Released
) -> None:
    assert released.contacts
    desk.counts.update(accepted=3)
    async with postgres.pool(dsn, "pm_worker") as pool:
        other = Finishing(
            FinishingDeps(pool, desk.finishing._deps.counted, InThread(desk.decider), "key")
        )
        await desk.finishing.look()
        await other.look()

    assert len(desk.finished) == 1


async def test_counts_come_from_the_tenants_read_model(dsn: str, released: world.Released) -> None:
    tenant_id, campaign_id = released.tenant.tenant_id, released.launch.campaign_id
    async with postgres.pool(dsn, "pm_api") as api_pool:
        counted = counted_in(api_pool)
        before = await counted(tenant_id, campaign_id)
        ensure_schemas(dsn)
        for provider, state, sends in (("a", "accepted", 2), ("b", "accepted", 1), ("b", "x", 0)):
            world.change(
                dsn,
                "INSERT INTO rm.campaign_counters VALUES (%s, %s, %s, %s, %s)",
                tenant_id,
                campaign_id,
                provider,
                state,
                sends,
            )
        after = await counted(tenant_id, campaign_id)
        stranger = await counted("ten_other", campaign_id)

    assert before == {"unknown": 1}
    assert after == {"accepted": 3}
    assert stranger == {}
