"""A domain that does not exist: looked for twice before its recipients are refused for good."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.outcomes import is_absent
from domain.plan_limit import PlanLimitSet
from tests import pipeline_world as world
from tests.dispatch_desk_kit import Make, desks
from tests.release_kit import World, slices
from tests.schedule_kit import KeptLog, outcomes, result, rows, waiting_of

pytestmark = pytest.mark.stack
TAKEN = ("accepted", "ACCEPTED")


@pytest.fixture
async def make(dsn: str) -> AsyncIterator[Make]:
    """Makes dispatchers; `answer` scripts the peer."""
    async with desks(dsn) as one:
        yield one


async def test_a_domain_that_does_not_exist_is_looked_for_once_more_6_hours_later(
    dsn: str, make: Make
) -> None:
    """Only then is the recipient refused for good. A null MX and `.invalid` leave no doubt."""
    addresses = ["a@gone.test", "b@nomail.test", "c@gone.invalid", "d@gone.test", "e@gmail.test"]
    found = []
    for n, absent in ((1, "{}"), (3, "{[0,1),[4,5)}")):
        released = world.release(dsn, addresses)
        world.change(
            dsn, "UPDATE pipeline.release SET n = %s WHERE release_id = %s", n, released.release_id
        )
        for before in range(1, n):
            world.change(
                dsn, "INSERT INTO pipeline.attempt_set (batch_id, n, absent)"
                " VALUES (%s, %s, %s::int4multirange)",
                released.batch_id, before, absent if before == 1 else "{}",
            )  # fmt: skip
        desk = make()
        await desk.dispatcher.take(released.hint)
        await desk.until_settled(released)
        found.append(desk.outcomes)

    gone, not_yet = ("rejected", "BAD_DOMAIN"), ("deferred", "BAD_DOMAIN")
    first, later = found
    assert first.outcomes == {0: not_yet, 1: gone, 2: gone, 3: not_yet, 4: TAKEN}
    assert later.outcomes == {0: gone, 1: gone, 2: gone, 3: not_yet, 4: TAKEN}
    waits = [one["retry_after_s"] for one in first.results if one["outcome"] == "deferred"]
    assert waits == [6 * 3600]
    assert all(is_absent(one) for one in first.results if one["outcome"] == "deferred")


async def test_a_look_that_finds_no_domain_uses_nothing_of_caps_and_plan(dsn: str) -> None:
    here, log = World(dsn), KeptLog()
    (one,) = await here.tenant(cap=3)
    await here.tell(PlanLimitSet(tenant_id=one.tenant_id, sends_per_month=3, reason="plan"))
    await here.campaign([one], [3])
    async with here.releaser(log) as releaser:
        await releaser.tick()
    (told,) = slices(log)
    charged = here.used()
    looked = result("deferred", [[0, 3]], "BAD_DOMAIN")
    names: dict[str, Any] = {"release_id": told.release_id, "ip": told.ip}
    await here.tell(outcomes(told.batch_id, [looked], **names))

    assert (charged, here.used()) == ([(0, 3)], [(0, 0)])
    assert rows(dsn, "SELECT sum(reserved)::int FROM pipeline.use") == [(0,)]
    assert waiting_of(dsn) == {(told.batch_id, 2): [[0, 3]]}
