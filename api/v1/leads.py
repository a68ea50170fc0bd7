"""Leads: found by what is known of them, created, changed and deleted, one by one or in bulk."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from psycopg.rows import dict_row
from pydantic import Field, StringConstraints

from adapters.contacts import leads as statements
from adapters.contacts.filters import Where
from api import lead_questions as questions
from api import shapes_leads as shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, IdText
from api.callers import Caller
from api.commands import leads as commands
from api.commands import segments
from api.commands.lead_items import Create, Delete, Item, Update
from api.desk import Desk
from api.etags import IfMatch, etag, revision_of
from api.problems import KINDS, not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from domain.lead import FIELDS_MAX, LEADS_MAX, TAG_LENGTH_MAX, TAGS_MAX
from domain.refusals import Invalid

router = APIRouter(prefix="/v1/leads", tags=["leads"])
Reader = Annotated[Caller, may("leads:read")]
Writer = Annotated[Desk, at_desk("leads:write")]
Text = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]
FieldName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
Tag = Annotated[
    str, StringConstraints(min_length=1, max_length=TAG_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Tags = Annotated[list[Tag], Field(max_length=TAGS_MAX, examples=[["vip"]])]
Address = Annotated[
    str,
    StringConstraints(min_length=1, max_length=254, pattern=r"^[^\x00]+$"),
    Field(examples=["ada@example.com"]),
]
SORTS = "^-?(created|address)$"


class NewLead(Body):
    """A lead that is not there yet."""

    address: Address
    fields: Annotated[dict[FieldName, Text], Field(max_length=FIELDS_MAX)] = Field(
        default={}, examples=[{"first_name": "Ada"}]
    )
    tags: Tags = Field(default=[])
    list_id: IdText = ""


class LeadChange(Body):
    """What is to be otherwise: a field of null is taken away; `tags` stand for those before."""

    fields: Annotated[dict[FieldName, Text | None], Field(max_length=FIELDS_MAX)] = Field(
        default={}, examples=[{"city": "Oslo", "company": None}]
    )
    tags: Tags | None = None
    add_tags: Tags = Field(default=[])
    remove_tags: Tags = Field(default=[])


class CreateItem(NewLead):
    """One lead to create."""

    op: Literal["create"]


class UpdateItem(LeadChange):
    """One lead to change; with a version, only if it is still at that."""

    op: Literal["update"]
    lead_id: IdText
    version: Annotated[int | None, Field(ge=1, le=2**31)] = None


class DeleteItem(Body):
    """One lead to delete."""

    op: Literal["delete"]
    lead_id: IdText


AnyItem = Annotated[CreateItem | UpdateItem | DeleteItem, Field(discriminator="op")]


class Bulk(Body):
    """Up to 500 items; each succeeds or fails alone."""

    items: Annotated[list[AnyItem], Field(min_length=1, max_length=LEADS_MAX)]


class Sought(Body):
    """Filters of a search; all that are given hold at once."""

    address: Annotated[str, Field(max_length=254, description="this very address")] = ""
    address_prefix: Annotated[str, Field(max_length=254, description="how it begins")] = ""
    domain: Annotated[str, Field(max_length=254, description="after the @")] = ""
    field: Annotated[
        list[Annotated[str, StringConstraints(max_length=400, pattern=r"^[^\x00:]+:[^\x00]+$")]],
        Field(max_length=10, description="`name:value`, the field's exact value; repeatable"),
    ] = Field(default=[])
    tag: Annotated[str, Field(max_length=64)] = ""
    list_id: IdText = ""
    suppressed: bool | None = None
    created_after: Annotated[str, Field(max_length=40, description="2026-01-05T09:00:00Z")] = ""
    created_before: Annotated[str, Field(max_length=40)] = ""
    sort: Annotated[
        str,
        Field(pattern=SORTS, description="created or address; with `-` the last first"),
    ] = "-created"
    limit: LimitQuery = DEFAULT_LIMIT
    cursor: CursorQuery = ""

    def filter(self) -> dict[str, Any] | None:
        """The same as a segment's filter; None: no filter."""
        asked: list[tuple[str, str, Any]] = [
            ("address", "equals", self.address),
            ("address", "starts_with", self.address_prefix),
            ("domain", "equals", self.domain),
            ("tag", "has", self.tag),
            ("list", "in", self.list_id),
            ("created", "after", self.created_after),
            ("created", "before", self.created_before),
        ]
        parts = [{"what": w, "op": op, "value": value} for w, op, value in asked if value]
        if self.suppressed is not None:
            parts.append({"what": "suppressed", "op": "is", "value": self.suppressed})
        for text in self.field:
            name, _, value = text.partition(":")
            parts.append({"what": "field", "op": "equals", "name": name, "value": value})
        return {"all": parts} if parts else None


@router.get("", responses=shapes.LEADS)
async def search_leads(caller: Reader, ports: PortsDep, sought: Annotated[Sought, Query()]) -> Json:
    """Leads that meet every filter, in an order, page by page."""
    where = segments.where(sought.filter(), ports.desks.id_key, caller.workspace_ids)
    return await page_of(caller, ports, where, sought)


@router.get("/{lead_id}", responses=shapes.ONE_LEAD)
async def get_lead(lead_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """One lead; its ETag is what a change is checked against."""
    where = segments.where(None, ports.desks.id_key, caller.workspace_ids)
    async with ports.reads.of(caller.tenant_id) as bound:
        rows = await questions.found(bound, statements.one(where, lead_id))
    if not rows:
        raise not_found("lead")
    return _shown(rows[0])


@router.post("", status_code=201, responses=shapes.LEAD_MADE)
def create_lead(body: NewLead, desk: Writer) -> Json:
    """Create a lead, and put it into a list if one is named."""
    result, position = commands.one(desk, _create(body))
    return _told(desk, result.lead_id, position, 201)


@router.patch("/{lead_id}", responses=shapes.LEAD_TOLD)
def change_lead(lead_id: IdPath, body: LeadChange, desk: Writer, if_match: IfMatch = "") -> Json:
    """Change fields and tags; what is left out stays."""
    change = _update(lead_id, body, revision_of(if_match))
    result, position = commands.one(desk, change)
    return _told(desk, result.lead_id, position)


@router.delete("/{lead_id}", responses=shapes.LEAD_DELETED)
def delete_lead(lead_id: IdPath, desk: Writer) -> Json:
    """Take a lead out of the vault and every list. To erase a person, see `…/erase`."""
    result, position = commands.one(desk, Delete(lead_id))
    gone = {"object": "lead", "lead_id": result.lead_id, "deleted": True}
    return Json(gone | {"position": position})


@router.post("/bulk", responses=shapes.BULK)
def change_leads(body: Bulk, desk: Writer) -> Json:
    """Create, change and delete up to 500 leads; each item has its own result."""
    outcome = commands.several(desk, [_item(item) for item in body.items])
    results = [_result(at, result) for at, result in enumerate(outcome.results)]
    done = sum(result.refused is None for result in outcome.results)
    answer = {"object": "bulk", "done": done, "results": results}
    return Json(answer | {"position": outcome.position})


async def page_of(
    caller: Caller, ports: PortsDep, where: Where, sought: Sought, *what: str
) -> Json:
    """A page of the leads that meet a condition."""
    asked = sought.model_dump_json(exclude={"cursor", "limit"})
    scope = (caller.tenant_id, "leads", *what, asked)
    after = ports.cursors.read(scope, sought.cursor) if sought.cursor else []
    statement = statements.page(where, sort=sought.sort, after=after, limit=sought.limit + 1)
    async with ports.reads.of(caller.tenant_id) as bound:
        rows = await questions.found(bound, statement)
    last = rows[sought.limit - 1] if len(rows) > sought.limit else None
    keys = statements.ORDERS[sought.sort].keys
    following = ports.cursors.make(scope, [last[key] for key in keys]) if last else None
    return listed([lead_of(row) for row in rows[: sought.limit]], following)


def lead_of(row: dict[str, Any]) -> dict[str, Any]:
    return {"object": "lead"} | row


def _shown(row: dict[str, Any], status: int = 200, **more: Any) -> Json:
    answer = Json(lead_of(row) | more, status_code=status)
    answer.headers["etag"] = etag(row["version"])
    return answer


def _told(desk: Desk, lead_id: str, position: int | None, status: int = 200) -> Json:
    where = segments.where(None, desk.id_key, None)
    statement = statements.one(where, lead_id)
    values = statement.values | {"tenant_id": desk.tenant_id}
    with desk.transaction() as conn, conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(statement.sql, values).fetchone()
    if row is None:  # deleted by others meanwhile
        raise not_found("lead")
    return _shown(row, status, position=position)


def _create(body: NewLead) -> Create:
    return Create(body.address, body.fields, body.tags, body.list_id)


def _update(lead_id: str, body: LeadChange, version: int | None) -> Update:
    if body.tags is not None and (body.add_tags or body.remove_tags):
        raise Invalid("tags: stand for all of them; leave add_tags and remove_tags out, or tags")
    given = (body.fields, body.tags, body.add_tags, body.remove_tags)
    return Update(lead_id, *given, version=version)


def _item(item: CreateItem | UpdateItem | DeleteItem) -> Item:
    if isinstance(item, CreateItem):
        return _create(item)
    if isinstance(item, UpdateItem):
        return _update(item.lead_id, item, item.version)
    return Delete(item.lead_id)


def _result(at: int, result: commands.Result) -> dict[str, Any]:
    status = 201 if result.done == "created" else 200
    problem = None
    if result.refused:
        status = KINDS[result.refused.code].status
        problem = {"code": result.refused.code, "detail": str(result.refused)}
    told = {"index": at, "status": status, "done": result.done, "lead_id": result.lead_id}
    return told | {"version": result.version, "problem": problem}
