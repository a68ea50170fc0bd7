"""The only door to read models: a transaction bound to one tenant, answered soon or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from adapters.postgres import named_sql, tenant_tx
from projections.fold import Connection

ANSWER_MAX_S = 2.0
SQL = named_sql(Path(__file__).parent / "reads.sql")


class Away(Exception):  # noqa: N818 - a state of the outside
    """Postgres did not answer in time; asking again is safe."""


@dataclass(frozen=True)
class Bound:
    """A running transaction that sees one tenant's rows (I11); every query takes one."""

    conn: Connection
    tenant_id: str

    async def rows(self, query: LiteralString, **values: Any) -> list[dict[str, Any]]:
        """Rows by column name. The tenant is always a parameter: RLS is the second lock."""
        async with self.conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, values | {"tenant_id": self.tenant_id})
            return await cursor.fetchall()


class Reads:
    """Hands out bound transactions of a pool under role pm_api."""

    def __init__(
        self, pool: AsyncConnectionPool[Connection], *, answer_max_s: float = ANSWER_MAX_S
    ) -> None:
        self._pool = pool
        self._answer_max_s = answer_max_s

    @asynccontextmanager
    async def of(self, tenant_id: str) -> AsyncIterator[Bound]:
        """What happens within sees one tenant. Raises Away after the time for an answer."""
        async with self._connection() as conn, tenant_tx(conn, tenant_id):
            yield Bound(conn, tenant_id)

    @asynccontextmanager
    async def of_nobody(self) -> AsyncIterator[Bound]:
        """Sees no tenant's rows, only what is pending in sum and how far readers are.

        Each statement is a transaction of its own, which spares its beginning and end.
        """
        async with self._connection() as conn:
            yield Bound(conn, "")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            async with (
                asyncio.timeout(self._answer_max_s),
                self._pool.connection(timeout=self._answer_max_s) as conn,
            ):
                yield conn
        except (PoolTimeout, TimeoutError) as error:
            raise Away(f"no answer within {self._answer_max_s} s") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise Away(str(error)) from error


async def freshness(bound: Bound, model: str) -> dict[str, Any] | None:
    """As of when a read model shows the log: caught_up_at, age_s, lag_records; None: not yet."""
    found = await bound.rows(SQL["freshness"], model=model)
    return found[0] if found else None
