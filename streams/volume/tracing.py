"""Finds where the send of a signal left from: its IP, provider and campaign, by the send ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool

from adapters.postgres import named_sql, tenant_tx

SQL = named_sql(Path(__file__).with_name("tracing.sql"))

Left = tuple[str, str, str]  # IP, provider, campaign


class Tracer(Protocol):
    """Where sends left from."""

    async def left_from(self, tenant_id: str, send_ids: Sequence[str]) -> Mapping[str, Left]:
        """Send → IP, provider, campaign; of those that are known to have been attempted."""
        ...


class LedgerTracer:
    """The Tracer. `pool`: role pm_api (read models of one tenant)."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self._pool = pool

    async def left_from(self, tenant_id: str, send_ids: Sequence[str]) -> Mapping[str, Left]:
        """See Tracer. Without a ledger nothing is known yet."""
        try:
            async with self._pool.connection(timeout=5) as conn, tenant_tx(conn, tenant_id):
                cursor = await conn.execute(SQL["left_from"], {"send_ids": list(send_ids)})
                return {row[0]: tuple(row[1:]) for row in await cursor.fetchall()}
        except errors.UndefinedTable:
            return {}
