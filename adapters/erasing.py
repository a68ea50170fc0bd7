"""One person leaves the vault: address, fields, memberships, and what files said of them.

All in one transaction, with a note that the log is still to be told; who notes and dies is finished
by streams/deleting.py. What stays is the contact's id, the time, and its suppression by hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from adapters.postgres import named_sql, set_tenant

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
    for (table,) in conn.execute(SQL["tables_about_contacts"]).fetchall():
        conn.execute(
            sql.SQL("DELETE FROM {} WHERE tenant_id = %s AND contact_id = %s").format(
                sql.Identifier("vault", table)
            ),
            (wish.tenant_id, wish.contact_id),
        )
