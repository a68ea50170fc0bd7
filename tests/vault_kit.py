"""A test's own look into its database, as the owner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

import psycopg


def rows(dsn: str, query: LiteralString, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """What a query finds, whatever the tenant."""
    with psycopg.connect(dsn) as conn:
        return conn.execute(query, values or None).fetchall()


def change(dsn: str, *statements: LiteralString) -> None:
    """Do these, in one transaction."""
    with psycopg.connect(dsn) as conn:
        for statement in statements:
            conn.execute(statement)


def insert(dsn: str, statement: LiteralString, several: Iterable[Sequence[Any]]) -> None:
    """One statement for several rows of values."""
    with psycopg.connect(dsn) as conn:
        conn.cursor().executemany(statement, list(several))
