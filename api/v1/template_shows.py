"""What a template says: its versions, what is wrong with it, previews, test mails."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field, StringConstraints, model_validator

from adapters.message import linting, preview
from api import shapes_templates as shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, IdText
from api.callers import Caller
from api.commands import template_drafts, template_shows, templates
from api.desk import Desk
from api.problems import Problem, not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from projections.holdings import queries
from projections.holdings.queries import VERSION_MAX
from projections.reads import freshness

router = APIRouter(prefix="/v1/templates", tags=["templates"])
MODEL = "holdings"
TO_MAX = 5
FIELDS_MAX = 100
Reader = Annotated[Caller, may("templates:read")]
ReaderDesk = Annotated[Desk, at_desk("templates:read")]
SenderDesk = Annotated[Desk, at_desk("campaigns:write", sends=True)]
VersionPath = Annotated[int, Path(ge=1, le=VERSION_MAX)]
Version = Annotated[
    int | None,
    Field(ge=1, le=VERSION_MAX, description="a published version; without: the draft"),
]
FieldName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
FieldValue = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]
Fields = Annotated[
    dict[FieldName, FieldValue],
    Field(max_length=FIELDS_MAX, examples=[{"first_name": "Ann"}]),
]


class Lint(Body):
    """Whose leads it is for: the fields of a list, or named ones; neither: not known yet."""

    version: Version = None
    list_id: IdText = ""
    fields: Annotated[list[FieldName] | None, Field(max_length=FIELDS_MAX)] = None
    message_class: Literal["bulk", "transactional"] = "bulk"


class Reading(Body):
    """Who reads it: a lead of yours, or somebody with these fields."""

    version: Version = None
    contact_id: IdText = ""
    fields: Annotated[Fields, Field(default_factory=dict)]

    @model_validator(mode="after")
    def _one_reader(self) -> Reading:
        if self.contact_id and self.fields:
            raise ValueError("give contact_id or fields, one of them")
        return self


class Test(Reading):
    """A test mail: from one of your senders, to a few addresses."""

    sender_id: Annotated[IdText, Field(min_length=1)]
    to: Annotated[
        list[Annotated[str, Field(max_length=254)]],
        Field(min_length=1, max_length=TO_MAX, examples=[["ann@example.com"]]),
    ]


@router.get("/{template_id}/versions", responses=shapes.VERSIONS)
async def list_versions(
    template_id: IdPath,
    caller: Reader,
    ports: PortsDep,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """What was published, the newest first."""
    scope = (caller.tenant_id, "template versions", template_id)
    before = int(ports.cursors.read(scope, cursor)[0]) if cursor else VERSION_MAX
    async with ports.reads.of(caller.tenant_id) as bound:
        if await queries.template(bound, template_id, caller.workspace_ids) is None:
            raise not_found("template")
        found = await queries.versions(bound, template_id, before=before, limit=limit + 1)
        as_of = await freshness(bound, MODEL)
    more = len(found) > limit
    following = ports.cursors.make(scope, [found[limit - 1]["template_version"]]) if more else None
    return listed(
        [{"object": "template_version"} | row for row in found[:limit]], following, as_of=as_of
    )


@router.get("/{template_id}/versions/{version}", responses=shapes.VERSION)
async def get_version(
    template_id: IdPath, version: VersionPath, caller: Reader, ports: PortsDep
) -> Json:
    """What a version says: its parts as they are sent, variables and all."""
    async with ports.reads.of(caller.tenant_id) as bound:
        known = await queries.template(bound, template_id, caller.workspace_ids)
        found = await queries.version(bound, template_id, version) if known else None
        as_of = await freshness(bound, MODEL)
    if found is None:
        raise not_found("template version")
    body = found.pop("body")
    said = {name: body.get(name, "") for name in template_shows.PARTS}
    return Json({"object": "template_version"} | found | said | {"as_of": as_of})


@router.get("/{template_id}/diff", responses=shapes.DIFF)
def compare(
    template_id: IdPath,
    desk: ReaderDesk,
    before: Annotated[int, Query(alias="from", ge=1, le=VERSION_MAX, description="a version")],
    after: Annotated[
        int | None,
        Query(alias="to", ge=1, le=VERSION_MAX, description="a version; without: the draft"),
    ] = None,
) -> Json:
    """What changed between two versions, or since one, part by part."""
    said = template_shows.body_of(desk, template_id, before)
    says = template_shows.body_of(desk, template_id, after)
    told = {"object": "template_diff", "template_id": template_id, "from": before, "to": after}
    return Json(told | {"parts": template_shows.difference(said, says)})


@router.post("/{template_id}/lint", responses=shapes.LINT)
def lint(template_id: IdPath, body: Lint, desk: ReaderDesk) -> Json:
    """Everything that is wrong with it, each with field, line and cure. Errors bar publishing."""
    templates.known(desk, template_id)
    draft = template_drafts.read(desk, template_id).draft
    if body.version is not None:
        said = template_shows.body_of(desk, template_id, body.version)
        draft = linting.Draft(
            said["subject"], said["html"], "html", said["preheader"], said["text"]
        )
    known = body.fields
    if body.list_id:
        known = [*(known or ()), *template_shows.fields_of_list(desk, body.list_id)]
    found = linting.examined(draft, known, body.message_class)
    errors = sum(one.severity == "error" for one in found)
    told = {"object": "template_lint", "template_id": template_id, "errors": errors}
    return Json(told | {"findings": [asdict(one) for one in found]})


@router.post("/{template_id}/preview", responses=shapes.PREVIEW)
def show(template_id: IdPath, body: Reading, desk: ReaderDesk, caller: Reader) -> Json:
    """The mail as one reader would see it. Show `html` in a sandboxed frame only.

    Links are those of the template, and nothing in it is counted.
    """
    said = template_shows.body_of(desk, template_id, body.version)
    address, fields = _reader(desk, caller, body)
    found = preview.rendered(said, fields, address)
    told: dict[str, Any] = {"object": "template_preview", "template_id": template_id}
    answer = Json(told | asdict(found))
    answer.headers["x-content-type-options"] = "nosniff"
    answer.headers["content-security-policy"] = "sandbox; default-src 'none'"
    answer.headers["cache-control"] = "no-store"
    return answer


@router.post("/{template_id}/test", status_code=202, responses=shapes.TEST)
def send_test(
    template_id: IdPath, body: Test, desk: SenderDesk, caller: Reader, ports: PortsDep
) -> Json:
    """Send it, marked as a test, to at most 5 addresses through our own pipeline.

    The campaign that carries it tells what became of it.
    """
    said = template_shows.body_of(desk, template_id, body.version)
    _, fields = _reader(desk, caller, body)
    sent = template_shows.send_test(
        desk,
        template_id,
        said,
        sender_id=body.sender_id,
        to=body.to,
        fields=fields,
        now=ports.clock(),
    )
    told = {"object": "test_mail", "template_id": template_id, "campaign_id": sent.campaign_id}
    return Json(told | {"position": sent.position}, status_code=202)


def _reader(desk: Desk, caller: Caller, body: Reading) -> tuple[str, dict[str, str]]:
    """Whom it is shown to. A lead's data are for those alone who may read leads."""
    if not body.contact_id:
        return template_shows.NOBODY, dict(body.fields)
    if not caller.may("leads:read"):
        raise Problem("forbidden", "a preview for a lead needs the permission leads:read")
    return template_shows.reader(desk, body.contact_id)
