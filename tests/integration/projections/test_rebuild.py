"""A rebuild on real Kafka and Postgres: beside the live model, equal, swapped under readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from adapters.dead_letters import KafkaDeadLetters
from adapters.kafka_log import KafkaLog
from projections import live, status
from projections.cursors import OtherLog
from projections.models import MODELS
from projections.rebuild import Busy, rebuild
from projections.session import Place

pytestmark = pytest.mark.stack
DEADLINE_S = 30.0
LEDGER = MODELS["send_ledger"]


@pytest.fixture
def place(read_models: str, server: dict[str, str], log_prefix: str) -> Place:
    return Place(read_models, server["bootstrap"], log_prefix)


@asynccontextmanager
async def projecting(place: Place) -> AsyncIterator[None]:
    """The role `projections` runs."""
    stop, ready = asyncio.Event(), asyncio.Event()
    async with KafkaDeadLetters(place.bootstrap, place.prefix, "projections") as letters:
        task = asyncio.create_task(live.run(place, letters, stop, ready.set))
        try:
            async with asyncio.timeout(DEADLINE_S):
                await ready.wait()
            yield
        finally:
            stop.set()
            await task


async def append(place: Place, history: Any) -> None:
    async with KafkaLog(place.bootstrap, place.prefix) as log:
        await log.append(history.drafts())


async def caught_up(place: Place) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while any(s.lag or s.age_s is None for s in await status.status(place)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def count(place: Place, table: str) -> int:
    with psycopg.connect(place.dsn) as conn:
        row = conn.execute(
            psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier("rm", table))
        ).fetchone()
    return int(row[0]) if row else 0


@pytest.mark.parametrize("name", MODELS)
async def test_i9_a_rebuild_equals_the_live_model_while_that_goes_on(
    place: Place, tell: Callable[..., Any], name: str
) -> None:
    """Compared at equal cursors, without stopping the live reader; the new version takes over."""
    async with projecting(place):
        await append(place, tell(1, campaigns=6))
        await caught_up(place)
        writing = asyncio.create_task(append(place, tell(2, campaigns=6)))

        found = await rebuild(place, MODELS[name])

        await writing
        assert (found.equal, found.swapped, found.version) == (True, True, 2)
        assert all(found.rows.values())
        await append(place, tell(3, campaigns=8))
        await caught_up(place)
        assert {s.version for s in await status.status(place) if s.name == name} == {2}

        again = await rebuild(place, MODELS[name])
    assert (again.equal, again.version) == (True, 3)


async def test_a_live_model_that_went_wrong_is_named_and_not_swapped_unless_forced(
    place: Place, tell: Callable[..., Any]
) -> None:
    """The tables and tenants that differ are told; `force` heals."""
    async with projecting(place):
        await append(place, tell(1, campaigns=4))
        await caught_up(place)
        with psycopg.connect(place.dsn, autocommit=True) as conn:
            conn.execute(
                "UPDATE rm.campaign_counters_v1 SET sends = sends + 1"
                " WHERE tenant_id = 'ten_1' AND state = 'accepted'"
            )

        found = await rebuild(place, LEDGER)
        assert (found.equal, found.swapped) == (False, False)
        assert found.differing == [("campaign_counters", "ten_1")]

        healed = await rebuild(place, LEDGER, force=True)
        assert healed.swapped
        assert (await rebuild(place, LEDGER)).equal


async def test_a_rebuild_that_was_broken_off_leaves_the_live_model_alone(
    place: Place, tell: Callable[..., Any]
) -> None:
    """What it left behind is removed by the next one."""
    async with projecting(place):
        await append(place, tell(1))
        await caught_up(place)
        before = count(place, "send_ledger")
        task = asyncio.create_task(rebuild(place, LEDGER))
        async with asyncio.timeout(DEADLINE_S):
            while not _versions(place) > {1}:  # noqa: ASYNC110 - told by Postgres alone
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})

        assert count(place, "send_ledger") == before
        assert (await rebuild(place, LEDGER)).equal
        assert len(_versions(place)) == 2


async def test_one_read_model_of_another_log_stops_the_role(place: Place) -> None:
    """In its own words, so that the command line can tell them."""
    async with projecting(place):
        await caught_up(place)
    with psycopg.connect(place.dsn, autocommit=True) as conn:
        conn.execute("UPDATE app.cursor SET log_id = 'evt_1' WHERE reader = 'sending_ips_v1'")

    async with KafkaDeadLetters(place.bootstrap, place.prefix, "projections") as letters:
        with pytest.raises(OtherLog, match="was replaced"):
            await live.run(place, letters, asyncio.Event())


async def test_one_rebuild_of_a_model_at_a_time(place: Place) -> None:
    """The second is told so, and changes nothing."""
    first, second = await asyncio.gather(
        rebuild(place, LEDGER), rebuild(place, LEDGER), return_exceptions=True
    )

    assert {type(first), type(second)} >= {Busy}


def _versions(place: Place) -> set[int]:
    with psycopg.connect(place.dsn) as conn:
        rows = conn.execute(
            "SELECT version FROM app.read_model WHERE name = 'send_ledger'"
        ).fetchall()
    return {version for (version,) in rows}
