"""What people are told while open sends of a campaign do not move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from adapters import postgres
from domain.campaign import CampaignPaused
from domain.sending import AudiencePlanned
from domain.sending_ip import SendingIpRetired
from domain.tenant import TenantSuspended
from projections import models
from projections.fold import Connection
from projections.whynot.holds import Hold, HoldKind, holds
from tests.release_kit import World, batch_of, capped, hours
from tests.schedule_kit import KeptLog, change, rows
from tests.whynot_kit import a_releaser

pytestmark = pytest.mark.stack


@pytest.fixture
def world(dsn: str) -> World:
    models.ensure_schemas(dsn)
    return World(dsn)


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    """As the API and the command line."""
    async with await postgres.connect(dsn, "pm_api") as found:
        yield found


async def ticked(world: World) -> None:
    async with world.releaser(KeptLog()) as releaser:
        await releaser.tick()


async def kind_of(conn: Connection, launch: Any) -> HoldKind | None:
    found = await held(conn, launch)
    return found.kind if found else None


async def held(conn: Connection, launch: Any) -> Hold | None:
    """As if a releaser were active, as one is between its ticks."""
    async with a_releaser(conn.info.dsn):
        return await holds(conn, launch.tenant_id, launch.campaign_id)


async def test_open_sends_wait_for_the_cap_of_the_next_day(world: World, conn: Connection) -> None:
    launch = await world.campaign(await world.tenant(cap=3), [10])
    await ticked(world)
    moving = await kind_of(conn, launch)
    change(world.dsn, "UPDATE pipeline.release SET state = 'concluded'")

    found = await held(conn, launch)

    today = rows(world.dsn, "SELECT (now() AT TIME ZONE 'UTC')::date")[0][0]
    tomorrow = datetime.combine(today + timedelta(days=1), time(), UTC)
    detail = "the cap of today is used up for google"
    assert moving is None
    assert found == Hold(HoldKind.CAP, detail, tomorrow, 7)


async def test_a_provider_with_room_left_is_not_held(world: World, conn: Connection) -> None:
    (one,) = await world.tenant(cap=0)
    launch = await world.campaign([one], [10])
    await ticked(world)
    before = await kind_of(conn, launch)
    await world.tell(capped(one, 5, "other"), batch_of(launch, 5, provider="other"))

    assert (before, await kind_of(conn, launch)) == (HoldKind.CAP, None)


async def test_sends_that_are_not_due_yet_wait_until_they_are(
    world: World, conn: Connection
) -> None:
    due_at = datetime.now(UTC).replace(microsecond=0) + hours(2)
    launch = await world.campaign(await world.tenant(), [10], due_at=due_at)
    await ticked(world)

    assert await held(conn, launch) == Hold(HoldKind.RETRY, "nothing of it is due yet", due_at, 10)


async def test_the_reason_that_must_go_first_is_told(world: World, conn: Connection) -> None:
    """From the particular to the general; each is added to those before."""
    (one,) = await world.tenant()
    launch = await world.campaign([one], [])
    seen = [await kind_of(conn, launch)]
    await ticked(world)
    seen.append(await kind_of(conn, launch))
    audience = AudiencePlanned(
        campaign_id=launch.campaign_id, tenant_id=one.tenant_id, step=1, total=4, batches=1
    )
    await world.tell(audience, batch_of(launch, 4))
    seen.append(await kind_of(conn, launch))
    change(world.dsn, "UPDATE pipeline.batch SET parked = 'poison'")
    seen.append(await kind_of(conn, launch))
    change(world.dsn, "UPDATE pipeline.batch SET parked = ''")
    await world.tell(SendingIpRetired(tenant_id=one.tenant_id, ip=one.ip, reason=""))
    seen.append(await kind_of(conn, launch))
    await world.tell(
        CampaignPaused(tenant_id=one.tenant_id, campaign_id=launch.campaign_id, reason="")
    )
    seen.append(await kind_of(conn, launch))
    await world.tell(TenantSuspended(tenant_id=one.tenant_id, reason=""))
    seen.append(await kind_of(conn, launch))
    found = await holds(conn, launch.tenant_id, launch.campaign_id)
    seen.append(found.kind if found else None)
    world.be_fresh(age_s=60)
    seen.append(await kind_of(conn, launch))
    change(world.dsn, "UPDATE pipeline.gate SET open = false, reason = 'for a test'")
    seen.append(await kind_of(conn, launch))

    assert seen == [
        HoldKind.GATE,  # nobody has opened it yet
        HoldKind.PLANNING,
        None,
        HoldKind.PARKED,
        HoldKind.IPS,
        HoldKind.PAUSED,
        HoldKind.TENANT,
        HoldKind.RELEASER,
        HoldKind.STALE,
        HoldKind.GATE,
    ]


async def test_a_launch_that_was_not_read_yet_is_told(world: World, conn: Connection) -> None:
    world.be_fresh()
    await ticked(world)

    assert await kind_of(conn, SimpleNamespace(tenant_id="ten_a", campaign_id="cmp_none")) is (
        HoldKind.UNKNOWN
    )
