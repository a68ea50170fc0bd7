"""Erasure by command (I10): the vault forgets a person, then the log is told that it did."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from adapters import erasing
from adapters.contacts.spool import Spool
from api.desk import Desk
from domain import lead_list
from domain.ports import Decided
from domain.refusals import NotFound, WrongState

#: The lists that hold a contact: whether each belongs to one of these workspaces.
HOLDING = """
SELECT coalesce(w.workspace_id, '') = ANY(%(workspaces)s) AS mine
FROM vault.list_member AS m
LEFT JOIN vault.workspace_of AS w ON w.tenant_id = m.tenant_id AND w.id = m.list_id
WHERE m.tenant_id = %(tenant_id)s AND m.contact_id = %(contact_id)s
"""


def erase(desk: Desk, contact_id: str, now: datetime, spool: Spool) -> Decided:
    """Erase one contact. Raises NotFound; WrongState where it is others' lead as well.

    Repeating is safe, also after a crash in between.

    Its suppression stays, by a keyed hash of the address; sends that wait for it end as suppressed
    or cancelled when they are claimed.
    """
    _require_own(desk, contact_id)
    wish = erasing.Wish(desk.tenant_id, contact_id, desk.actor, now)
    with desk.connect() as conn:
        erasing.drop_uploads(conn, wish, spool)
        known = erasing.erase(conn, wish)
    if not known:
        raise NotFound("there is no such lead")
    decide = partial(lead_list.erase_contact, tenant_id=desk.tenant_id, contact_id=contact_id)
    decided = desk.decide(lead_list, lead_list.contact_stream(contact_id), decide)
    with desk.connect() as conn:
        erasing.told(conn, wish)
    return decided


def _require_own(desk: Desk, contact_id: str) -> None:
    """Who sees some workspaces alone may erase whom only these have: a person has one record."""
    if desk.workspace_ids is None:
        return
    values = {"contact_id": contact_id, "workspaces": sorted(desk.workspace_ids)}
    mine = [row["mine"] for row in desk.rows(HOLDING, **values)]
    if not any(mine):
        raise NotFound("there is no such lead")
    if not all(mine):
        raise WrongState(
            "contact_id: other workspaces have this lead too; let somebody erase it who sees them"
        )
