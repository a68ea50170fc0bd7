"""The door to schema auth: one function call a question, each in a transaction of no tenant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from adapters.postgres import named_sql
from domain.ports import StoreUnavailable

Connect = Callable[[], AbstractContextManager[Connection[Any]]]
SQL = named_sql(Path(__file__).with_name("accounts.sql"))


@dataclass(frozen=True)
class Rows:
    """Blocking: for threads. `connect` gives a connection under role pm_api."""

    connect: Connect

    def all(self, question: str, **values: Any) -> list[dict[str, Any]]:
        """The rows of a query of accounts.sql. Raises StoreUnavailable while Postgres is away."""
        try:
            with self.connect() as conn, conn.cursor(row_factory=dict_row) as cursor:
                cursor.execute(SQL[question], values)
                return cursor.fetchall()
        except (PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise StoreUnavailable(f"accounts cannot be asked: {error}") from error

    def found(self, question: str, **values: Any) -> Any:
        """What a query says in its column `found`."""
        return self.all(question, **values)[0]["found"]
