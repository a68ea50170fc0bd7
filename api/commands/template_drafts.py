"""Drafts of templates: what a template says while people work on it, kept in the vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters.message.linting import Draft
from api.desk import Desk
from api.problems import Problem

DRAFT = """
SELECT format, subject, preheader, body, plain, folder, tags, revision, changed_at
FROM vault.template_draft WHERE tenant_id = %(tenant_id)s AND template_id = %(template_id)s
"""
FIRST = """
INSERT INTO vault.template_draft
  (tenant_id, template_id, format, subject, preheader, body, plain, folder, tags, revision)
VALUES (%(tenant_id)s, %(template_id)s, %(format)s, %(subject)s, %(preheader)s, %(body)s, %(plain)s,
  %(folder)s, %(tags)s, 1)
ON CONFLICT DO NOTHING
"""
CHANGE = """
UPDATE vault.template_draft SET format = %(format)s, subject = %(subject)s,
  preheader = %(preheader)s, body = %(body)s, plain = %(plain)s, folder = %(folder)s,
  tags = %(tags)s, revision = revision + 1, changed_at = now()
WHERE tenant_id = %(tenant_id)s AND template_id = %(template_id)s AND revision = %(revision)s
"""
EMPTY = Draft("", "")


@dataclass(frozen=True)
class Kept:
    """A draft as it is kept; `revision` rises with each change, from 1; 0: nothing was kept yet."""

    draft: Draft = EMPTY
    folder: str = ""
    tags: tuple[str, ...] = ()
    revision: int = 0
    changed_at: Any = None


def read(desk: Desk, template_id: str) -> Kept:
    """The draft, empty where none was kept."""
    rows = desk.rows(DRAFT, template_id=template_id)
    if not rows:
        return Kept()
    row = rows[0]
    draft = Draft(row["subject"], row["body"], row["format"], row["preheader"], row["plain"])
    return Kept(draft, row["folder"], tuple(row["tags"]), row["revision"], row["changed_at"])


def write(desk: Desk, template_id: str, draft: Draft, expected: int | None) -> Kept:
    """Keep what the template says. Raises Problem precondition_failed when it changed meanwhile."""
    before = read(desk, template_id)
    return _change(desk, template_id, before, replace(before, draft=draft), expected)


def file(desk: Desk, template_id: str, *, folder: str | None, tags: Sequence[str] | None) -> Kept:
    """Put it into a folder, give it tags; None: as before."""
    before = read(desk, template_id)
    after = replace(
        before,
        folder=before.folder if folder is None else folder,
        tags=before.tags if tags is None else tuple(sorted(set(tags))),
    )
    return before if after == before else _change(desk, template_id, before, after, None)


def _change(desk: Desk, template_id: str, before: Kept, after: Kept, expected: int | None) -> Kept:
    """One who was quicker, or whose work `expected` does not know, is not overwritten."""
    stands_on = before.revision if expected is None else expected
    values = {
        "template_id": template_id,
        "format": after.draft.format,
        "subject": after.draft.subject,
        "preheader": after.draft.preheader,
        "body": after.draft.body,
        "plain": after.draft.plain,
        "folder": after.folder,
        "tags": list(after.tags),
    }
    if stands_on:
        done = desk.write(CHANGE, **values, revision=stands_on)
    else:
        done = desk.write(FIRST, **values)
    if not done:
        raise Problem("precondition_failed", "the draft was changed meanwhile; read it again")
    return read(desk, template_id)
