"""Templates by command: create, publish, copy, put away."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from psycopg.types.json import Jsonb

from adapters.message.linting import content_of, examined
from adapters.message.template_file import Content
from api.commands import template_drafts
from api.desk import Desk
from api.problems import Problem
from api.workspaces import place, require_visible, workspace_of
from domain import template
from domain.ports import Decided
from domain.refusals import NotFound

CONTENT = """
INSERT INTO vault.content (tenant_id, content_id, body)
VALUES (%(tenant_id)s, %(content_id)s, %(body)s) ON CONFLICT DO NOTHING
"""
BODY = (
    "SELECT body FROM vault.content WHERE tenant_id = %(tenant_id)s AND content_id = %(content_id)s"
)
LABEL = """
INSERT INTO vault.label (tenant_id, id, kind, label)
VALUES (%(tenant_id)s, %(id)s, 'template', %(label)s)
ON CONFLICT (tenant_id, id) DO UPDATE SET label = excluded.label
"""


@dataclass(frozen=True)
class Published:
    """A template version."""

    template_id: str
    content_id: str
    position: int | None = None


def create(desk: Desk, template_id: str) -> Decided:
    """A template without a version."""
    decide = partial(template.create, tenant_id=desk.tenant_id, template_id=template_id)
    return desk.decide(template, template.stream(template_id), decide)


def create_named(desk: Desk, name: str, workspace_id: str) -> tuple[str, Decided]:
    """A new template with a name, in a workspace. Raises NotFound for the workspace."""
    template_id = desk.fresh_id("tpl")
    place(desk, template_id, workspace_id)
    rename(desk, template_id, name)
    return template_id, create(desk, template_id)


def rename(desk: Desk, template_id: str, name: str) -> None:
    """Call it otherwise."""
    desk.write(LABEL, id=template_id, label=name)


def publish(desk: Desk, template_id: str, content: Content) -> Published:
    """Publish content as the template's next version. Raises NotFound, WrongState."""
    desk.write(CONTENT, content_id=content.content_id, body=Jsonb(content.body))
    decide = partial(template.publish, content_id=content.content_id, variables=content.variables)
    decided = desk.decide(template, template.stream(template_id), decide)
    return Published(template_id, content.content_id, decided.position)


def publish_draft(
    desk: Desk, template_id: str, expected: int | None
) -> tuple[template.State, Content, int | None]:
    """Publish what the draft says now; `expected`: only at this revision.

    Raises NotFound, WrongState, and Problem with every error that keeps it from being published.
    """
    template.require_active(known(desk, template_id))
    kept = template_drafts.read(desk, template_id)
    if expected is not None and kept.revision != expected:
        raise Problem("precondition_failed", "the draft was changed meanwhile; read it again")
    errors = [asdict(one) for one in examined(kept.draft) if one.severity == "error"]
    if errors:
        detail = f"the draft cannot be published: {errors[0]['field']}: {errors[0]['detail']}"
        raise Problem("invalid", detail, errors=errors)
    content = content_of(kept.draft)
    published = publish(desk, template_id, content)
    return known(desk, template_id), content, published.position


def duplicate(desk: Desk, template_id: str, name: str) -> tuple[str, Decided]:
    """A new template that says what the draft of this one says. Raises NotFound."""
    known(desk, template_id)
    kept = template_drafts.read(desk, template_id)
    copy_id, decided = create_named(desk, name, workspace_of(desk, template_id))
    if not template_drafts.read(desk, copy_id).revision:
        template_drafts.write(desk, copy_id, kept.draft, None)
        template_drafts.file(desk, copy_id, folder=kept.folder, tags=kept.tags)
    return copy_id, decided


def put_away(desk: Desk, template_id: str, *, archived: bool) -> Decided:
    """Archive it, or take it out again. Raises NotFound."""
    require_visible(desk, template_id, "template")
    decide = template.archive if archived else template.restore
    return desk.decide(template, template.stream(template_id), decide)


def known(desk: Desk, template_id: str) -> template.State:
    """The template, if the caller may see it. Raises NotFound."""
    require_visible(desk, template_id, "template")
    state: template.State = desk.state(template, template.stream(template_id))
    if not state.template_id:
        raise NotFound("template_id: there is no such template")
    return state


def body_of(desk: Desk, content_id: str) -> dict[str, Any]:
    """Published content. Raises NotFound."""
    rows = desk.rows(BODY, content_id=content_id)
    if not rows:
        raise NotFound("content_id: there is no such content")
    body: dict[str, Any] = rows[0]["body"]
    return body
