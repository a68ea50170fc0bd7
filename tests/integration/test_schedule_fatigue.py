"""What the schedule makes of sends whose contacts had enough mail."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters import postgres
from tests.release_kit import World, slices
from tests.schedule_kit import (
    LONG_AGO,
    KeptLog,
    apply,
    outcomes,
    recorded,
    result,
    rows,
    waiting_of,
)

pytestmark = pytest.mark.stack


async def test_i7_a_slice_that_was_put_off_gives_its_charge_back_and_waits_as_long_as_it_is_told(
    dsn: str,
) -> None:
    world, log = World(dsn), KeptLog()
    launch = await world.campaign(await world.tenant(cap=10), [3])
    async with world.releaser(log) as releaser:
        await releaser.tick()
    (told,) = slices(log)
    world.claim(told.release_id)
    reserved = world.used()
    put_off = result("deferred", [[0, 3]], "fatigue") | {"retry_after_s": 4 * 3600}

    event = outcomes(
        told.batch_id,
        [put_off],
        release_id=told.release_id,
        tenant_id=launch.tenant_id,
        campaign_id=launch.campaign_id,
        ip=told.ip,
    )
    async with await postgres.connect(dsn, "pm_projector") as conn:
        await apply(conn, [recorded(event)], scale=0.001)  # of a peer's time, not of ours

    assert reserved == [(0, 3)]
    assert world.used() == [(0, 0)]
    assert waiting_of(dsn) == {(told.batch_id, 2): [[0, 3]]}
    assert rows(dsn, "SELECT due_at FROM pipeline.waiting") == [(LONG_AGO + timedelta(hours=4),)]
