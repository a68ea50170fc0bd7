"""What release and claim check is folded from decisions; when a campaign is settled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters import postgres
from domain.campaign import (
    CampaignCancelled,
    CampaignFinished,
    CampaignPaused,
    CampaignResumed,
)
from domain.ids import new_id
from domain.sending import AudiencePlanned
from domain.sending_ip import SendingIpAdded, SendingIpCapSet, SendingIpRateSet, SendingIpRetired
from domain.suppression import ContactSuppressed, SuppressionLifted
from domain.tenant import TenantCreated, TenantRestored, TenantSuspended
from projections.fold import Connection
from streams.schedule.settling import settled
from tests.pipeline_world import Tenant, launched
from tests.schedule_kit import (
    apply,
    change,
    ended,
    outcomes,
    planned,
    recorded,
    result,
    rows,
    started,
)

pytestmark = pytest.mark.stack

TENANT = Tenant("ten_a", "lst_a", "ip_a")


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    """As the schedule's reader."""
    async with await postgres.connect(dsn, "pm_projector") as found:
        yield found


# ---- decisions


def told(conn: Connection, *events: Any) -> Any:
    return apply(conn, [recorded(event) for event in events])


async def test_campaign_states_follow_their_decisions(dsn: str, conn: Connection) -> None:
    launch = launched(TENANT)
    names = {"tenant_id": "ten_a", "campaign_id": launch.campaign_id}
    seen = []

    steps: list[Any] = [
        launch,
        CampaignPaused(**names, reason=""),
        CampaignResumed(**names),
        CampaignCancelled(**names, reason=""),
        CampaignResumed(**names),
        CampaignFinished(**names, requested=0, outcomes={}),
    ]
    for step in steps:
        await told(conn, step)
        seen += rows(dsn, "SELECT state FROM pipeline.campaign")

    assert [state for (state,) in seen] == [
        *("running", "paused", "running", "cancelled", "cancelled", "cancelled")
    ]


@pytest.mark.parametrize("first", ["audience", "launch"])
async def test_the_audience_and_the_launch_come_in_any_order(
    dsn: str, conn: Connection, first: str
) -> None:
    launch = launched(TENANT)
    audience = AudiencePlanned(
        campaign_id=launch.campaign_id, tenant_id="ten_a", step=1, total=7, batches=2
    )

    for event in (audience, launch) if first == "audience" else (launch, audience):
        await told(conn, event)
    await told(conn, audience)

    assert rows(dsn, "SELECT total FROM pipeline.campaign") == [(7,)]


async def test_tenants_and_ips_are_folded(dsn: str, conn: Connection) -> None:
    def capped(provider: str, cap_per_day: int | None) -> SendingIpCapSet:
        return SendingIpCapSet(
            tenant_id="ten_a", ip="ip_a", provider=provider, cap_per_day=cap_per_day, reason=""
        )

    await told(
        conn,
        TenantCreated(tenant_id="ten_a"),
        TenantSuspended(tenant_id="ten_a", reason=""),
        TenantCreated(tenant_id="ten_b"),
        TenantSuspended(tenant_id="ten_b", reason=""),
        TenantRestored(tenant_id="ten_b"),
        SendingIpAdded(
            tenant_id="ten_a",
            ip="ip_a",
            address="127.0.0.9",
            route="mx",
            relay_host="",
            relay_port=0,
        ),
        capped("*", 100),
        capped("google", None),
        SendingIpRateSet(
            tenant_id="ten_a", ip="ip_a", provider="google", rate_per_s=2.5, burst=9, reason=""
        ),
        SendingIpRetired(tenant_id="ten_a", ip="ip_a", reason=""),
    )

    assert rows(dsn, "SELECT tenant_id, may_send FROM pipeline.tenant ORDER BY 1") == [
        ("ten_a", False),
        ("ten_b", True),
    ]
    assert rows(dsn, "SELECT ip, address, retired FROM pipeline.ip") == [
        ("ip_a", "127.0.0.9", True)
    ]
    assert rows(dsn, "SELECT * FROM pipeline.cap_rule ORDER BY provider") == [
        ("ip_a", "*", True, 100, False, None, None),
        ("ip_a", "google", True, None, True, 2.5, 9),
    ]


async def test_the_last_word_on_a_suppression_counts(dsn: str, conn: Connection) -> None:
    def suppressed(contact_id: str) -> ContactSuppressed:
        return ContactSuppressed(
            tenant_id="ten_a", contact_id=contact_id, reason="manual", evidence=""
        )

    lifted = SuppressionLifted(tenant_id="ten_a", contact_id="cnt_1", reason="")

    await told(conn, suppressed("cnt_1"), suppressed("cnt_2"), lifted)
    await told(conn, lifted, suppressed("cnt_3"), suppressed("cnt_1"))
    await told(conn, SuppressionLifted(tenant_id="ten_a", contact_id="cnt_2", reason=""))

    found = rows(dsn, "SELECT contact_id FROM vault.suppression ORDER BY 1")
    assert found == [("cnt_1",), ("cnt_3",)]


# ---- settled


async def test_a_campaign_is_settled_when_all_its_sends_have_an_end(
    dsn: str, conn: Connection
) -> None:
    launch = launched(TENANT)
    campaign_id: str = launch.campaign_id
    first, second = new_id("bat"), new_id("bat")
    audience = AudiencePlanned(
        campaign_id=campaign_id, tenant_id="ten_a", step=1, total=5, batches=2
    )
    batches = [planned(first, 3, campaign_id=campaign_id)]
    steps: list[list[Any]] = [
        [launch, audience, *batches, started(first, [[0, 3]], campaign_id=campaign_id)],
        [outcomes(first, [result("accepted", [[0, 3]])])],
        [planned(second, 2, campaign_id=campaign_id), ended(second, [[0, 1]])],
        [outcomes(second, [result("deferred", [[1, 2]])])],
        [outcomes(second, [result("rejected", [[1, 2]])], n=2)],
    ]
    seen = []

    for step in steps:
        await told(conn, *step)
        seen.append(await settled(conn, campaign_id))

    assert seen == [False, False, False, False, True]


async def test_a_campaign_waits_for_an_owner_who_may_still_say_what_became_of_an_ambiguous_send(
    dsn: str, conn: Connection
) -> None:
    launch = launched(TENANT)
    campaign_id: str = launch.campaign_id
    audience = AudiencePlanned(
        campaign_id=campaign_id, tenant_id="ten_a", step=1, total=1, batches=1
    )
    await told(conn, launch, audience, planned("bat_a", 1, campaign_id=campaign_id))
    await told(conn, started("bat_a", [[0, 1]], campaign_id=campaign_id))
    change(dsn, "UPDATE pipeline.release SET deadline_at = now() + interval '1 hour'")
    await told(conn, outcomes("bat_a", [result("ambiguous", [[0, 1]])], source="sweeper"))

    early = await settled(conn, campaign_id)
    change(dsn, "UPDATE pipeline.release SET deadline_at = now() - interval '1 s'")

    assert (early, await settled(conn, campaign_id)) == (False, True)


async def test_a_campaign_does_not_wait_for_an_owner_who_called_a_send_ambiguous_itself(
    dsn: str, conn: Connection
) -> None:
    launch = launched(TENANT)
    campaign_id: str = launch.campaign_id
    audience = AudiencePlanned(
        campaign_id=campaign_id, tenant_id="ten_a", step=1, total=1, batches=1
    )
    await told(conn, launch, audience, planned("bat_a", 1, campaign_id=campaign_id))
    await told(conn, started("bat_a", [[0, 1]], campaign_id=campaign_id))
    change(dsn, "UPDATE pipeline.release SET deadline_at = now() + interval '1 hour'")

    await told(conn, outcomes("bat_a", [result("ambiguous", [[0, 1]])]))

    assert await settled(conn, campaign_id)
