"""Segments: saved filters over leads, how many meet them, and lists frozen from them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue, StringConstraints

from adapters.contacts import leads as statements
from api import lead_questions as questions
from api import shapes_leads as shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, IdText, Name
from api.callers import Caller
from api.commands import segments as commands
from api.desk import Desk
from api.etags import IfMatch, etag, revision_of
from api.problems import not_found
from api.v1 import leads, lists
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may

router = APIRouter(prefix="/v1/segments", tags=["segments"])
Reader = Annotated[Caller, may("leads:read")]
Writer = Annotated[Desk, at_desk("leads:write")]
#: Counting ends here: beyond it the answer says that it is not exact.
COUNT_MAX = 100_000
SAMPLE = 20
Filter = Annotated[
    dict[Annotated[str, StringConstraints(max_length=40)], JsonValue],
    Field(
        description="all, any, not over conditions of what, op, value; at most 5 deep, 50 in all",
        examples=[shapes.FILTER],
        max_length=8,
    ),
]


class NewSegment(Body):
    """A filter with a name."""

    name: Name
    filter: Filter
    workspace_id: IdText = ""


class SegmentChange(Body):
    """Another name, another filter; what is left out stays."""

    name: Name | None = None
    filter: Filter | None = None


class Tried(Body):
    """A filter to try, which nothing keeps."""

    filter: Filter


class Paged(Body):
    """How the leads of a segment are looked at."""

    sort: Annotated[str, Field(pattern=leads.SORTS)] = "-created"
    limit: LimitQuery = DEFAULT_LIMIT
    cursor: CursorQuery = ""


@router.get("", responses=shapes.SEGMENTS)
async def list_segments(
    caller: Reader,
    ports: PortsDep,
    archived: lists.ArchivedQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's segments, the newest first."""
    scope = (caller.tenant_id, "segments", str(archived))
    after = ports.cursors.read(scope, cursor) if cursor else (None, "")
    async with ports.reads.of(caller.tenant_id) as bound:
        rows = await questions.page(
            bound,
            "segments",
            only=caller.workspace_ids,
            after=(after[0], after[1]),
            limit=limit + 1,
            archived=archived,
        )
    last = rows[limit - 1] if len(rows) > limit else None
    position = [last["created_at"], last["segment_id"]] if last else []
    following = ports.cursors.make(scope, position) if last else None
    return listed([_segment(row) for row in rows[:limit]], following)


@router.get("/{segment_id}", responses=shapes.ONE_SEGMENT)
async def get_segment(segment_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """One segment; its ETag is what a change is checked against."""
    return _shown(await _known(segment_id, caller, ports))


@router.get("/{segment_id}/preview", responses=shapes.PREVIEW)
async def preview_segment(segment_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """How many leads are in it now, and the newest of them."""
    found = await _known(segment_id, caller, ports)
    return await _preview(found["filter"], caller, ports)


@router.post("/preview", responses=shapes.PREVIEW)
async def preview_filter(body: Tried, caller: Reader, ports: PortsDep) -> Json:
    """How many leads meet a filter now, and the newest of them; nothing is kept."""
    return await _preview(body.filter, caller, ports)


@router.get("/{segment_id}/leads", responses=shapes.LEADS)
async def list_members(
    segment_id: IdPath, caller: Reader, ports: PortsDep, paged: Annotated[Paged, Query()]
) -> Json:
    """The leads that are in it now, page by page."""
    found = await _known(segment_id, caller, ports)
    where = commands.where(found["filter"], ports.desks.id_key, caller.workspace_ids)
    sought = leads.Sought(sort=paged.sort, limit=paged.limit, cursor=paged.cursor)
    return await leads.page_of(caller, ports, where, sought, segment_id, str(found["version"]))


@router.post("", status_code=201, responses=shapes.SEGMENT_MADE)
def create_segment(body: NewSegment, desk: Writer) -> Json:
    """Save a filter."""
    segment_id = desk.fresh_id("seg")
    position = commands.create(desk, segment_id, body.name, body.filter, body.workspace_id)
    return _told(desk, segment_id, position, 201)


@router.patch("/{segment_id}", responses=shapes.SEGMENT_TOLD)
def change_segment(
    segment_id: IdPath, body: SegmentChange, desk: Writer, if_match: IfMatch = ""
) -> Json:
    """Change name or filter; lists that were frozen from it stay as they are."""
    version = revision_of(if_match)
    position = commands.change(desk, segment_id, name=body.name, given=body.filter, version=version)
    return _told(desk, segment_id, position)


@router.post("/{segment_id}/archive", responses=shapes.SEGMENT_TOLD)
def archive_segment(segment_id: IdPath, desk: Writer) -> Json:
    """Offer the segment no more."""
    return _told(desk, segment_id, commands.archive(desk, segment_id))


@router.post("/{segment_id}/freeze", status_code=201, responses=shapes.FROZEN)
def freeze_segment(segment_id: IdPath, desk: Writer) -> Json:
    """Make a list of who is in the segment now; it does not follow the segment."""
    list_id = commands.materialise(desk, segment_id)
    return lists.told(desk, list_id, None, 201)


async def _known(segment_id: str, caller: Caller, ports: PortsDep) -> dict[str, Any]:
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await questions.one(bound, "segments", segment_id, caller.workspace_ids)
    if found is None:
        raise not_found("segment")
    return found


async def _preview(given: dict[str, Any], caller: Caller, ports: PortsDep) -> Json:
    where = commands.where(given, ports.desks.id_key, caller.workspace_ids)
    sample = statements.page(where, sort="-created", after=[], limit=SAMPLE)
    async with ports.reads.of(caller.tenant_id) as bound:
        counted = await questions.found(bound, statements.count(where, COUNT_MAX + 1))
        rows = await questions.found(bound, sample)
    count = counted[0]["leads"]
    found = {"object": "preview", "leads": min(count, COUNT_MAX), "exact": count <= COUNT_MAX}
    return Json(found | {"sample": [leads.lead_of(row) for row in rows]})


def _segment(row: dict[str, Any]) -> dict[str, Any]:
    return {"object": "segment"} | row


def _shown(row: dict[str, Any], status: int = 200, **more: Any) -> Json:
    answer = Json(_segment(row) | more, status_code=status)
    answer.headers["etag"] = etag(row["version"])
    return answer


def _told(desk: Desk, segment_id: str, position: int | None, status: int = 200) -> Json:
    values = {"id": segment_id, "after_at": None, "after_id": "", "archived": None, "only": None}
    row = desk.rows(questions.QUERIES["segments"], **values, limit=1)[0]
    return _shown(row, status, position=position)
