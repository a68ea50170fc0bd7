"""Migrations of several databases of one server at once: roles are the server's."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql

from adapters import postgres

pytestmark = pytest.mark.stack


@pytest.fixture
def databases(server: dict[str, str]) -> list[str]:
    """Four empty databases, gone afterwards with the server."""
    names = [f"pm_migrate_{uuid.uuid4().hex[:10]}" for _ in range(4)]
    with psycopg.connect(server["dsn"], autocommit=True) as conn:
        for name in names:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return [psycopg.conninfo.make_conninfo(server["dsn"], dbname=name) for name in names]


def test_databases_of_one_server_are_migrated_side_by_side(databases: list[str]) -> None:
    """Whoever makes the roles first, everybody ends with a whole schema; again changes nothing."""
    with ThreadPoolExecutor(len(databases)) as pool:
        first = list(pool.map(postgres.migrate, databases))
        again = list(pool.map(postgres.migrate, databases))

    assert all(len(applied) >= 3 for applied in first)
    assert again == [[]] * len(databases)
