"""What a template says to somebody: preview, test mail, comparison of what it says and said."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from adapters.message import preview
from adapters.message.linting import Draft, content_of, examined
from api.commands import one_mail, template_drafts, templates
from api.commands.one_mail import Mail, Sent
from api.desk import Desk
from api.problems import Problem
from api.workspaces import require_visible, workspace_of
from domain.refusals import NotFound

VERSION = """
SELECT content_id FROM rm.template_version
WHERE tenant_id = %(tenant_id)s AND template_id = %(template_id)s AND template_version = %(version)s
"""
LEAD = """
SELECT address, fields FROM vault.contact
WHERE tenant_id = %(tenant_id)s AND contact_id = %(contact_id)s AND erased_at IS NULL
  AND (%(workspaces)s::text[] IS NULL OR EXISTS (
    SELECT FROM vault.list_member m
    JOIN vault.workspace_of w ON w.tenant_id = m.tenant_id AND w.id = m.list_id
    WHERE m.tenant_id = %(tenant_id)s AND m.contact_id = %(contact_id)s
      AND w.workspace_id = ANY(%(workspaces)s)))
"""
LIST_FIELDS = """
SELECT DISTINCT unnest(fields) AS name FROM vault.import
WHERE tenant_id = %(tenant_id)s AND list_id = %(list_id)s AND state = 'done'
"""
LIST = "SELECT 1 FROM vault.lead_list WHERE tenant_id = %(tenant_id)s AND list_id = %(list_id)s"
PARTS = ("subject", "preheader", "html", "text")
NOBODY = "reader@example.com"
TEST_PREFIX = "[Test] "
COMPARED_LINES_MAX = 3000  # comparing takes quadratic time


def body_of(desk: Desk, template_id: str, version: int | None) -> dict[str, Any]:
    """What a version says; None: what the draft says. Raises NotFound, Problem for a bad draft."""
    templates.known(desk, template_id)
    if version is not None:
        rows = desk.rows(VERSION, template_id=template_id, version=version)
        if not rows:
            raise NotFound("version: the template has no such version yet")
        return templates.body_of(desk, rows[0]["content_id"])
    return content_of(_sound(template_drafts.read(desk, template_id).draft)).body


def _sound(draft: Draft) -> Draft:
    errors = [asdict(one) for one in examined(draft) if one.severity == "error"]
    if errors:
        detail = f"the draft cannot be shown: {errors[0]['field']}: {errors[0]['detail']}"
        raise Problem("invalid", detail, errors=errors)
    return draft


def reader(desk: Desk, contact_id: str) -> tuple[str, dict[str, str]]:
    """Address and fields of a lead that the caller may see. Raises NotFound."""
    only = None if desk.workspace_ids is None else sorted(desk.workspace_ids)
    rows = desk.rows(LEAD, contact_id=contact_id, workspaces=only)
    if not rows:
        raise NotFound("contact_id: there is no such lead")
    return rows[0]["address"], dict(rows[0]["fields"])


def fields_of_list(desk: Desk, list_id: str) -> list[str]:
    """The merge fields that the imports of a list had. Raises NotFound."""
    require_visible(desk, list_id, "lead list")
    if not desk.rows(LIST, list_id=list_id):
        raise NotFound("list_id: there is no such lead list")
    return [row["name"] for row in desk.rows(LIST_FIELDS, list_id=list_id)]


def send_test(
    desk: Desk,
    template_id: str,
    body: Mapping[str, Any],
    *,
    sender_id: str,
    to: Sequence[str],
    fields: Mapping[str, str],
    now: datetime,
) -> Sent:
    """Send what it says to a reader with these fields to a few addresses, marked as a test.

    Raises NotFound, Invalid, WrongState.
    """
    one_mail.require_sender(desk, sender_id)
    parts = preview.as_content(body, fields)
    subject = TEST_PREFIX + parts["subject"]
    content = content_of(Draft(subject, parts["html"], "html", parts["preheader"], parts["text"]))
    desk.write(templates.CONTENT, content_id=content.content_id, body=Jsonb(content.body))
    place = workspace_of(desk, template_id)
    mail = Mail(template_id, content.content_id, sender_id, f"test of {template_id}", place)
    return one_mail.send(desk, mail, to, now)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Part by part whether it changed, and the lines that did, as `diff -u` writes them.

    Of a part with very many lines only whether it changed.
    """
    return [_part(name, str(before.get(name, "")), str(after.get(name, ""))) for name in PARTS]


def _part(name: str, before: str, after: str) -> dict[str, Any]:
    old, new = before.splitlines(), after.splitlines()
    lines: list[str] = []
    if before != after and max(len(old), len(new)) <= COMPARED_LINES_MAX:
        lines = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
    return {"field": name, "changed": before != after, "lines": lines}
