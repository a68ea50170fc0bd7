"""An import taken back: what only it brought leaves list and vault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from psycopg import Connection

from adapters.postgres import named_sql, set_tenant

SQL = named_sql(Path(__file__).with_name("rolling_back.sql"))


def roll_back(
    conn: Connection[Any], *, tenant_id: str, list_id: str, import_id: str, step: Callable[[], None]
) -> tuple[int, int]:
    """Members and contacts that are gone, in one transaction; `step` may stop it between steps.

    Values that the import overwrote in leads of others, and suppressions, stay.
    """
    ids = {"tenant_id": tenant_id, "list_id": list_id, "import_id": import_id}
    with conn.transaction():
        set_tenant(conn, tenant_id)
        for name in ("hand_members_on", "hand_contacts_on"):
            conn.execute(SQL[name], ids)
        members = conn.execute(SQL["remove_members"], ids).rowcount
        step()
        for name in ("forget_overlap", "remove_tags", "forget_rejects"):
            conn.execute(SQL[name], ids)
        contacts = conn.execute(SQL["remove_contacts"], ids).rowcount
        step()
        conn.execute(SQL["rolled_back"], ids | {"members": members, "contacts": contacts})
        return members, contacts
