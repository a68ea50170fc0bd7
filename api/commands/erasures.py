"""Erasure by command (I10): the vault forgets a person, then the log is told that it did."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from adapters import erasing
from adapters.contacts.spool import Spool
from api.desk import Desk
from api.workspaces import require_visible
from domain import lead_list
from domain.ports import Decided
from domain.refusals import NotFound


def erase(desk: Desk, contact_id: str, now: datetime, spool: Spool) -> Decided:
    """Erase one contact. Raises NotFound. Repeating is safe, also after a crash in between.

    Its suppression stays, by a keyed hash of the address; sends that wait for it end as suppressed
    or cancelled when they are claimed.
    """
    require_visible(desk, contact_id, "lead")
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
