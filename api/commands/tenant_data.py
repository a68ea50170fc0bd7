"""Deletion of a tenant by command: asked for, looked at, taken back within its window."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from api.desk import Desk
from domain import tenant
from domain.ports import Decided
from domain.refusals import Invalid

NAME = "SELECT label FROM vault.label WHERE tenant_id = %(tenant_id)s AND id = %(tenant_id)s"
NOTE = """
INSERT INTO vault.duty (tenant_id, kind, subject, actor, since, due_at)
VALUES (%(tenant_id)s, 'deletion', %(tenant_id)s, %(actor)s, %(since)s, %(due_at)s)
ON CONFLICT (tenant_id, kind, subject) DO UPDATE SET due_at = excluded.due_at
"""
DROP = "DELETE FROM vault.duty WHERE tenant_id = %(tenant_id)s AND kind = 'deletion'"


def request_deletion(desk: Desk, name: str, now: datetime) -> tuple[Decided, datetime]:
    """Stop sending now, destroy after the window; the moment from which on it is destroyed.

    `name` confirms: the tenant's own. Raises Invalid for another. Asking again keeps the moment.
    """
    _confirm(desk, name)
    due_at = deletion_due_at(desk) or now + tenant.DELETION_WINDOW
    desk.write(
        NOTE, actor=desk.actor, since=now, due_at=due_at
    )  # first: a duty nobody asked for ends
    stream = tenant.stream(desk.tenant_id)
    return desk.decide(tenant, stream, partial(tenant.request_deletion, now=now)), due_at


def cancel_deletion(desk: Desk) -> Decided:
    """Keep the tenant. Repeating is safe."""
    decided = desk.decide(tenant, tenant.stream(desk.tenant_id), tenant.cancel_deletion)
    desk.write(DROP)
    return decided


def deletion_due_at(desk: Desk) -> datetime | None:
    """When the tenant is to be destroyed, or None. Raises NotFound."""
    found: list[datetime | None] = []

    def look(state: tenant.State) -> tuple[()]:
        found.append(state.deletion_due_at)
        return ()

    desk.decide(tenant, tenant.stream(desk.tenant_id), look)
    return found[-1]


def _confirm(desk: Desk, name: str) -> None:
    known: list[dict[str, Any]] = desk.rows(NAME)
    if not known or known[0]["label"] != name:
        raise Invalid("name: it is not the tenant's; write its name to confirm the deletion")
