"""What answers about templates look like."""

from __future__ import annotations

from http import HTTPStatus

from api.shapes import Shape
from api.shapes_content import answers, command, listing, question

_ID = "tpl_agnhktnyoj6v5hs3a7mlytmzhu"
_CONTENT = "cnt_7xq2ln3kzv4m5ydxw6p7c2hbre"
_AT = "2026-01-05T09:00:00.000000Z"
ASKED = ("not_found", "unauthorized", "tenant_missing", "invalid", "forbidden", "unavailable")
_TEMPLATE = {
    "object": "template",
    "template_id": _ID,
    "name": "Spring news",
    "workspace_id": "",
    "folder": "2026",
    "tags": ["spring"],
    "template_version": 2,
    "content_id": _CONTENT,
    "created_at": _AT,
    "published_at": _AT,
    "archived_at": None,
    "draft_changed_at": _AT,
}
_TOLD = {"object": "template", "template_id": _ID}
_SAID = {
    "subject": 'Hi {{ first_name | default("there") }}',
    "preheader": "News of spring",
    "html": "<p>Hello</p>",
    "text": "Hello\n",
}
_DRAFT = {"object": "template_draft", "template_id": _ID, "revision": 3} | _SAID
_DRAFT |= {"mjml": None, "changed_at": _AT}
_VERSION = {
    "object": "template_version",
    "template_version": 2,
    "content_id": _CONTENT,
    "variables": ["first_name"],
    "published_at": _AT,
}
_PART = {"field": "html", "changed": True, "lines": ["@@ -1 +1 @@", "-<p>Hi</p>", "+<p>Hello</p>"]}
_FINDING = {
    "severity": "warning",
    "code": "no_unsubscribe",
    "field": "html",
    "line": 1,
    "detail": "a bulk mail needs a way to leave that people see",
    "cure": 'write <a href="{{ unsubscribe_url }}">Unsubscribe</a>',
}


def _or_null(shape: Shape, *names: str) -> Shape:
    """The same answers, in which these fields may be null."""
    for status, told in shape.items():
        if int(status) < HTTPStatus.MULTIPLE_CHOICES:
            fields = told["content"]["application/json"]["schema"]["properties"]
            for name in names:
                fields[name] = fields[name] | {"type": [fields[name]["type"], "null"]}
    return shape


CREATED = command("It is there", _TOLD, 201)
TOLD = command("Done", _TOLD)
CHANGED = answers("Done", _TOLD | {"folder": "2026", "tags": ["spring"]}, *ASKED)
TEMPLATES = listing("A page of templates", _TEMPLATE)
TEMPLATE = question("The template", _TEMPLATE)
DRAFT = _or_null(answers("What it says now", _DRAFT, *ASKED), "html", "text", "changed_at")
DRAFT_SAVED = _or_null(
    answers(
        "It is kept", _DRAFT, "wrong_state", "precondition_failed", "precondition_required", *ASKED
    ),
    *("html", "text"),
)
PUBLISHED = answers(
    "The version that campaigns can send",
    {"object": "template_version", "template_id": _ID, "template_version": 2}
    | {"content_id": _CONTENT, "variables": ["first_name"], "position": 4711},
    *("wrong_state", "precondition_failed", *ASKED),
)
VERSIONS = listing("A page of versions", _VERSION, "not_found")
VERSION = question("The version and what it says", _VERSION | _SAID)
DIFF = _or_null(
    answers(
        "What changed",
        {"object": "template_diff", "template_id": _ID, "from": 1, "to": 2, "parts": [_PART]},
        *ASKED,
    ),
    "to",
)
LINT = answers(
    "Everything that is wrong",
    {"object": "template_lint", "template_id": _ID, "errors": 0, "findings": [_FINDING]},
    *ASKED,
)
PREVIEW = answers(
    "The mail as this reader would see it",
    {"object": "template_preview", "template_id": _ID, "missing": ["company"]} | _SAID,
    *ASKED,
)
TEST = answers(
    "It is on its way",
    {"object": "test_mail", "template_id": _ID, "position": 4711}
    | {"campaign_id": "cmp_agnhktnyopyf3jxw6k2vxzhd4e"},
    *("wrong_state", *ASKED),
    status=202,
)
