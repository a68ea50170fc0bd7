"""Exchanges with Postgres: one round trip, one transaction, one tenant; nothing left over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from adapters import exchange as exchanges
from adapters import postgres
from adapters.exchange import Ask, Connection, exchange
from projections.reads import Bound

pytestmark = pytest.mark.stack
RUNNING: LiteralString = "SELECT pid FROM pg_stat_activity WHERE pid = %(pid)s"


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    async with await postgres.connect(dsn, "pm_api") as found:
        yield found


async def test_values_come_as_a_cursor_gives_them(conn: Connection) -> None:
    values = {
        "text": "100 % of Ünicode",
        "number": 4711,
        "none": None,
        "list": ["a", "b"],
        "at": datetime(2026, 1, 5, 9, tzinfo=UTC),
        "bytes": b"\x00\xff",
    }
    statement = sql.SQL(
        "SELECT %(text)s::text AS text_, %(number)s::int8 AS number_, %(none)s::int4 AS none_, "
        "%(list)s::text[] AS list_, %(at)s::timestamptz AS at_, %(bytes)s::bytea AS bytes_, "
        "7 %% 4 AS rest, {} AS doc"
    ).format(sql.Literal('{"a": [1]}'))

    (rows,) = await exchange(conn, [Ask(statement, values)])
    async with conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        expected = await (await cursor.execute(statement, values)).fetchall()

    assert rows == expected
    assert rows[0]["text_"] == values["text"]


async def test_statements_of_an_exchange_are_one_transaction(conn: Connection) -> None:
    found = await exchange(conn, [Ask("SELECT now() AS at"), Ask("SELECT now() AS at")])
    later = await exchange(conn, [Ask("SELECT now() AS at")])

    assert found[0] == found[1]
    assert later[0] != found[0]


async def test_where_one_fails_none_happened_and_the_connection_goes_on(conn: Connection) -> None:
    await exchange(conn, [Ask("CREATE TEMP TABLE seen (n int)")])
    one = Ask("INSERT INTO seen VALUES (%(n)s)", {"n": 1})
    with pytest.raises(psycopg.errors.DivisionByZero):
        await exchange(conn, [one, Ask("SELECT 1 / %(n)s::int AS x", {"n": 0}), one])

    assert await exchange(conn, [Ask("SELECT n FROM seen")]) == [[]]
    assert await exchange(conn, [one, Ask("SELECT n FROM seen")]) == [[], [{"n": 1}]]


async def test_a_value_that_postgres_cannot_have_leaves_the_connection_as_it_was(
    conn: Connection,
) -> None:
    with pytest.raises(psycopg.DataError):
        await exchange(conn, [Ask("SELECT %(text)s::text AS text", {"text": "a\x00b"})])

    assert await exchange(conn, [Ask("SELECT 1 AS one")]) == [[{"one": 1}]]


async def test_a_view_that_shows_other_columns_meanwhile_is_prepared_anew(
    conn: Connection, dsn: str
) -> None:
    """As when a rebuilt read model becomes the active one."""
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("CREATE VIEW app.shown AS SELECT 1 AS a")
        owner.execute("GRANT SELECT ON app.shown TO pm_api")
        before = await exchange(conn, [Ask("SELECT * FROM app.shown")])
        owner.execute("CREATE OR REPLACE VIEW app.shown AS SELECT 1 AS a, 2 AS b")
        after = await exchange(conn, [Ask("SELECT * FROM app.shown")])

    assert (before, after) == ([[{"a": 1}]], [[{"a": 1, "b": 2}]])


async def test_who_is_cancelled_leaves_nobody_its_answer(conn: Connection, dsn: str) -> None:
    asking = asyncio.create_task(exchange(conn, [Ask("SELECT pg_sleep(60)")]))
    await asyncio.sleep(0)  # it begins, and waits for its answer
    pid = conn.info.backend_pid
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    assert conn.closed
    async with await postgres.connect(dsn, "pm_api") as other:
        while (await exchange(other, [Ask(RUNNING, {"pid": pid})]))[0]:
            pass  # Postgres looks once a second whether its client is still there


async def test_a_connection_that_is_lost_says_so(conn: Connection, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            await exchange(conn, [Ask("SELECT pg_sleep(60)")])

    assert conn.closed


async def test_a_connection_keeps_a_bounded_number_of_statements(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanges, "PREPARED_MAX", 3)
    for number in range(9):
        asked = Ask(sql.SQL("SELECT {} AS n").format(sql.Literal(number)))
        assert await exchange(conn, [asked, asked]) == [[{"n": number}]] * 2

    kept = Ask("SELECT count(*) AS n FROM pg_prepared_statements WHERE name LIKE '\\_ask%%'")
    assert await exchange(conn, [kept]) == [[{"n": 3}]]


# ---- bound to a tenant


async def test_i11_a_tenant_is_bound_for_its_exchange_alone(conn: Connection) -> None:
    bound = Bound(conn, "ten_a")
    (within,) = await bound.rows("SELECT app.tenant() AS tenant")
    ((after,),) = await exchange(conn, [Ask("SELECT app.tenant() AS tenant")])
    with pytest.raises(psycopg.errors.DivisionByZero):
        await bound.rows("SELECT 1 / %(n)s::int", n=0)
    ((failed,),) = await exchange(conn, [Ask("SELECT app.tenant() AS tenant")])

    assert within == {"tenant": "ten_a"}
    assert after == failed == {"tenant": None}


async def test_i11_who_asks_as_nobody_is_nobody_whatever_was_left_behind(conn: Connection) -> None:
    """A setting that outlived its transaction would not be seen either."""
    await conn.execute("SELECT set_config('app.tenant_id', 'ten_b', false)")

    assert await Bound(conn, "").rows("SELECT app.tenant() AS tenant") == [{"tenant": None}]


async def test_questions_asked_together_leave_together(conn: Connection) -> None:
    """Also where one asks on: each step is one transaction."""
    bound = Bound(conn, "ten_a")

    async def one() -> Any:
        (row,) = await bound.rows("SELECT now() AS at")
        return row["at"]

    async def two() -> list[Any]:
        first, second = await bound.together(one(), one())
        return [first, second, await one()]

    alone, (first, second, later) = await bound.together(one(), two())

    assert alone == first == second
    assert later > first


async def test_a_question_that_refuses_ends_those_beside_it(conn: Connection) -> None:
    bound, ended = Bound(conn, "ten_a"), []

    async def refuses() -> None:
        await bound.rows("SELECT 1 AS one")
        raise LookupError

    async def goes_on() -> None:
        try:
            await bound.rows("SELECT 1 AS one")
            await bound.rows("SELECT 1 AS one")
        finally:
            ended.append(True)

    with pytest.raises(LookupError):
        await bound.together(goes_on(), refuses())

    assert ended == [True]
    assert await bound.rows("SELECT 1 AS one") == [{"one": 1}]
