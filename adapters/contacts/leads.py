"""Statements about leads whose filter or order the asker chooses; values are parameters, always."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

from psycopg.sql import SQL, Composable, Composed, Placeholder

from adapters.contacts.filters import SUPPRESSED, Where
from adapters.postgres import named_sql

QUERIES = named_sql(Path(__file__).with_name("leads.sql"))
#: Erased contacts, and whom only the platform's own mail went to, have no key.
_BOUND = "c.tenant_id = %(tenant_id)s AND c.address_key IS NOT NULL"


@dataclass(frozen=True)
class Order:
    """An order of leads: its columns in SQL, and how what comes after a lead is told."""

    by: LiteralString
    after: LiteralString
    keys: tuple[str, ...]  # of a row, that a cursor holds


_NEWEST: LiteralString = "(c.created_at, c.contact_id) < (%(after_0)s::timestamptz, %(after_1)s)"
_OLDEST: LiteralString = "(c.created_at, c.contact_id) > (%(after_0)s::timestamptz, %(after_1)s)"
#: By the word that a caller uses; each is served by an index that begins with the tenant.
ORDERS = {
    "-created": Order("c.created_at DESC, c.contact_id DESC", _NEWEST, ("created_at", "lead_id")),
    "created": Order("c.created_at, c.contact_id", _OLDEST, ("created_at", "lead_id")),
    "address": Order("c.address_key", "c.address_key > lower(%(after_0)s)", ("address",)),
    "-address": Order("c.address_key DESC", "c.address_key < lower(%(after_0)s)", ("address",)),
}


@dataclass(frozen=True)
class Statement:
    """SQL, and the values of its parameters."""

    sql: Composed
    values: dict[str, Any] = field(default_factory=dict)


def page(where: Where, *, sort: str, after: list[Any], limit: int) -> Statement:
    """Leads that meet a condition, in an order, after a position; with tags, lists, suppression."""
    order = ORDERS[sort]
    shown = SQL(QUERIES["shown"]).format(suppressed=_suppressed())
    tail = SQL(order.after) if after else SQL("true")
    statement = SQL("{} WHERE {} AND {} AND {} ORDER BY {} LIMIT %(limit)s").format(
        shown, SQL(_BOUND), where.sql, tail, SQL(order.by)
    )
    position = {f"after_{n}": value for n, value in enumerate(after)}
    return Statement(statement, where.values | position | {"limit": limit})


def one(where: Where, lead_id: str) -> Statement:
    """A lead by its id, if it meets the condition."""
    shown = SQL(QUERIES["shown"]).format(suppressed=_suppressed())
    statement = SQL("{} WHERE {} AND c.contact_id = %(lead_id)s AND {}").format(
        shown, SQL(_BOUND), where.sql
    )
    return Statement(statement, where.values | {"lead_id": lead_id})


def count(where: Where, at_most: int) -> Statement:
    """How many meet a condition; counting ends at a bound. Column `leads`."""
    inner = SQL("SELECT FROM vault.contact c WHERE {} AND {} LIMIT %(at_most)s").format(
        SQL(_BOUND), where.sql
    )
    statement = SQL("SELECT count(*) AS leads FROM ({}) AS found").format(inner)
    return Statement(statement, where.values | {"at_most": at_most})


def into_list(where: Where, list_id: str) -> Statement:
    """Make all who meet a condition members of a list."""
    statement = SQL(
        "INSERT INTO vault.list_member (tenant_id, list_id, contact_id, import_id)"
        " SELECT c.tenant_id, %(list_id)s, c.contact_id, '' FROM vault.contact c"
        " WHERE {} AND {} ON CONFLICT DO NOTHING"
    ).format(SQL(_BOUND), where.sql)
    return Statement(statement, where.values | {"list_id": list_id})


def _suppressed() -> Composable:
    return SQL(SUPPRESSED).format(hash_key=Placeholder("hash_key"))
