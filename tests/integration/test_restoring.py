"""A Postgres restored to an older state gets its decisions back from the log, or is left alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from adapters.relay import Relay, RestoredStore
from ops.errors import DoesNotHold
from ops.restoring import restore
from ops.where import Where
from tests.decision_oracle import caught_up, problems
from tests.integration.test_relay import relaying, turn_on_and_off, until

pytestmark = pytest.mark.stack


@pytest.fixture
async def where(dsn: str, server: dict[str, str], log_prefix: str) -> Where:
    """A store whose decisions are all in the log."""
    await asyncio.to_thread(turn_on_and_off, dsn, 3)
    async with relaying(dsn, server["bootstrap"], log_prefix):
        await until(lambda: caught_up(dsn))
    return Where(Path(), server["bootstrap"], dsn, log_prefix)


def change(where: Where, statement: str) -> None:
    with psycopg.connect(where.dsn) as conn:
        conn.execute(statement.encode())


def rows(where: Where) -> list[tuple[object, ...]]:
    with psycopg.connect(where.dsn) as conn:
        return conn.execute(
            "SELECT notification_id, event_id, originator_id, originator_version, topic, state,"
            " tenant_id, actor, causation, correlation, recorded_at FROM es.decision_events"
            " ORDER BY notification_id"
        ).fetchall()


LAST = "DELETE FROM es.decision_events WHERE notification_id > 9"


async def test_i1_what_a_restored_store_lacks_comes_back_from_the_log(where: Where) -> None:
    before = rows(where)
    change(where, LAST)
    with pytest.raises(RestoredStore):
        await Relay(where.dsn, where.bootstrap, where.prefix).run(asyncio.Event(), lambda: None)

    looked = await restore(where, dry_run=True)
    assert (looked.missing, looked.copied, len(rows(where))) == (len(before) - 9, 0, 9)
    found = await restore(where)
    again = await restore(where)

    assert (found.copied, again.missing) == (len(before) - 9, 0)
    assert rows(where) == before
    async with relaying(where.dsn, where.bootstrap, where.prefix):
        await asyncio.to_thread(turn_on_and_off, where.dsn, 1)
        await until(lambda: caught_up(where.dsn))
    assert await problems(where.dsn, where.bootstrap, where.prefix) == []


async def test_a_store_that_went_its_own_way_is_left_alone(where: Where) -> None:
    change(where, LAST)
    change(where, "SELECT setval('es.decision_events_notification_id_seq', 9)")
    await asyncio.to_thread(turn_on_and_off, where.dsn, 1)
    before = rows(where)

    with pytest.raises(DoesNotHold, match="different decisions"):
        await restore(where)

    assert rows(where) == before
