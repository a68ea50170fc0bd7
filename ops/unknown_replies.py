"""Reads what the dispatcher kept of replies that no rule knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from adapters.postgres import named_sql
from domain.replies.ruleset import VERSION

__all__ = ["VERSION", "asked", "told"]

SQL = named_sql(Path(__file__).with_suffix(".sql"))


def asked(dsn: str, limit: int) -> list[dict[str, Any]]:
    """The most frequent ones. Role: the database's owner."""
    with psycopg.connect(dsn, row_factory=dict_row) as conn:
        return conn.execute(SQL["most_frequent"], {"limit": limit}).fetchall()


def told(found: list[dict[str, Any]]) -> Iterator[str]:
    """Lines for people."""
    if not found:
        yield "no reply that no rule knows"
    for one in found:
        where = f"{one['provider']} {one['phase']} {one['code']} {one['enhanced']}".strip()
        yield f"{one['seen']:>7} {where:<28} {one['class']:<18} {one['example']}"
