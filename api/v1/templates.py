"""Templates: create, edit drafts, publish versions, put away."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints, model_validator

from adapters.message.linting import Draft
from api import shapes_templates as shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, IdText, Name
from api.callers import Caller
from api.commands import template_drafts, templates
from api.commands.template_drafts import Kept
from api.desk import Desk
from api.etags import IfMatch, etag, revision_of
from api.problems import not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from domain import template
from domain.ports import Decided
from projections.holdings import queries
from projections.reads import freshness

router = APIRouter(prefix="/v1/templates", tags=["templates"])
MODEL = "holdings"
BODY_CHARS_MAX = 400_000
Reader = Annotated[Caller, may("templates:read")]
ReaderDesk = Annotated[Desk, at_desk("templates:read")]
Writer = Annotated[Desk, at_desk("templates:write")]
NO_NUL = r"^[^\x00]*$"
Line = Annotated[str, StringConstraints(max_length=1000, pattern=NO_NUL)]
Text = Annotated[str, StringConstraints(max_length=BODY_CHARS_MAX, pattern=NO_NUL)]
Tag = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]
Folder = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Tags = Annotated[list[Tag], Field(max_length=20, examples=[["spring"]])]
FolderQuery = Annotated[
    str, Query(max_length=200, pattern=NO_NUL, description="only in this folder")
]
TagQuery = Annotated[str, Query(max_length=50, pattern=NO_NUL, description="only with this tag")]
ArchivedQuery = Annotated[bool, Query(description="those that were put away, instead of the rest")]


class DraftBody(Body):
    """What a template says: its body as `html` or as `mjml`; without `text` that is derived."""

    subject: Annotated[Line, Field(examples=['Hi {{ first_name | default("there") }}'])]
    html: Annotated[Text | None, Field(examples=["<p>Hello</p>"])] = None
    mjml: Annotated[Text | None, Field(examples=[None])] = None
    text: Annotated[Text | None, Field(examples=[None])] = None
    preheader: Line = ""

    @model_validator(mode="after")
    def _one_body(self) -> DraftBody:
        if (self.html is None) == (self.mjml is None):
            raise ValueError("give html or mjml, one of them")
        return self

    def draft(self) -> Draft:
        """The same for those who look at it."""
        kind = "html" if self.mjml is None else "mjml"
        body = self.mjml if self.html is None else self.html
        return Draft(self.subject, body or "", kind, self.preheader, self.text)


class NewTemplate(Body):
    """A template, with what it says if that is known already."""

    name: Name
    workspace_id: IdText = ""
    folder: Folder = ""
    tags: Annotated[Tags, Field(default_factory=list)]
    draft: DraftBody | None = None


class TemplateChange(Body):
    """What is to be otherwise; what is left out stays."""

    name: Name | None = None
    folder: Folder | None = None
    tags: Tags | None = None


class Copy(Body):
    """What the copy is called."""

    name: Name


@router.post("", status_code=201, responses=shapes.CREATED)
def create_template(body: NewTemplate, desk: Writer) -> Json:
    """Create a template. Nothing can be sent of it until a version is published."""
    template_id, decided = templates.create_named(desk, body.name, body.workspace_id)
    if body.draft and not template_drafts.read(desk, template_id).revision:
        template_drafts.write(desk, template_id, body.draft.draft(), None)
    if body.folder or body.tags:
        template_drafts.file(desk, template_id, folder=body.folder, tags=body.tags)
    return _told(template_id, decided, 201)


@router.get("", responses=shapes.TEMPLATES)
async def list_templates(
    caller: Reader,
    ports: PortsDep,
    folder: FolderQuery = "",
    tag: TagQuery = "",
    archived: ArchivedQuery = False,  # noqa: FBT002 - a query parameter
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's templates, the newest first."""
    scope = (caller.tenant_id, "templates", folder, tag, str(archived))
    after = str(ports.cursors.read(scope, cursor)[0]) if cursor else ""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await queries.templates(
            bound,
            archived=archived,
            folder=folder,
            tag=tag,
            after=after,
            limit=limit + 1,
            workspaces=caller.workspace_ids,
        )
        as_of = await freshness(bound, MODEL)
    more = len(found) > limit
    following = ports.cursors.make(scope, [found[limit - 1]["template_id"]]) if more else None
    return listed([_template(row) for row in found[:limit]], following, as_of=as_of)


@router.get("/{template_id}", responses=shapes.TEMPLATE)
async def get_template(template_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """One template; what it says is under /draft and /versions."""
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await queries.template(bound, template_id, caller.workspace_ids)
        as_of = await freshness(bound, MODEL)
    if found is None:
        raise not_found("template")
    return Json(_template(found) | {"as_of": as_of})


@router.patch("/{template_id}", responses=shapes.CHANGED)
def change_template(template_id: IdPath, body: TemplateChange, desk: Writer) -> Json:
    """Call it otherwise, put it into a folder, give it tags."""
    templates.known(desk, template_id)
    if body.name is not None:
        templates.rename(desk, template_id, body.name)
    kept = template_drafts.file(desk, template_id, folder=body.folder, tags=body.tags)
    told = {"object": "template", "template_id": template_id, "folder": kept.folder}
    return Json(told | {"tags": list(kept.tags)})


@router.get("/{template_id}/draft", responses=shapes.DRAFT)
def get_draft(template_id: IdPath, desk: ReaderDesk) -> Json:
    """What the template says now, with its ETag."""
    templates.known(desk, template_id)
    return _draft(template_id, template_drafts.read(desk, template_id))


@router.put("/{template_id}/draft", responses=shapes.DRAFT_SAVED)
def put_draft(template_id: IdPath, body: DraftBody, desk: Writer, if_match: IfMatch = "") -> Json:
    """Keep what the template says. Once there is a draft, If-Match says which one you changed."""
    template.require_active(templates.known(desk, template_id))
    is_first = not if_match and not template_drafts.read(desk, template_id).revision
    expected = 0 if is_first else revision_of(if_match)
    kept = template_drafts.write(desk, template_id, body.draft(), expected)
    return _draft(template_id, kept)


@router.post("/{template_id}/publish", responses=shapes.PUBLISHED)
def publish_template(template_id: IdPath, desk: Writer, if_match: IfMatch = "") -> Json:
    """Make what the draft says a version that campaigns can send; versions never change.

    If-Match, where it is sent, keeps a draft that you have not seen from being published.
    """
    expected = revision_of(if_match) if if_match else None
    state, content, position = templates.publish_draft(desk, template_id, expected)
    told: dict[str, Any] = {"object": "template_version", "template_id": template_id}
    told |= {"template_version": state.template_version, "content_id": content.content_id}
    return Json(told | {"variables": content.variables, "position": position})


@router.post("/{template_id}/duplicate", status_code=201, responses=shapes.CREATED)
def duplicate_template(template_id: IdPath, body: Copy, desk: Writer) -> Json:
    """A new template whose draft says the same."""
    copy_id, decided = templates.duplicate(desk, template_id, body.name)
    return _told(copy_id, decided, 201)


@router.post("/{template_id}/archive", responses=shapes.TOLD)
def archive_template(template_id: IdPath, desk: Writer) -> Json:
    """Put it away: no edits, no versions. What was published stays sendable for what runs."""
    return _told(template_id, templates.put_away(desk, template_id, archived=True))


@router.post("/{template_id}/restore", responses=shapes.TOLD)
def restore_template(template_id: IdPath, desk: Writer) -> Json:
    """Take it out again."""
    return _told(template_id, templates.put_away(desk, template_id, archived=False))


def _told(template_id: str, decided: Decided, status: int = 200) -> Json:
    told = {"object": "template", "template_id": template_id, "position": decided.position}
    return Json(told, status_code=status)


def _template(row: dict[str, Any]) -> dict[str, Any]:
    return {"object": "template"} | row


def _draft(template_id: str, kept: Kept) -> Json:
    said = {name: kept.draft.fields().get(name) for name in ("html", "mjml", "text")}
    told = {"object": "template_draft", "template_id": template_id, "revision": kept.revision}
    told |= {"subject": kept.draft.subject, "preheader": kept.draft.preheader}
    answer = Json(told | said | {"changed_at": kept.changed_at})
    answer.headers["etag"] = etag(kept.revision)
    return answer
