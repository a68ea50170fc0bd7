"""Held by the clock or for contacts' sake: whynot says so, with the evidence, until it lifts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters import postgres
from domain import windows
from domain.campaign import CampaignLaunched
from domain.sending import BatchPlanned, OutcomesRecorded, Result
from domain.tenant import ContactFatigueSet
from domain.windows import DAYS, SendWindow
from projections import models
from projections.whynot import why
from projections.whynot.holds import HoldKind, holds
from tests.release_kit import World, batch_of, slices
from tests.schedule_kit import KeptLog, change
from tests.whynot_asked_kit import Asked, drafted

pytestmark = pytest.mark.stack
PROVIDER = "gmail"
FOUR_H = 4 * 3600


@pytest.fixture
async def asked(dsn: str) -> AsyncIterator[Asked]:
    models.ensure_schemas(dsn)
    async with await postgres.connect(dsn, "pm_api") as conn:
        yield Asked(World(dsn), conn)


async def launched(
    asked: Asked, sizes: dict[str, int], **changes: Any
) -> tuple[CampaignLaunched, list[BatchPlanned]]:
    """A campaign with one due batch per zone, of so many sends."""
    (one,) = await asked.world.tenant()
    launch = await asked.world.campaign([one], [], **changes)
    batches = [batch_of(launch, size, provider=PROVIDER, zone=zone) for zone, size in sizes.items()]
    await asked.tell(drafted(launch), launch, *batches)
    return launch, batches


def window(opens_in_h: float, zone_of: str = "campaign") -> SendWindow:
    """Two hours of each day, by clocks in UTC."""
    at = [datetime.now(UTC) + timedelta(hours=opens_in_h + more) for more in (0, 2)]
    opens, closes = (f"{moment:%H:%M}" for moment in at)
    return SendWindow(days=list(DAYS), opens=opens, closes=closes, zone_of=zone_of, zone="UTC")


async def released(asked: Asked) -> int:
    log = KeptLog()
    async with asked.world.releaser(log) as releaser:
        await releaser.tick()
    return sum(one.size for one in slices(log))


async def test_a_sending_window_that_is_shut_binds_until_it_opens(asked: Asked) -> None:
    shut = window(3)
    launch, batches = await launched(asked, {"": 5}, send_window=shut)
    went = await released(asked)
    binding = await asked.binding(launch)
    of_send = await asked.ask(why.of_a_send, launch.tenant_id, batches[0].send_ids[0])
    opens = windows.next_open(shut, datetime.now(UTC), "UTC")
    change(asked.world.dsn, "UPDATE pipeline.campaign SET send_window = NULL")
    free = await asked.campaign(launch)

    assert (went, binding.limit, binding.scope, binding.rule) == (
        *(0, "window", "campaign", "send_window"),
    )
    assert (binding.scope_id, binding.lifts_at) == (launch.campaign_id, opens)
    assert binding.evidence["window"]["opens"] == shut["opens"]
    assert binding.evidence["zone"] == "UTC"
    assert of_send.binding is not None
    assert (of_send.binding.limit, of_send.binding.lifts_at) == ("window", opens)
    assert free.binding is None
    assert await released(asked) == 5


async def test_by_recipients_clocks_a_window_binds_only_where_no_zone_is_open(
    asked: Asked,
) -> None:
    """Whose clocks are 6 hours ahead are past it, whose are 2 hours behind are in it."""
    ahead, behind = "Etc/GMT-6", "Etc/GMT+2"
    found = window(-3, "recipient")
    await asked.tick()
    launch, batches = await launched(asked, {ahead: 3, behind: 2}, send_window=found)
    both = await asked.campaign(launch)
    late = await asked.ask(why.of_a_send, launch.tenant_id, batches[0].send_ids[0])
    went = await released(asked)
    change(asked.world.dsn, "UPDATE pipeline.release SET state = 'concluded'")
    binding = await asked.binding(launch)

    assert both.binding is None
    assert late.binding is not None
    assert (late.binding.limit, late.binding.evidence["zone"]) == ("window", ahead)
    assert went == 2
    assert (binding.limit, binding.evidence["zone"]) == ("window", ahead)
    assert binding.lifts_at == windows.next_open(found, datetime.now(UTC), ahead)


async def test_contacts_who_had_enough_mail_bind_a_campaign_and_a_send(asked: Asked) -> None:
    """As the claim put them off: 4 hours, by the tenant's limit; others wait for a retry."""
    launch, (batch,) = await launched(asked, {"": 4})
    await asked.tell(ContactFatigueSet(tenant_id=launch.tenant_id, per_day=2, gap_h=4))
    (told,) = await _slices(asked)
    about: dict[str, Any] = {
        "release_id": told.release_id,
        "batch_id": batch.batch_id,
        "n": 1,
        "ip": told.ip,
    }
    about |= {"tenant_id": launch.tenant_id, "campaign_id": launch.campaign_id}
    put_off = Result(outcome="deferred", reason="fatigue", ranges=[[0, 3]], retry_after_s=FOUR_H)
    grey = Result(
        outcome="deferred", reason="GREYLIST", ranges=[[3, 4]], code=450, retry_after_s=FOUR_H + 99
    )
    before = datetime.now(UTC)
    await asked.tell(
        OutcomesRecorded(**about, provider=PROVIDER, source="owner",
                         results=[put_off, grey])
    )  # fmt: skip
    binding = await asked.binding(launch)
    of_send, other = [
        (await asked.ask(why.of_a_send, launch.tenant_id, batch.send_ids[index])).binding
        for index in (0, 3)
    ]
    async with await postgres.connect(asked.world.dsn, "pm_api") as conn, asked.releaser():
        hold = await holds(conn, launch.tenant_id, launch.campaign_id)

    assert (binding.limit, binding.scope, binding.scope_id) == (
        *("fatigue", "tenant", launch.tenant_id),
    )
    assert (binding.evidence["per_day"], binding.evidence["gap_h"]) == (2, 4)
    assert binding.evidence["reasons"] == {"fatigue": 3, "GREYLIST": 1}
    assert binding.lifts_at is not None
    assert binding.lifts_at - before >= timedelta(hours=4)
    assert of_send is not None
    assert (of_send.limit, of_send.lifts_at) == ("fatigue", binding.lifts_at)
    assert other is not None
    assert (other.limit, other.rule) == ("retry", "GREYLIST")
    assert hold is not None
    assert (hold.kind, hold.until) == (HoldKind.FATIGUE, binding.lifts_at)


async def _slices(asked: Asked) -> list[Any]:
    log = KeptLog()
    async with asked.world.releaser(log) as releaser:
        await releaser.tick()
    return slices(log)
