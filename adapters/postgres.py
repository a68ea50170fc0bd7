"""Doors to Postgres: connections under a role, the tenant of a transaction, migrations, named SQL.

No service works as the owner: a door takes one of the pm_ roles, which RLS binds.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, LiteralString, cast
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, ConnectionPool

ROLES = frozenset({"pm_api", "pm_worker", "pm_projector", "pm_release", "pm_dispatcher"})
MIGRATIONS = Path(__file__).parent / "migrations"
#: What folds write can be read from the log again, rows and cursor together: no wait for the disk.
#: And a question whose asker went away ends within a second.
_SETTINGS = {
    "pm_projector": " -c synchronous_commit=off",
    "pm_api": " -c client_connection_check_interval=1s",
}
SERVER_VERSION_MIN = 180000  # RETURNING old, and the RLS fixes of reference CVE-2025-8713
MIGRATION_LOCK = 7700000
CHECK_AFTER_S = 1.0  # without use
_looked_at: WeakKeyDictionary[AsyncConnection[TupleRow], float] = WeakKeyDictionary()
ANSWER_MAX_S = 2.0  # a caller waits so long for a connection


#: The tenant of a transaction is a setting of it, which `app.tenant()` reads.
BIND, BIND_SESSION = "SELECT set_config(%s, %s, true)", "SELECT set_config(%s, %s, false)"
UNBIND = "SELECT set_config(%s, '', false)"
SETTING = re.compile(r"[a-z_]+\.[a-z_]+")


@dataclass
class _Binding:
    setting: str = "app.tenant_id"


_binding = _Binding()


def bind_by(setting: str) -> None:
    """Name tenants by this setting of Postgres, in all of this process: `nile.tenant_id` on Nile.

    Called once, where settings are read. Raises ValueError for what is no setting's name.
    """
    if not SETTING.fullmatch(setting):
        raise ValueError(f"{setting!r} is no name of a setting; write it as app.tenant_id")
    _binding.setting = setting


def bound_by() -> str:
    """The setting by which tenants are named."""
    return _binding.setting


class Unusable(Exception):  # noqa: N818 - says what is missing and the cure
    """The database cannot serve this product as it is."""


def role_options(role: str) -> str:
    """Connection options that make every statement run as `role`."""
    if role not in ROLES:
        raise ValueError(f"{role} is no role of this product")
    return f"-c role={role}{_SETTINGS.get(role, '')}"


async def connect(dsn: str, role: str, **options: Any) -> AsyncConnection[TupleRow]:
    """One connection under a role, autocommit; use `conn.transaction()` for a transaction."""
    return await AsyncConnection.connect(
        dsn, options=role_options(role), autocommit=True, application_name=role, **options
    )


def connect_sync(dsn: str, role: str, **options: Any) -> Connection[TupleRow]:
    """As `connect`, for threads and commands."""
    return psycopg.connect(
        dsn, options=role_options(role), autocommit=True, application_name=role, **options
    )


def pool(
    dsn: str, role: str, *, size_max: int = 8, bound_each_time: bool = False
) -> AsyncConnectionPool[AsyncConnection[TupleRow]]:
    """A pool under a role, not yet open. A returned connection keeps nothing of its user.

    `bound_each_time`: every transaction on it says which tenant it is of, or that it is of none, so
    that there is nothing to undo; this spares a round trip.
    """

    async def reset(conn: AsyncConnection[TupleRow]) -> None:
        await conn.execute(UNBIND, (_binding.setting,))

    return AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=size_max,
        open=False,
        reset=None if bound_each_time else reset,
        check=_check,
        kwargs={"options": role_options(role), "autocommit": True, "application_name": role},
    )


async def _check(conn: AsyncConnection[TupleRow]) -> None:
    """Whether the server still answers, for a connection that nobody used for a while."""
    now = time.monotonic()
    if now - _looked_at.get(conn, 0.0) > CHECK_AFTER_S:
        await AsyncConnectionPool.check_connection(conn)
    _looked_at[conn] = now


def blocking_pool(
    dsn: str, role: str, *, size_max: int = 8
) -> ConnectionPool[Connection[TupleRow]]:
    """As `pool`, for threads; opened, and waiting for nobody."""

    def reset(conn: Connection[TupleRow]) -> None:
        conn.execute(UNBIND, (_binding.setting,))

    return ConnectionPool(
        dsn,
        min_size=1,
        max_size=size_max,
        timeout=ANSWER_MAX_S,
        open=True,
        reset=reset,
        check=ConnectionPool.check_connection,
        kwargs={"options": role_options(role), "autocommit": True, "application_name": role},
    )


@asynccontextmanager
async def tenant_tx(
    conn: AsyncConnection[TupleRow], tenant_id: str
) -> AsyncIterator[AsyncConnection[TupleRow]]:
    """A transaction that sees one tenant's rows (I11). The only way to tenant tables."""
    async with conn.transaction():
        await conn.execute(BIND, (_binding.setting, tenant_id))
        yield conn


def set_tenant(conn: Connection[TupleRow], tenant_id: str) -> None:
    """Bind the running transaction of a plain connection to a tenant; call it inside one."""
    conn.execute(BIND, (_binding.setting, tenant_id))


@cache
def named_sql(path: Path) -> Mapping[str, LiteralString]:
    """The queries of a file, each under a line `-- name: what`; comments say what it promises."""
    parts = re.split(r"^-- name: (\w+)\s*$", path.read_text(), flags=re.MULTILINE)
    return {
        name: cast("LiteralString", body.strip())
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def migrate(dsn: str, folders: tuple[Path, ...] = (MIGRATIONS,)) -> list[str]:
    """Apply what is missing of the numbered SQL files; returns the names applied.

    Safe to repeat and to run at once from several processes. Raises Unusable for a server that is
    too old, or when an applied file was edited afterwards.
    """
    with psycopg.connect(dsn, autocommit=True) as conn:
        if conn.info.server_version < SERVER_VERSION_MIN:
            raise Unusable(
                f"PostgreSQL {conn.info.server_version} is too old: version 18 or newer is needed"
            )
        with conn.transaction():
            conn.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
            return _apply_missing(conn, folders)


def _apply_missing(conn: Connection[TupleRow], folders: tuple[Path, ...]) -> list[str]:
    conn.execute("CREATE TABLE IF NOT EXISTS public.migration (name text PRIMARY KEY, hash text)")
    known: dict[str, str] = dict(conn.execute("SELECT name, hash FROM public.migration").fetchall())
    applied = []
    for path in sorted(
        (path for folder in folders for path in folder.glob("*.sql")), key=lambda p: p.name
    ):
        body = path.read_text()
        digest = hashlib.sha256(body.encode()).hexdigest()
        if path.name not in known:
            conn.execute(body)
            conn.execute("INSERT INTO public.migration VALUES (%s, %s)", (path.name, digest))
            applied.append(path.name)
        elif known[path.name] != digest:
            raise Unusable(f"migration {path.name} was edited after it was applied here")
    return applied
