"""Lists of leads: what there is, who is in it, and changes of both."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from api import lead_questions as questions
from api import shapes_leads as shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, IdText, Name
from api.callers import Caller
from api.commands import lists
from api.desk import Desk
from api.problems import not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from domain.lead import LEADS_MAX

router = APIRouter(prefix="/v1/lists", tags=["lists"])
Reader = Annotated[Caller, may("leads:read")]
Writer = Annotated[Desk, at_desk("leads:write")]
ArchivedQuery = Annotated[bool | None, Query(description="only archived ones, or none of them")]


class NewList(Body):
    """An empty list."""

    name: Name
    workspace_id: IdText = ""


class Renamed(Body):
    """What it is called from now on."""

    name: Name


class Several(Body):
    """Leads by their ids."""

    lead_ids: Annotated[
        list[IdText],
        Field(min_length=1, max_length=LEADS_MAX, examples=[["lea_agnhktnyod5u3c7bbk3ktt7c4a"]]),
    ]


@router.get("", responses=shapes.LISTS)
async def list_lists(
    caller: Reader,
    ports: PortsDep,
    archived: ArchivedQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's lists with the number of their members, the newest first."""
    scope = (caller.tenant_id, "lists", str(archived))
    after = ports.cursors.read(scope, cursor) if cursor else (None, "")
    async with ports.reads.of(caller.tenant_id) as bound:
        rows = await questions.page(
            bound,
            "lists",
            only=caller.workspace_ids,
            after=(after[0], after[1]),
            limit=limit + 1,
            archived=archived,
        )
    last = rows[limit - 1] if len(rows) > limit else None
    following = ports.cursors.make(scope, [last["created_at"], last["list_id"]]) if last else None
    return listed([shown(row) for row in rows[:limit]], following)


@router.get("/{list_id}", responses=shapes.LIST)
async def get_list(list_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """One list; its members are `GET /v1/leads?list_id=…`."""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await questions.one(bound, "lists", list_id, caller.workspace_ids)
    if found is None:
        raise not_found("list")
    return Json(shown(found))


@router.post("", status_code=201, responses=shapes.LIST_MADE)
def create_list(body: NewList, desk: Writer) -> Json:
    """Make an empty list."""
    list_id = desk.fresh_id("lst")
    position = lists.create(desk, list_id, body.name, workspace_id=body.workspace_id)
    return told(desk, list_id, position, 201)


@router.patch("/{list_id}", responses=shapes.LIST_TOLD)
def rename_list(list_id: IdPath, body: Renamed, desk: Writer) -> Json:
    """Call the list something else."""
    lists.rename(desk, list_id, body.name)
    return told(desk, list_id, None)


@router.post("/{list_id}/archive", responses=shapes.LIST_TOLD)
def archive_list(list_id: IdPath, desk: Writer) -> Json:
    """Offer the list no more and fill it no more; its members stay."""
    return told(desk, list_id, lists.archive(desk, list_id))


@router.post("/{list_id}/leads", responses=shapes.MOVED)
def add_leads(list_id: IdPath, body: Several, desk: Writer) -> Json:
    """Make leads members; who is one already stays one."""
    added, position = lists.add(desk, list_id, body.lead_ids)
    return _moved(desk, list_id, added, position)


@router.post("/{list_id}/leads/remove", responses=shapes.MOVED)
def remove_leads(list_id: IdPath, body: Several, desk: Writer) -> Json:
    """Take leads out of the list; they stay in the vault, and in other lists."""
    removed, position = lists.remove(desk, list_id, body.lead_ids)
    return _moved(desk, list_id, removed, position)


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return {"object": "lead_list"} | row


def told(desk: Desk, list_id: str, position: int | None, status: int = 200) -> Json:
    """A list after a command on it."""
    row = _row(desk, list_id)
    return Json(shown(row) | {"position": position}, status_code=status)


def _moved(desk: Desk, list_id: str, lead_ids: list[str], position: int | None) -> Json:
    row = _row(desk, list_id)
    moved = {"object": "membership", "list_id": list_id, "lead_ids": lead_ids}
    return Json(moved | {"members": row["members"], "position": position})


def _row(desk: Desk, list_id: str) -> dict[str, Any]:
    values = {"id": list_id, "after_at": None, "after_id": "", "archived": None, "only": None}
    return desk.rows(questions.QUERIES["lists"], **values, limit=1)[0]
