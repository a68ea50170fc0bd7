"""The only door to read models: transactions bound to one tenant, answered soon or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Coroutine,
    Generator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.sql import Composed
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from adapters.exchange import Ask, Row, exchange
from adapters.postgres import bound_by, named_sql
from projections.fold import Connection

ANSWER_MAX_S = 2.0
ANSWER_LEAST_S = 0.5
#: Seconds that the caller had to wait before anything was asked: they count as time for its answer.
WAITED: ContextVar[float] = ContextVar("waited", default=0.0)
SQL = named_sql(Path(__file__).parent / "reads.sql")


class Away(Exception):  # noqa: N818 - a state of the outside
    """Postgres did not answer in time; asking again is safe."""


#: As adapters.postgres.BIND: in force until the end of its transaction, which is the exchange.
BIND: LiteralString = "SELECT set_config(%(setting)s, %(tenant_id)s, true)"
Query = LiteralString | Composed


Asked = tuple[Query, Mapping[str, Any]]


@dataclass
class Bound:
    """A connection whose every transaction sees one tenant's rows (I11); each query takes one."""

    conn: Connection
    tenant_id: str
    stepping: bool = False

    async def rows(self, query: Query, **values: Any) -> list[Row]:
        """Rows by column name. The tenant is always a parameter: RLS is the second lock."""
        (found,) = await self.several((query, values))
        return found

    def several(self, *asked: Asked) -> Awaitable[list[list[Row]]]:
        """The rows of several statements at the price of one: they leave and return together."""
        return _Wanted(self, asked)

    async def together(self, *questions: Coroutine[Any, Any, Any]) -> list[Any]:
        """What each answers; what they ask first leaves together, what they ask next as well.

        They are coroutines over this Bound that wait for its rows and for nothing else.
        """
        try:
            told: dict[int, Any] = {}
            wanted = self._stepped(dict.fromkeys(range(len(questions))), questions, told)
            while wanted:
                found = iter(await self.several(*chain(*wanted.values())))
                heard = {number: list(islice(found, len(one))) for number, one in wanted.items()}
                wanted = self._stepped(heard, questions, told)
        finally:
            for question in questions:
                question.close()
        return [told[number] for number in range(len(questions))]

    def _stepped(
        self,
        heard: Mapping[int, Any],
        questions: Sequence[Coroutine[Any, Any, Any]],
        told: dict[int, Any],
    ) -> dict[int, tuple[Asked, ...]]:
        """What each of these asks next, now that it heard its rows; or what it told at its end."""
        wanted = {}
        before, self.stepping = self.stepping, True
        try:
            for number, rows in heard.items():
                try:
                    wanted[number] = questions[number].send(rows).asked
                except StopIteration as end:
                    told[number] = end.value
        finally:
            self.stepping = before
        return wanted

    async def ask(self, asked: Sequence[Asked]) -> list[list[Row]]:
        """One exchange with Postgres."""
        own = {"tenant_id": self.tenant_id}
        asks = [Ask(query, {**values, **own}) for query, values in asked]
        return (await exchange(self.conn, [Ask(BIND, own | {"setting": bound_by()}), *asks]))[1:]


@dataclass
class _Wanted:
    """Rows that somebody waits for: asked for at once, or by `together` along with others."""

    bound: Bound
    asked: tuple[Asked, ...]

    def __await__(self) -> Generator[Any, Any, list[list[Row]]]:
        if self.bound.stepping:
            heard: list[list[Row]] = yield self
            return heard
        return (yield from self.bound.ask(self.asked).__await__())


class Reads:
    """Hands out bound transactions of a pool under role pm_api."""

    def __init__(
        self, pool: AsyncConnectionPool[Connection], *, answer_max_s: float = ANSWER_MAX_S
    ) -> None:
        self._pool = pool
        self._answer_max_s = answer_max_s

    @asynccontextmanager
    async def of(self, tenant_id: str) -> AsyncIterator[Bound]:
        """What is asked within sees one tenant; each exchange is a transaction of its own.

        Raises Away after the time for an answer.
        """
        async with self._connection() as conn:
            yield Bound(conn, tenant_id)

    @asynccontextmanager
    async def of_nobody(self) -> AsyncIterator[Bound]:
        """Sees no tenant's rows, only what is pending in sum and how far readers are."""
        async with self._connection() as conn:
            yield Bound(conn, "")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        within_s = max(ANSWER_LEAST_S, self._answer_max_s - WAITED.get())
        within_s = min(within_s, self._answer_max_s)
        try:
            async with asyncio.timeout(within_s), self._pool.connection(timeout=within_s) as conn:
                yield conn
        except (PoolTimeout, TimeoutError) as error:
            raise Away(f"no answer within {self._answer_max_s} s") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise Away(str(error)) from error


async def freshness(bound: Bound, model: str) -> dict[str, Any] | None:
    """As of when a read model shows the log: caught_up_at, age_s, lag_records; None: not yet."""
    found = await bound.rows(SQL["freshness"], model=model)
    return found[0] if found else None
