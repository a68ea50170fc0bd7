"""What is ambiguous is settled by evidence; a transactional send may be tried once more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters import postgres
from domain.sending import RESEND_ONCE, AmbiguityResolved
from domain.signals import BounceReceived, OpenObserved
from projections import models
from projections.fold import Connection
from streams import resolving
from streams.resolving import Walk, doubts, hear, resend
from streams.schedule.settling import settled
from tests.pipeline_world import launched
from tests.release_kit import World, attempted, batch_of, project
from tests.schedule_kit import (
    ID_KEY,
    KeptLog,
    KnownEnds,
    change,
    rows,
    waiting_of,
)

pytestmark = pytest.mark.stack


@pytest.fixture
async def world(dsn: str) -> World:
    return World(dsn, KnownEnds(attempts=50))


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    async with await postgres.connect(dsn, "pm_release") as found:
        yield found


async def campaign(world: World, message_class: str, size: int = 3) -> str:
    launch = await world.campaign(
        await world.tenant(), [size], message_class=message_class, priority="high"
    )
    return launch.campaign_id


async def told(conn: Connection, world: World) -> list[AmbiguityResolved]:
    """One turn of the policy; the schedule folds what it wrote."""
    log = KeptLog()
    await resend(conn, log, id_key=ID_KEY)
    events: list[Any] = log.take()
    await world.tell(*events)
    return events


async def test_a_transactional_send_is_tried_once_more_after_its_owner_may_dot_no_more(
    conn: Connection, world: World
) -> None:
    campaign_id = await campaign(world, "transactional")
    first = await attempted(world, deadline_in_s=60)
    assert await told(conn, world) == []
    assert not await settled(conn, campaign_id)

    change(world.dsn, "UPDATE pipeline.release SET deadline_at = now()")
    (event,) = await told(conn, world)
    assert (event.n, event.outcome, event.evidence) == (1, "deferred", RESEND_ONCE)
    assert event.ranges == [[0, 3]]
    assert waiting_of(world.dsn) == {(first.batch_id, 2): [[0, 3]]}
    assert await told(conn, world) == []

    change(world.dsn, "UPDATE pipeline.waiting SET due_at = now()")
    await attempted(world, deadline_in_s=-1)
    assert await told(conn, world) == []
    assert await doubts(conn)


async def test_bulk_mail_holds(conn: Connection, world: World) -> None:
    await campaign(world, "bulk")
    await attempted(world, deadline_in_s=-1)

    assert await told(conn, world) == []
    assert waiting_of(world.dsn) == {}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pipeline.campaign SET state = 'finished'",
        "UPDATE pipeline.batch SET expires_at = now()",
        "UPDATE pipeline.batch SET parked = 'poison'",
        "UPDATE pipeline.release SET deadline_at = now() - interval '51 s'",
    ],
)
async def test_too_late_for_another_try_it_holds(
    conn: Connection, world: World, statement: str
) -> None:
    await campaign(world, "transactional")
    await attempted(world, deadline_in_s=-1)
    change(world.dsn, statement)

    assert await told(conn, world) == []


async def test_a_walk_meets_every_doubt_a_part_at_a_time_and_begins_anew(
    conn: Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "ATTEMPTS_MAX", 1)
    for _ in range(2):
        await campaign(world, "bulk")
        await attempted(world, deadline_in_s=-1)
    walk = Walk()

    met = [[doubt.batch_id for doubt in await doubts(conn, walk)] for _ in range(4)]

    both = sorted(doubt.batch_id for doubt in await doubts(conn))
    assert met == [[both[0]], [both[1]], [], [both[0]]]


async def test_i6_a_walk_passes_attempts_that_no_release_tells_of(
    conn: Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a schedule that was rebuilt from a log without those releases."""
    monkeypatch.setattr(resolving, "ATTEMPTS_MAX", 1)
    await campaign(world, "bulk")
    known = await attempted(world, deadline_in_s=-1)
    change(
        world.dsn,
        "INSERT INTO pipeline.attempt_set (batch_id, n, ambiguous) VALUES ('bat_0', 1, '{[0,1)}')",
    )
    walk = Walk()

    met = [[doubt.batch_id for doubt in await doubts(conn, walk)] for _ in range(3)]

    assert met == [[], [known.batch_id], []]


async def test_i6_signals_prove_that_ambiguous_sends_arrived(
    conn: Connection, world: World
) -> None:
    models.ensure_schemas(world.dsn)
    tenant = await world.tenant()
    launch = launched(tenant[0], message_class="bulk")
    planned = batch_of(launch, 3)
    await world.tell(launch, planned)
    await attempted(world, deadline_in_s=-1)
    about = {"tenant_id": planned.tenant_id}
    signals = [
        OpenObserved(**about, send_id=planned.send_ids[0], kind="machine", rule="proxy"),
        BounceReceived(
            **about, send_id=planned.send_ids[2], kind="hard", reason="X", code=550, enhanced=""
        ),
    ]
    await project(world, planned, *signals)

    log = KeptLog()
    async with await postgres.connect(world.dsn, "pm_api") as api:
        assert await hear(conn, api, log, Walk(), id_key=ID_KEY) == 2
    events: list[Any] = log.take()
    await world.tell(*events)

    assert all(event.outcome == "accepted" for event in events)
    assert all(event.evidence.startswith("signal:") for event in events)
    assert sorted(tuple(event.ranges[0]) for event in events) == [(0, 1), (2, 3)]
    (left,) = await doubts(conn)
    assert left.mask == 0b010
    async with await postgres.connect(world.dsn, "pm_api") as api:
        assert await hear(conn, api, log, Walk(), id_key=ID_KEY) == 0
    assert rows(world.dsn, "SELECT count(*) FROM pipeline.waiting") == [(0,)]
