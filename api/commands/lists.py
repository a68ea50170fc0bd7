"""Lists of leads by command: make, rename, archive, fill and empty them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from adapters.contacts.leads import QUERIES
from api.desk import Desk
from api.workspaces import place, require_visible
from domain import lead_list
from domain.lead import LEADS_MAX
from domain.refusals import Invalid, NotFound, WrongState

KEEP = """
INSERT INTO vault.lead_list (tenant_id, list_id, created_at, segment_id)
VALUES (%(tenant_id)s, %(list_id)s, now(), %(segment_id)s) ON CONFLICT DO NOTHING
"""
NAME = """
INSERT INTO vault.label (tenant_id, id, kind, label) VALUES
  (%(tenant_id)s, %(id)s, %(kind)s, %(name)s)
ON CONFLICT (tenant_id, id) DO UPDATE SET label = excluded.label
"""
FOUND = """
SELECT archived_at FROM vault.lead_list WHERE tenant_id = %(tenant_id)s AND list_id = %(list_id)s
"""
ARCHIVE = """
UPDATE vault.lead_list SET archived_at = now()
WHERE tenant_id = %(tenant_id)s AND list_id = %(list_id)s AND archived_at IS NULL
"""


def create(
    desk: Desk, list_id: str, name: str, *, workspace_id: str = "", segment_id: str = ""
) -> int | None:
    """An empty list; the log's position. Repeating is safe. Raises NotFound for the workspace."""
    place(desk, list_id, workspace_id)
    desk.write(NAME, id=list_id, kind="list", name=name)
    desk.write(KEEP, list_id=list_id, segment_id=segment_id)
    decide = partial(lead_list.create, tenant_id=desk.tenant_id, list_id=list_id)
    return desk.decide(lead_list, lead_list.stream(list_id), decide).position


def require(desk: Desk, list_id: str, *, to_fill: bool = False) -> None:
    """Raises NotFound for a list that is not the caller's; WrongState, to fill an archived one."""
    found = desk.rows(FOUND, list_id=list_id)
    if not found:
        raise NotFound("list_id: there is no such list")
    require_visible(desk, list_id, "list")
    if to_fill and found[0]["archived_at"]:
        raise WrongState("list_id: the list is archived; use another one")


def rename(desk: Desk, list_id: str, name: str) -> None:
    """Call the list something else: nothing that the log tells. Raises NotFound."""
    require(desk, list_id)
    desk.write(NAME, id=list_id, kind="list", name=name)


def archive(desk: Desk, list_id: str) -> int | None:
    """Offer the list no more; its members stay. The log's position. Raises NotFound."""
    require(desk, list_id)
    decided = desk.decide(lead_list, lead_list.stream(list_id), lead_list.archive)
    desk.write(ARCHIVE, list_id=list_id)
    return decided.position


def add(desk: Desk, list_id: str, lead_ids: Sequence[str]) -> tuple[list[str], int | None]:
    """Make leads members; who was none before, and the log's position.

    Raises NotFound for the list or one of the leads, WrongState, Invalid; then nothing is done.
    """
    require(desk, list_id, to_fill=True)
    wanted = _checked(lead_ids)
    only = None if desk.workspace_ids is None else sorted(desk.workspace_ids)
    values = {"tenant_id": desk.tenant_id, "list_id": list_id, "ids": wanted, "workspaces": only}
    with desk.transaction() as conn:
        known = {row[0] for row in conn.execute(QUERIES["locked"], values)}
        if missing := [lead_id for lead_id in wanted if lead_id not in known]:
            raise NotFound(f"lead_ids: there is no lead {missing[0]}; leave it out")
        added = [row[0] for row in conn.execute(QUERIES["join_list"], values)]
        decide = partial(lead_list.add_leads, contact_ids=added)
        decided = desk.decide(lead_list, lead_list.stream(list_id), decide)
    return added, decided.position


def remove(desk: Desk, list_id: str, lead_ids: Sequence[str]) -> tuple[list[str], int | None]:
    """Take leads out of a list; who was in it, and the log's position. Raises NotFound, Invalid."""
    require(desk, list_id)
    values = {"tenant_id": desk.tenant_id, "list_id": list_id, "ids": _checked(lead_ids)}
    with desk.transaction() as conn:
        removed = [row[0] for row in conn.execute(QUERIES["leave_list"], values)]
        decide = partial(lead_list.remove_leads, contact_ids=removed)
        decided = desk.decide(lead_list, lead_list.stream(list_id), decide)
    return removed, decided.position


def _checked(lead_ids: Sequence[str]) -> list[str]:
    if not 0 < len(lead_ids) <= LEADS_MAX:
        raise Invalid(f"lead_ids: name 1 to {LEADS_MAX} leads; send several requests for more")
    return sorted(set(lead_ids))
