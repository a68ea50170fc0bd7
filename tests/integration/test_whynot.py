"""Why something is not sending, over rows that the schedule folded and the releaser charged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters import postgres
from domain.campaign import CampaignLaunched, CampaignPaused
from domain.governor.events import BreakerClosed, BreakerHalfOpened, BreakerOpened
from domain.sending import BatchPlanned, OutcomesRecorded, Result
from domain.sending_ip import SendingIpCapSet, SendingIpQuarantined, SendingIpReleased
from domain.suppression import ContactSuppressed
from domain.tenant import TenantDailyLimitSet
from projections import models
from projections.reads import Bound
from projections.whynot import why
from projections.whynot.why import Answer
from tests.pipeline_world import Tenant
from tests.release_kit import World, batch_of, rated
from tests.schedule_kit import change, release_id_of
from tests.volume_told_kit import plan_of, quota_of, said
from tests.whynot_asked_kit import Asked, drafted

pytestmark = pytest.mark.stack
PROVIDER = "gmail"


@pytest.fixture
async def asked(dsn: str) -> AsyncIterator[Asked]:
    models.ensure_schemas(dsn)
    async with await postgres.connect(dsn, "pm_api") as conn:
        yield Asked(World(dsn), conn)


async def launched(asked: Asked, one: Tenant, size: int = 10, **changes: Any) -> CampaignLaunched:
    """A campaign that the schedule and the read models know, with one batch that is due."""
    launch = await asked.world.campaign([one], [], **changes)
    await asked.tell(drafted(launch), launch, _batch(launch, size))
    return launch


def _batch(launch: CampaignLaunched, size: int) -> BatchPlanned:
    return batch_of(launch, size, provider=PROVIDER)


async def test_what_the_governor_decided_binds_with_the_counts_behind_it(asked: Asked) -> None:
    """Quota, breaker by its probes, and what a plan begins with before anything was decided."""
    (one,) = await asked.world.tenant()
    launch = await launched(asked, one)
    cell = (one.tenant_id, "cell", one.ip, PROVIDER)
    await asked.tell(plan_of(one.tenant_id, one.ip))
    await asked.tick()
    change(asked.world.dsn, "UPDATE pipeline.release SET state = 'concluded'")
    await asked.tell(_batch(launch, 5))
    started = await asked.campaign(launch)

    now = datetime.now(UTC)
    await asked.tell(quota_of(one.tenant_id, one.ip, 0, rule="complaints", decided_at=now))
    quota = await asked.binding(launch)
    until = now + timedelta(hours=2)
    await asked.tell(
        said(BreakerOpened, *cell, until=until, level=0, rule="blocked", counts={"blocked": 5},
             decided_at=now)
    )  # fmt: skip
    await asked.tell(quota_of(one.tenant_id, one.ip, 900, decided_at=now + timedelta(seconds=1)))
    opened = await asked.binding(launch)
    later = now + timedelta(seconds=2)
    await asked.tell(said(BreakerHalfOpened, *cell, probes=0, decided_at=later, rule="time_over"))
    half = await asked.binding(launch)
    await asked.tell(said(BreakerClosed, *cell, decided_at=later + timedelta(seconds=1)))
    closed = await asked.campaign(launch)

    limits = {one.limit: one for one in (*started.others, started.binding) if one}
    assert limits["quota"].evidence["quota"] == 300
    assert limits["quota"].evidence["plan"] == "standard"
    assert (quota.limit, quota.rule, quota.evidence["counts"]) == (
        *("quota", "complaints", {"accepted": 9}),
    )
    assert (opened.limit, opened.lifts_at, opened.evidence["counts"]) == (
        *("breaker", until, {"blocked": 5}),
    )
    assert (half.limit, half.evidence["status"]) == ("breaker", "half")
    assert closed.binding is None or closed.binding.limit == "rate"


async def test_caps_rates_and_daily_limits_bind_by_what_was_charged(asked: Asked) -> None:
    (one,) = await asked.world.tenant()
    await asked.tell(SendingIpCapSet(
        tenant_id=one.tenant_id, ip=one.ip, provider="*", cap_per_day=4, reason="a new IP",
    ))  # fmt: skip
    launch = await launched(asked, one)
    await asked.tick()
    moving = await asked.campaign(launch)
    change(asked.world.dsn, "UPDATE pipeline.release SET state = 'concluded'")
    cap = await asked.binding(launch)
    await asked.tell(rated(one, 0.001, 1), SendingIpCapSet(
        tenant_id=one.tenant_id, ip=one.ip, provider="*", cap_per_day=None, reason="",
    ))  # fmt: skip
    await asked.tick()
    change(asked.world.dsn, "UPDATE pipeline.release SET state = 'concluded'")
    rate = await asked.binding(launch)
    change(asked.world.dsn, "UPDATE pipeline.campaign SET daily_limit = 5")
    daily = await asked.binding(launch)
    await asked.tell(TenantDailyLimitSet(
        tenant_id=one.tenant_id, daily_limit=3, reason="many complaints",
    ))  # fmt: skip
    of_tenant = await asked.binding(launch)

    assert (moving.sending, moving.binding) == (True, None)
    assert (cap.limit, cap.evidence["used"], cap.evidence["reason"]) == ("cap", 4, "a new IP")
    assert cap.lifts_at is not None
    assert (rate.limit, rate.scope_id, rate.provider) == ("rate", one.ip, PROVIDER)
    assert rate.evidence["burst"] == 1
    assert (daily.limit, daily.scope, daily.evidence["used"]) == ("daily_limit", "campaign", 5)
    assert (of_tenant.limit, of_tenant.rule) == ("daily_limit", "tenant_daily_limit")
    assert (of_tenant.evidence["daily_limit"], of_tenant.evidence["reason"]) == (
        *(3, "many complaints"),
    )
    assert "penguin tenants limit" in of_tenant.cure


async def test_an_ip_tells_of_itself_and_of_the_campaigns_that_want_it(asked: Asked) -> None:
    (one,) = await asked.world.tenant(cap=0)
    await asked.tick()
    own = {"tenant_id": one.tenant_id, "ip": one.ip, "reason": "a trial"}

    async def answer() -> tuple[str, str]:
        found = await asked.ask(why.of_an_ip, one.tenant_id, one.ip)
        return found.state, found.binding.limit if found.binding else ""

    seen = [await answer()]
    launch = await launched(asked, one)
    seen.append(await answer())
    await asked.tell(SendingIpQuarantined(**own))
    seen.append(await answer())
    await asked.tell(SendingIpReleased(**own))
    await asked.tell(CampaignPaused(
        tenant_id=one.tenant_id, campaign_id=launch.campaign_id, reason="",
    ))  # fmt: skip
    seen.append(await answer())

    assert seen == [
        ("active", "demand"),
        ("active", "cap"),
        ("quarantined", "ips"),
        ("active", "demand"),
    ]
    assert await why.of_an_ip(Bound(asked.conn, "ten_other"), one.ip) is None


async def test_a_send_tells_its_retry_its_suppression_and_its_end(asked: Asked) -> None:
    (one,) = await asked.world.tenant()
    launch = await asked.world.campaign([one], [])
    batch = _batch(launch, 3)
    await asked.tell(drafted(launch), launch, batch)
    await asked.tick()
    about: dict[str, Any] = {
        "tenant_id": one.tenant_id, "campaign_id": launch.campaign_id, "n": 1, "ip": one.ip,
        "batch_id": batch.batch_id, "provider": PROVIDER, "source": "owner",
        "release_id": release_id_of(batch.batch_id, 1, 1),
    }  # fmt: skip
    put_off = Result(outcome="deferred", reason="GREYLIST", ranges=[[0, 1]], code=450)
    taken = Result(outcome="accepted", reason="ACCEPTED", ranges=[[1, 2]], code=250)

    async def answer(number: int) -> Answer:
        found = await asked.ask(why.of_a_send, one.tenant_id, batch.send_ids[number])
        assert found.as_json().keys() >= {"binding", "others", "as_of", "sending"}
        return found

    released = await answer(0)
    await asked.tell(OutcomesRecorded(**about, results=[put_off, taken]))
    retry, ended = await answer(0), await answer(1)
    change(asked.world.dsn, "UPDATE pipeline.release SET state = 'concluded'")
    change(asked.world.dsn, "UPDATE pipeline.waiting SET due_at = now()")
    await asked.world.tell(ContactSuppressed(
        tenant_id=one.tenant_id, contact_id=batch.contact_ids[0], reason="complaint", evidence="",
    ))  # fmt: skip
    suppressed = await answer(0)

    assert (released.sending, released.binding) == (True, None)
    assert retry.binding is not None
    assert (retry.state, retry.binding.limit, retry.binding.rule) == (
        *("deferred", "retry", "GREYLIST"),
    )
    assert (retry.binding.evidence["n"], retry.binding.evidence["code"]) == (2, 450)
    assert retry.binding.lifts_at is not None
    assert ended.binding is not None
    assert (ended.state, ended.binding.limit, ended.binding.rule) == (
        *("accepted", "ended", "ACCEPTED"),
    )
    assert ended.binding.evidence["topic"] == "pm.attempts"
    assert ended.binding.evidence["event_id"].startswith("evt_")
    assert suppressed.binding is not None
    assert (suppressed.binding.limit, suppressed.binding.rule) == ("suppression", "complaint")
    assert await why.of_a_send(Bound(asked.conn, "ten_other"), batch.send_ids[0]) is None


async def test_a_campaign_that_was_not_launched_is_known_too(asked: Asked) -> None:
    (one,) = await asked.world.tenant()
    launch = await asked.world.campaign([one], [])
    change(asked.world.dsn, "DELETE FROM pipeline.campaign")
    await asked.tell(drafted(launch))
    await asked.tick()

    draft = await asked.campaign(launch)

    assert draft.binding is not None
    assert (draft.state, draft.binding.limit, draft.binding.rule) == ("draft", "campaign", "draft")
    assert await why.of_a_campaign(Bound(asked.conn, "ten_other"), launch.campaign_id) is None
    assert await why.of_a_campaign(Bound(asked.conn, one.tenant_id), "cmp_none") is None
