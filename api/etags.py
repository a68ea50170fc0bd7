"""Edits that must not undo each other's work: ETag and If-Match (RFC 9110 §13)."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header

from api.problems import Problem

REVISION = re.compile(r"r[0-9]{1,9}")
IfMatch = Annotated[
    str,
    Header(
        max_length=100,
        pattern=r"^(\*|\"[A-Za-z0-9_.-]+\")?$",
        description="the ETag that was read, in quotes; `*`: whatever it is now",
    ),
]


def etag(revision: int) -> str:
    """The ETag of a revision."""
    return f'"r{revision}"'


def revision_of(if_match: str) -> int | None:
    """The revision that an edit stands on; None: any. Raises Problem for a missing or odd one."""
    if if_match == "*":
        return None
    found = if_match.strip('"')
    if not if_match:
        raise Problem("precondition_required", "send If-Match with the ETag that you read, or *")
    if not REVISION.fullmatch(found):
        raise Problem("precondition_failed", "If-Match is no ETag of this; read it again")
    return int(found[1:])
