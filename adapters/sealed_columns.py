"""Every sealed secret of a database: under which key it is, and its change to the newest one.

Columns are found by looking: a `bytea` that begins as sealed values do. So a column that somebody
adds later is rotated too. Works as the database's owner, tenant by tenant where rows have one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from adapters.postgres import BIND_SESSION, UNBIND, bound_by, named_sql
from adapters.sealing import MAGIC, Seals

SQL = named_sql(Path(__file__).with_suffix(".sql"))
BATCH = 500  # values a transaction

Tell = Callable[[int], None]


@dataclass(frozen=True)
class Column:
    """A column that could hold sealed values."""

    schema: str
    table: str
    name: str
    of_tenants: bool

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}.{self.name}"

    def names(self) -> dict[str, sql.Composable]:
        """What its statements are composed with."""
        mine = sql.SQL("tenant_id = app.tenant()") if self.of_tenants else sql.SQL("true")
        table = sql.Identifier(self.schema, self.table)
        return {"table": table, "column": sql.Identifier(self.name), "mine": mine}


@dataclass(frozen=True)
class Standing:
    """Of one column: how many values are sealed under which key."""

    column: str
    keys: dict[str, int]


def columns(conn: Connection[TupleRow]) -> list[Column]:
    """Every bytea column outside the log's and the pipeline's schemas."""
    return [Column(*row) for row in conn.execute(SQL["columns"]).fetchall()]


def standing(dsn: str) -> list[Standing]:
    """Columns that hold sealed values, by key id."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        found = [Standing(str(column), _counts(conn, column)) for column in columns(conn)]
    return [one for one in found if one.keys]


def _counts(conn: Connection[TupleRow], column: Column) -> dict[str, int]:
    query = sql.SQL(
        "SELECT convert_from(substring({column} from {at} for get_byte({column}, {length})),"
        " 'SQL_ASCII'), count(*) FROM {table}"
        " WHERE {mine} AND substring({column} from 1 for {length}) = {magic} GROUP BY 1"
    ).format(
        **column.names(),
        at=sql.Literal(len(MAGIC) + 2),
        length=sql.Literal(len(MAGIC)),
        magic=sql.Literal(MAGIC),
    )
    counted: Counter[str] = Counter()
    for _ in _scopes(conn, column):
        counted.update(dict(conn.execute(query).fetchall()))
    return dict(sorted(counted.items()))


def rotate(dsn: str, seals: Seals, tell: Tell = lambda _: None) -> dict[str, int]:
    """Put every sealed value under the newest key; how many were changed, by column.

    Safe to break off and to repeat: each batch is a transaction, and what is under the newest key
    is not touched. Raises Unopened for a value whose key is missing; what was changed stays.
    """
    done: Counter[str] = Counter()
    with psycopg.connect(dsn, autocommit=True) as conn:
        for column in columns(conn):
            for _ in _scopes(conn, column):
                while changed := _batch(conn, column, seals):
                    done[str(column)] += changed
                    tell(done.total())
    return dict(done)


def _batch(conn: Connection[TupleRow], column: Column, seals: Seals) -> int:
    """Re-wrap some values that are not under the newest key; how many."""
    newest = seals.keys().newest.encode()
    head = MAGIC + bytes([len(newest)]) + newest
    look = sql.SQL(
        "SELECT ctid, {column} FROM {table} WHERE {mine}"
        " AND substring({column} from 1 for {length}) = {magic}"
        " AND substring({column} from 1 for {long}) <> {head} LIMIT {batch} FOR UPDATE"
    ).format(
        **column.names(),
        length=sql.Literal(len(MAGIC)),
        magic=sql.Literal(MAGIC),
        long=sql.Literal(len(head)),
        head=sql.Literal(head),
        batch=sql.Literal(BATCH),
    )
    change = sql.SQL("UPDATE {table} SET {column} = %s WHERE ctid = %s").format(**column.names())
    with conn.transaction():
        found: list[tuple[Any, bytes]] = conn.execute(look).fetchall()
        for place, sealed in found:
            conn.execute(change, (seals.rewrapped(bytes(sealed)), place))
    return len(found)


def _scopes(conn: Connection[TupleRow], column: Column) -> Iterator[None]:
    """Once for the whole table, or once bound to each tenant: RLS binds an owner too."""
    if not column.of_tenants:
        yield
        return
    try:
        for (tenant_id,) in conn.execute(SQL["tenants"]).fetchall():
            conn.execute(BIND_SESSION, (bound_by(), tenant_id))
            yield
    finally:
        conn.execute(UNBIND, (bound_by(),))
