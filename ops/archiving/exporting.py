"""Writes a tenant's archive: rows and decisions of one moment, and the records folded by then.

The checksums are those of the same moment. They are exact when every read model stood, for this
tenant, where the archive ends; else it is tried again, and told.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import Connection, IsolationLevel

from adapters import postgres
from adapters.archive import facts, passphrase, rows
from adapters.archive.container import Lines, Tell, Writer
from adapters.archive.facts import Place
from adapters.postgres import set_tenant
from ops.errors import Missing
from ops.where import Where
from projections import portable

PATIENCE_S = 20.0  # for read models to reach what was decided
POLL_S = 0.1
FACTS = "facts.ndjson"

Standing = Mapping[str, Mapping[Place, tuple[int, int]]]


@dataclass(frozen=True)
class Exported:
    """What an export came to. `exact`: the checksums are of exactly what the archive holds."""

    path: Path
    manifest: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        names = ("tenant_id", "exact", "secrets", "left_out", "members")
        return {"path": str(self.path)} | {name: self.manifest[name] for name in names}


def silent(member: str, rows: int) -> None:
    """Tell nobody how far it is."""


def export(
    where: Where, tenant_id: str, out: Path, phrase: str = "", tell: Tell = silent
) -> Exported:
    """Write the archive; `out` may be a folder. Raises Missing for a tenant that is not there.

    With a passphrase sealed secrets travel under it; without one they stay, and are listed.
    """
    path = out / f"{tenant_id}.zip" if out.is_dir() else out
    with _snapshot(where, tenant_id) as (conn, caught_up), Writer(path, tell) as writer:
        manifest = _manifest(conn, where, tenant_id)
        manifest["secrets"] = _write_rows(conn, where, tenant_id, writer, phrase)
        standing = portable.standing(conn)
        with writer.member(FACTS) as lines:
            late = asyncio.run(_write_facts(where, tenant_id, standing, lines))
        manifest["exact"] = caught_up and not late
        writer.finish(manifest)
        return Exported(path, manifest | {"members": writer.members})


@contextmanager
def _snapshot(where: Where, tenant_id: str) -> Iterator[tuple[Connection[Any], bool]]:
    """One moment of the database; whether its read models knew all that was decided by then."""
    until = time.monotonic() + PATIENCE_S
    told = asyncio.run(_told(where))  # by then, once: an archive lacks nothing that was told before
    while True:
        known = _decided(where, tenant_id)
        with _seeing(where, tenant_id, IsolationLevel.REPEATABLE_READ) as conn:
            caught_up = known.complete and known.last == _last(conn, tenant_id)
            caught_up = caught_up and not portable.behind(conn, told | known.ends)
            if caught_up or time.monotonic() >= until:
                yield conn, caught_up
                return
        time.sleep(POLL_S)


@contextmanager
def _seeing(
    where: Where, tenant_id: str, level: IsolationLevel = IsolationLevel.READ_COMMITTED
) -> Iterator[Connection[Any]]:
    """A transaction that sees this tenant alone (I11): under the API's role, as RLS binds it."""
    with postgres.connect_sync(where.dsn, "pm_api", connect_timeout=5) as conn:
        conn.isolation_level = level
        with conn.transaction():
            set_tenant(conn, tenant_id)
            yield conn


@dataclass(frozen=True)
class Decided:
    """The tenant's last decision; whether Kafka has it; where Kafka's partition of them ended."""

    last: int
    complete: bool
    ends: dict[Place, int]


async def _told(where: Where) -> dict[Place, int]:
    async with facts.reading(where.bootstrap) as consumer:
        return await facts.ends(consumer, where.prefix)


def _decided(where: Where, tenant_id: str) -> Decided:
    with _seeing(where, tenant_id) as conn:
        row = conn.execute(rows.SQL["relayed"], {"tenant_id": tenant_id}).fetchone()
    complete, last = row or (False, 0)
    if last == 0:
        raise Missing(f"there is no tenant {tenant_id}: `penguin tenants list`")
    ends = asyncio.run(facts.decided_end(where.bootstrap, where.prefix, tenant_id))
    return Decided(last, complete, ends)


def _last(conn: Connection[Any], tenant_id: str) -> int:
    row = conn.execute(rows.SQL["last_decision"], {"tenant_id": tenant_id}).fetchone()
    return int(row[0]) if row else 0


def _manifest(conn: Connection[Any], where: Where, tenant_id: str) -> dict[str, Any]:
    migrations = [name for (name,) in conn.execute(rows.SQL["migrations"]).fetchall()]
    return {
        "tenant_id": tenant_id,
        "exported_at": datetime.now(UTC).isoformat(),
        "last_decision": _last(conn, tenant_id),
        "migrations": migrations,
        "id_key": key_print(where.id_key),
        "sums": portable.sums(conn, tenant_id),
        "left_out": rows.LEFT_OUT,
    }


def key_print(id_key: str) -> str:
    """Tells whether two installations derive ids alike, without telling the key."""
    return hashlib.blake2b(id_key.encode(), digest_size=8, person=b"pm-archive").hexdigest()


def _write_rows(
    conn: Connection[Any], where: Where, tenant_id: str, writer: Writer, phrase: str
) -> dict[str, Any]:
    """Decisions, reservations and the vault; what was done with secrets."""
    with writer.member("decisions.ndjson") as lines:
        rows.decisions(conn, tenant_id, lines)
    with writer.member("reservations.ndjson") as lines:
        rows.reservations(conn, tenant_id, lines)
    salt = passphrase.salt()
    rewrap = passphrase.outward(where.seals, phrase, salt) if phrase else None
    secrets = rows.Secrets(rewrap, {})
    for table in rows.tables(conn):
        with writer.member(table.member) as lines:
            for row in rows.vault_rows(conn, table, tenant_id):
                kept = secrets.treated(table, row)
                if kept is not None:
                    lines.add(kept)
    return {
        "under_passphrase": bool(phrase),
        "salt": salt if phrase else "",
        "enter_anew": secrets.left_out,
    }


async def _write_facts(where: Where, tenant_id: str, standing: Standing, lines: Lines) -> int:
    """Records that any read model has folded; how many not all of them had."""
    until = dict.fromkeys(facts.partitions(), 0)
    least: dict[Place, int] = {}
    for places in standing.values():
        for place, (following, _) in places.items():
            if place in until:
                until[place] = max(until[place], following)
                least[place] = min(least.get(place, following), following)
    late = 0
    async with facts.reading(where.bootstrap) as consumer:
        records = facts.of_tenant(consumer, where.prefix, tenant_id, until)
        async for place, record in records:
            late += record.offset >= least[place]
            lines.add(facts.as_row(place, record))
    return late


def tenant_named(conn: Connection[Any], named: str) -> str:
    """The tenant of an id or a name. Raises Missing."""
    if re.fullmatch(r"ten_[a-z2-7]{26}", named):
        return named
    set_tenant(conn, "platform")
    found = conn.execute("SELECT tenant_id FROM app.all_tenants(%s, '', 2)", (named,)).fetchall()
    if len(found) != 1:
        several = "several tenants are" if found else "no tenant is"
        raise Missing(f"{several} called {named!r}: `penguin tenants list` tells the ids")
    return str(found[0][0])
