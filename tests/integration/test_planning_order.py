"""In which order an audience leaves, and by whose clocks: frozen by the planner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest

from adapters import postgres
from domain.campaign import CampaignLaunched
from domain.sending import BatchPlanned
from domain.windows import SendWindow
from projections.models import ensure_schemas
from streams.planner.planning import PlannerDeps, Planning
from tests.pipeline_world import (
    ScriptedResolver,
    Tenant,
    add_leads,
    add_tenant,
    change,
    contact_of,
    launched,
    mx,
)
from tests.schedule_kit import KeptLog

pytestmark = pytest.mark.stack

ROUTES = {"gmail.test": mx("google"), "outlook.test": mx("microsoft")}
MONDAY_NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
async def pools(dsn: str) -> AsyncIterator[tuple[Any, Any]]:
    ensure_schemas(dsn)
    async with (
        postgres.pool(dsn, "pm_worker") as worker,
        postgres.pool(dsn, "pm_api", size_max=1) as readers,
    ):
        yield worker, readers


@pytest.fixture
def tenant(dsn: str) -> Tenant:
    return add_tenant(dsn)


async def plan(pools: tuple[Any, Any], launch: CampaignLaunched) -> list[BatchPlanned]:
    """The batches of a launch, in the order in which they are due."""
    log = KeptLog()
    planning = Planning(PlannerDeps(pools[0], log, ScriptedResolver(ROUTES), "key", pools[1]))
    await planning.accept(launch)
    await planning.advance(launch.campaign_id)
    found = [event for event in log.take() if isinstance(event, BatchPlanned)]
    return sorted(found, key=lambda batch: (batch.due_at, batch.batch_id))


async def leave(pools: tuple[Any, Any], tenant: Tenant, **changes: Any) -> list[str]:
    """The contacts of a launch to one provider, as they leave."""
    return [name for batch in await plan(pools, launched(tenant, **changes))
            for name in batch.contact_ids]  # fmt: skip


def ids(tenant: Tenant, *names: str) -> list[str]:
    return [contact_of(tenant.tenant_id, f"{name}@gmail.test") for name in names]


def tell(dsn: str, statement: LiteralString, **values: Any) -> None:
    """One statement as the owner."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(statement, values)


def signal(dsn: str, tenant: Tenant, name: str, kind: str, age: timedelta) -> None:
    """Somebody did this so long ago, about a mail that they had got."""
    (contact,) = ids(tenant, name)
    tell(
        dsn,
        "INSERT INTO vault.audience VALUES"
        " (%(tenant)s, 'bat_' || %(contact)s, 0, 'cmp', %(contact)s) ON CONFLICT DO NOTHING",
        tenant=tenant.tenant_id,
        contact=contact,
    )
    tell(
        dsn,
        "INSERT INTO rm.send_signal (tenant_id, send_id, event_id, kind, first, at, reason, code,"
        " enhanced, topic, part, off, batch_id, idx) VALUES (%(tenant)s, %(contact)s,"
        " gen_random_uuid(), %(kind)s, true, %(at)s, '', 0, '', 'pm.signals', 0, 0,"
        " 'bat_' || %(contact)s, 0)",
        tenant=tenant.tenant_id,
        contact=contact,
        kind=kind,
        at=datetime.now(UTC) - age,
    )


DAY = timedelta(days=1)


async def test_who_engaged_lately_leaves_first_and_the_rest_in_a_fixed_order(
    dsn: str, pools: tuple[Any, Any], tenant: Tenant
) -> None:
    everyone = add_leads(dsn, tenant, [f"{name}@gmail.test" for name in "abcdefgh"])
    signal(dsn, tenant, "b", "opened", 40 * DAY)
    signal(dsn, tenant, "c", "clicked", 2 * DAY)
    signal(dsn, tenant, "c", "opened", 50 * DAY)
    signal(dsn, tenant, "e", "replied", 29 * DAY)
    signal(dsn, tenant, "f", "opened", 100 * DAY)
    signal(dsn, tenant, "g", "machine_opened", DAY)
    signal(dsn, tenant, "h", "unsubscribed", DAY)

    found = await leave(pools, tenant)

    first, second = sorted(ids(tenant, "c", "e")), ids(tenant, "b")
    assert found[:3] == [*first, *second]
    assert found[3:] == sorted(set(everyone) - set(found[:3]))


async def test_the_first_batch_holds_who_engaged_and_is_due_first(
    dsn: str, pools: tuple[Any, Any], tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.planner.plan.BATCH_SIZE_MAX", 2)
    monkeypatch.setattr("streams.planner.planning.BATCH_SIZE_MAX", 2)
    add_leads(dsn, tenant, [f"{name}@gmail.test" for name in "abcdef"])
    for name in "df":
        signal(dsn, tenant, name, "opened", DAY)

    batches = await plan(pools, launched(tenant))

    assert [batch.size for batch in batches] == [2, 2, 2]
    assert batches[0].contact_ids == sorted(ids(tenant, "d", "f"))
    assert batches[0].due_at < batches[1].due_at < batches[2].due_at


async def test_signals_of_other_tenants_and_lists_order_nobody(
    dsn: str, pools: tuple[Any, Any], tenant: Tenant
) -> None:
    everyone = add_leads(dsn, tenant, ["a@gmail.test", "b@gmail.test"])
    stranger = add_tenant(dsn)
    add_leads(dsn, stranger, ["b@gmail.test"])
    signal(dsn, stranger, "b", "opened", DAY)

    assert await leave(pools, tenant) == sorted(everyone)


def choose(
    dsn: str, tenant: Tenant, version: int, age: timedelta, plan: str, provider: str = "*"
) -> None:
    """The IP's plan was chosen so long ago."""
    tell(
        dsn,
        "INSERT INTO es.decision_events (originator_id, originator_version, topic, state,"
        " event_id, tenant_id, actor, causation, correlation, command_id, recorded_at)"
        " VALUES ('ip-' || %(ip)s, %(version)s, 'WarmupPlanChosen.v1',"
        " convert_to(%(state)s, 'UTF8'), gen_random_uuid(), %(tenant)s, '', '', '',"
        " gen_random_uuid(), %(at)s)",
        ip=tenant.ip,
        tenant=tenant.tenant_id,
        version=version,
        at=datetime.now(UTC) - age,
        state=f'{{"plan": "{plan}", "provider": "{provider}"}}',
    )


#: What was chosen when → whether who engaged long ago goes last.
PLANS: Mapping[str, tuple[list[tuple[timedelta, str, str]], bool]] = {
    "none was chosen": ([], False),
    "it warms up": ([(10 * DAY, "standard", "*")], True),
    "it warms up towards this provider": ([(10 * DAY, "standard", "google")], True),
    "it warms up towards another": ([(10 * DAY, "standard", "microsoft")], False),
    "it is warm": ([(43 * DAY, "standard", "*")], False),
    "the plan was changed since": ([(43 * DAY, "slow", "*"), (2 * DAY, "fast", "*")], False),
    "it ended": ([(10 * DAY, "standard", "*"), (DAY, "none", "*")], False),
    "it began again": (
        [(90 * DAY, "fast", "*"), (80 * DAY, "none", "*"), (DAY, "fast", "*")],
        True,
    ),
    "not towards this provider": ([(9 * DAY, "fast", "*"), (DAY, "none", "google")], False),
}


async def test_while_an_ip_warms_up_who_engaged_long_ago_goes_last(
    dsn: str, pools: tuple[Any, Any]
) -> None:
    found, expected = {}, {}
    for told, (chosen, goes_last) in PLANS.items():
        tenant = add_tenant(dsn)
        by_id = long_ago(dsn, tenant)
        for version, (age, plan_name, provider) in enumerate(chosen, 1):
            choose(dsn, tenant, version, age, plan_name, provider)
        found[told] = await leave(pools, tenant)
        expected[told] = [*by_id[1:], by_id[0]] if goes_last else by_id

    assert found == expected


def long_ago(dsn: str, tenant: Tenant) -> list[str]:
    """A list whose first contact engaged, but not lately; the ids in order."""
    add_leads(dsn, tenant, [f"{name}@gmail.test" for name in "abc"])
    by_id = sorted(ids(tenant, "a", "b", "c"))
    name = next(name for name in "abc" if ids(tenant, name) == by_id[:1])
    signal(dsn, tenant, name, "opened", 91 * DAY)
    return by_id


async def test_an_ip_that_the_governor_calls_warm_holds_nobody_back(
    dsn: str, pools: tuple[Any, Any], tenant: Tenant
) -> None:
    by_id = long_ago(dsn, tenant)
    choose(dsn, tenant, 1, DAY, "fast")
    warm: LiteralString = "INSERT INTO pipeline.volume_phase VALUES (%s, 'google', 'warm', now())"
    change(dsn, warm, tenant.ip)

    assert await leave(pools, tenant) == by_id


# ---- windows


def hours(zone_of: str, zone: str = "Europe/Berlin") -> SendWindow:
    days = ["mon", "tue", "wed", "thu", "fri"]
    return SendWindow(days=days, opens="09:00", closes="17:00", zone_of=zone_of, zone=zone)


def in_zone(dsn: str, tenant: Tenant, name: str, zone: str, *, field: str = "time_zone") -> None:
    change(
        dsn,
        "UPDATE vault.contact SET fields = jsonb_build_object(%s::text, %s::text)"
        " WHERE contact_id = %s",
        *(field, zone),
        *ids(tenant, name),
    )


async def test_by_recipients_clocks_each_zone_is_planned_for_its_own_morning(
    dsn: str, pools: tuple[Any, Any], tenant: Tenant
) -> None:
    add_leads(dsn, tenant, [f"{name}@gmail.test" for name in "abcdefg"])
    zones = {"a": "America/New_York", "b": "asia/tokyo ", "c": "Moon/Tycho", "d": "Europe/Berlin"}
    for name, zone in zones.items():
        in_zone(dsn, tenant, name, zone)
    in_zone(dsn, tenant, "g", "Asia/Tokyo", field="timezone")
    window, saturday = hours("recipient"), MONDAY_NOON - 2 * DAY
    expires_at = MONDAY_NOON - timedelta(hours=4) + 3 * DAY  # of the campaign's own zone

    batches = await plan(
        pools,
        launched(tenant, send_window=window, launched_at=saturday, expires_at=expires_at),
    )

    found = {batch.zone: batch for batch in batches}
    assert {zone: batch.due_at.strftime("%a %H:%M") for zone, batch in found.items()} == {
        "Asia/Tokyo": "Mon 00:00", "": "Mon 08:00", "America/New_York": "Mon 14:00"
    }  # fmt: skip
    assert found["Asia/Tokyo"].contact_ids == sorted(ids(tenant, "b", "g"))
    assert found[""].contact_ids == sorted(ids(tenant, "c", "d", "e", "f"))
    assert {batch.expires_at - batch.due_at for batch in batches} == {3 * DAY}
    assert len({batch.batch_id for batch in batches}) == 3


async def test_by_the_campaigns_clock_nobody_is_parted_and_all_is_due_at_the_opening(
    dsn: str, pools: tuple[Any, Any], tenant: Tenant
) -> None:
    add_leads(dsn, tenant, ["a@gmail.test", "b@gmail.test"])
    in_zone(dsn, tenant, "a", "America/New_York")
    saturday = MONDAY_NOON - 2 * DAY

    (batch,) = await plan(
        pools, launched(tenant, send_window=hours("campaign"), launched_at=saturday)
    )

    assert batch.zone == ""
    assert batch.due_at == MONDAY_NOON - timedelta(hours=4)


async def test_a_batch_that_was_frozen_by_an_earlier_version_is_due_at_the_launch(
    dsn: str, pools: tuple[Any, Any], tenant: Tenant
) -> None:
    add_leads(dsn, tenant, ["a@gmail.test"])
    launch = launched(tenant)
    (first,) = await plan(pools, launch)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("UPDATE vault.frozen_batch SET due_at = NULL, expires_at = NULL")
        conn.execute("UPDATE pipeline.plan SET done = false, next_ordinal = 0")

    (again,) = await plan(pools, launch)

    assert (again.due_at, again.expires_at) == (launch.launched_at, launch.expires_at)
    assert again.send_ids == first.send_ids
