"""Which workspace a thing belongs to, and whether a caller may see it."""

from __future__ import annotations

from api.desk import Desk
from domain.refusals import NotFound

PLACE = """
INSERT INTO vault.workspace_of (tenant_id, id, workspace_id)
VALUES (%(tenant_id)s, %(id)s, %(workspace_id)s)
ON CONFLICT (tenant_id, id) DO UPDATE SET workspace_id = excluded.workspace_id
"""
KNOWN = """
SELECT 1 FROM vault.workspace
WHERE tenant_id = %(tenant_id)s AND workspace_id = %(workspace_id)s AND archived_at IS NULL
"""
HOLDER = (
    "SELECT workspace_id FROM vault.workspace_of WHERE tenant_id = %(tenant_id)s AND id = %(id)s"
)


def place(desk: Desk, thing_id: str, workspace_id: str) -> None:
    """Put a thing into a workspace; '' is the tenant's own.

    Raises NotFound for a workspace that is not there or not the caller's, and for a thing that
    lies in another one than the caller's.
    """
    _require(desk, workspace_id)
    if desk.rows(HOLDER, id=thing_id):
        require_visible(desk, thing_id, "thing")
    if workspace_id and not desk.rows(KNOWN, workspace_id=workspace_id):
        raise NotFound("workspace_id: there is no such workspace; create it first")
    desk.write(PLACE, id=thing_id, workspace_id=workspace_id)


def require_visible(desk: Desk, thing_id: str, what: str) -> None:
    """Raises NotFound for a thing of a workspace that the caller does not belong to."""
    if desk.workspace_ids is not None and workspace_of(desk, thing_id) not in desk.workspace_ids:
        raise NotFound(f"there is no such {what}")


def workspace_of(desk: Desk, thing_id: str) -> str:
    """The workspace that a thing belongs to; '' for the tenant's own."""
    found = desk.rows(HOLDER, id=thing_id)
    return str(found[0]["workspace_id"]) if found else ""


def _require(desk: Desk, workspace_id: str) -> None:
    if desk.workspace_ids is not None and workspace_id not in desk.workspace_ids:
        raise NotFound("workspace_id: there is no such workspace; name one of yours")
