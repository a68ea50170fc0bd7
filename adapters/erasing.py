"""One person leaves the vault: address, fields, memberships, and what files said of them.

All in one transaction, with a note that the log is still to be told; who notes and dies is finished
by streams/deleting.py. What stays is the contact's id, the time, and its suppression by hash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from adapters.contacts.spool import Spool
from adapters.postgres import named_sql, set_tenant

WITHOUT_FILE = "a person in its file was erased; upload it again without that row"
SQL = named_sql(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Wish:
    """Whom to erase, for whom and when."""

    tenant_id: str
    contact_id: str
    actor: str
    now: datetime

    def values(self) -> dict[str, Any]:
        return vars(self)


def drop_uploads(conn: Connection[Any], wish: Wish, spool: Spool) -> list[str]:
    """Remove uploaded files that name the person; the imports that now lack theirs.

    Before `erase`, which forgets what to look for. Repeating is safe.
    """
    with conn.transaction():
        set_tenant(conn, wish.tenant_id)
        row = conn.execute(SQL["address"], wish.values()).fetchone()
        spooled = conn.execute(SQL["spooled"], wish.values()).fetchall() if row else []
        named = [found for (found,) in spooled if row and _names(spool.path(found), row[0])]
        for import_id in named:
            spool.remove(import_id)
            values = wish.values() | {"import_id": import_id, "reason": WITHOUT_FILE}
            conn.execute(SQL["without_file"], values)
            conn.execute(SQL["stop_import"], values)
    return named


def _names(path: Path, address: str) -> bool:
    """Whether a file has the address in it, in any case and any usual encoding."""
    try:
        body = path.read_bytes().lower()
    except FileNotFoundError:
        return False
    lower = address.lower()
    return any(lower.encode(name) in body for name in ("utf-8", "utf-16-le", "utf-16-be"))


def erase(conn: Connection[Any], wish: Wish) -> bool:
    """Forget the person; False when there is no such contact. Repeating is safe."""
    with conn.transaction():
        set_tenant(conn, wish.tenant_id)
        found = conn.execute(SQL["contact"], wish.values()).fetchone()
        if found is None:
            return False
        address, _, erased_at = found
        if erased_at is None:
            _forget(conn, wish, address or "")
        conn.execute(SQL["note"], wish.values())
    return True


def told(conn: Connection[Any], wish: Wish) -> None:
    """The log knows: nothing is left to do."""
    with conn.transaction():
        set_tenant(conn, wish.tenant_id)
        conn.execute(SQL["done"], wish.values())


def _forget(conn: Connection[Any], wish: Wish, address: str) -> None:
    conn.execute(SQL["forget"], wish.values())
    if address:
        conn.execute(SQL["rejected_rows"], wish.values() | {"needle": address})
        conn.execute(SQL["segments"], wish.values() | {"pattern": re.escape(address)})
    for (table,) in conn.execute(SQL["tables_about_contacts"]).fetchall():
        conn.execute(
            sql.SQL("DELETE FROM {} WHERE tenant_id = %s AND contact_id = %s").format(
                sql.Identifier("vault", table)
            ),
            (wish.tenant_id, wish.contact_id),
        )
