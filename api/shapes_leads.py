"""What answers about lists, leads, segments and imports look like."""

from __future__ import annotations

from typing import Any

from api.problems import KINDS, MEDIA_TYPE
from api.shapes import Shape, schema

ASKED = ("unauthorized", "tenant_missing", "invalid", "forbidden", "unavailable")
TOLD = ("not_found", "wrong_state", *ASKED)
EDITED = ("precondition_required", "precondition_failed", *TOLD)
POSITION = {"position": 4711}
#: Objects whose names the tenant chooses.
_OPEN: dict[str, dict[str, Any]] = {
    "fields": {"type": "object", "additionalProperties": {"type": "string"}},
    "filter": {"type": "object"},
}
_NULLABLE = frozenset({"position", "rows_per_s", "eta_s", "rows_total", "problem", "archived_at"})
_LEAD_ID, _LIST_ID = "lea_agnhktnyod5u3c7bbk3ktt7c4a", "lst_agnhktnyoh4u3c7bbk3ktt7c4a"
_AT = "2026-01-05T09:00:00.000000Z"

LEAD = {
    "object": "lead",
    "lead_id": _LEAD_ID,
    "address": "ada@example.com",
    "domain": "example.com",
    "fields": {"first_name": "Ada", "city": "Oslo"},
    "tags": ["vip"],
    "list_ids": [_LIST_ID],
    "suppressed": False,
    "version": 1,
    "created_at": _AT,
    "changed_at": _AT,
}
LEAD_LIST = {
    "object": "lead_list",
    "list_id": _LIST_ID,
    "name": "Spring news",
    "workspace_id": "",
    "segment_id": "",
    "members": 1200,
    "created_at": _AT,
    "archived_at": None,
}
FILTER = {
    "all": [
        {"what": "field", "name": "city", "op": "equals", "value": "Oslo"},
        {"not": {"what": "suppressed", "op": "is", "value": True}},
    ]
}
SEGMENT = {
    "object": "segment",
    "segment_id": "seg_agnhktnyoh4u3c7bbk3ktt7c4a",
    "name": "People in Oslo",
    "workspace_id": "",
    "filter": FILTER,
    "version": 1,
    "created_at": _AT,
    "changed_at": _AT,
    "archived_at": None,
}
IMPORT = {
    "object": "import",
    "import_id": "imp_agnhktnyoh4u3c7bbk3ktt7c4a",
    "list_id": _LIST_ID,
    "state": "running",
    "file_name": "leads.csv",
    "format": "csv",
    "bytes": 52428800,
    "rows": 0,
    "imported": 0,
    "duplicates": 0,
    "rejected": 0,
    "suppressed": 0,
    "removed_members": 0,
    "removed_contacts": 0,
    "reason": "",
    "created_at": _AT,
    "started_at": _AT,
    "ended_at": None,
    "progress": {
        "phase": "reading",
        "rows_done": 240000,
        "rows_total": 1000000,
        "rows_per_s": 41000.0,
        "eta_s": 18.5,
        "cancelling": False,
    },
}


def described(example: Any) -> dict[str, Any]:
    """The schema of what is shaped like the example, with what is open left open."""
    return _opened(schema(example))


def _opened(found: dict[str, Any]) -> dict[str, Any]:
    for name, inner in found.get("properties", {}).items():
        if name in _OPEN:
            found["properties"][name] = _OPEN[name]
            continue
        _opened(inner)
        if name in _NULLABLE and isinstance(inner.get("type"), str):
            inner["type"] = [inner["type"], "null"]
    if "items" in found:
        _opened(found["items"])
    return found


def answers(description: str, example: dict[str, Any], *problems: str, status: int = 200) -> Shape:
    """OpenAPI's answers of a route: its own, shaped like the example, and these problems."""
    content = {"application/json": {"schema": described(example), "example": example}}
    found: Shape = {status: {"description": description, "content": content}}
    for code in problems:
        kind = KINDS[code]
        found[kind.status] = {"description": kind.title, "content": {MEDIA_TYPE: {}}}
    return found


def _page(example: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": [example], "has_more": True, "next_cursor": "q83vEjRWeJA"}


def _command(description: str, example: dict[str, Any], status: int = 200) -> Shape:
    return answers(description, example | POSITION, *TOLD, "taken", status=status)


LISTS = answers("A page of lists", _page(LEAD_LIST), "invalid_cursor", *ASKED)
LIST = answers("The list", LEAD_LIST, "not_found", *ASKED)
LIST_MADE = _command("The list", LEAD_LIST, 201)
LIST_TOLD = _command("The list", LEAD_LIST)
_MOVED = {"object": "membership", "list_id": _LIST_ID, "lead_ids": [_LEAD_ID], "members": 1201}
MOVED = _command("Who is in it now, or no more, because of this", _MOVED)

LEADS = answers("A page of leads", _page(LEAD), "invalid_cursor", *ASKED)
ONE_LEAD = answers("The lead; its ETag is its version", LEAD, "not_found", *ASKED)
LEAD_MADE = _command("The lead", LEAD, 201)
LEAD_TOLD = answers("The lead", LEAD | POSITION, *EDITED)
_DELETED = {"object": "lead", "lead_id": _LEAD_ID, "deleted": True}
LEAD_DELETED = _command("It is gone", _DELETED)
_RESULT = {
    "index": 0,
    "status": 201,
    "done": "created",
    "lead_id": _LEAD_ID,
    "version": 1,
    "problem": {"code": "invalid", "detail": "address: no address; correct it"},
}
BULK = _command("What each item came to", {"object": "bulk", "done": 1, "results": [_RESULT]})

SEGMENTS = answers("A page of segments", _page(SEGMENT), "invalid_cursor", *ASKED)
ONE_SEGMENT = answers("The segment; its ETag is its version", SEGMENT, "not_found", *ASKED)
SEGMENT_MADE = _command("The segment", SEGMENT, 201)
SEGMENT_TOLD = answers("The segment", SEGMENT | POSITION, *EDITED)
_PREVIEW = {"object": "preview", "leads": 100000, "exact": False, "sample": [LEAD]}
PREVIEW = answers("How many leads meet it, and the newest of them", _PREVIEW, *TOLD)
FROZEN = _command("A list of who is in the segment now", LEAD_LIST, 201)

IMPORTS = answers("A page of imports", _page(IMPORT), "invalid_cursor", *ASKED)
ONE_IMPORT = answers("The import and how far it is", IMPORT, "not_found", *ASKED)
UPLOADED = answers("The file is kept, nothing imported yet", IMPORT, *TOLD, "taken", status=201)
STARTED = answers("It runs in the background", IMPORT, *TOLD, status=202)
_COLUMN = {"index": 0, "title": "Email", "to": "address", "name": ""}
_PREVIEWED = {
    "object": "import_preview",
    "import_id": IMPORT["import_id"],
    "encoding": "utf-8",
    "delimiter": ",",
    "columns": [_COLUMN],
    "rows": [{"line": 2, "values": ["ada@example.com"]}],
    "rejects": [{"line": 3, "reason": "no address", "row": ",Bob"}],
    "rows_looked_at": 1000,
    "ready": True,
    "problem": "columns: one of them has to be the address; map exactly one to address",
}
PREVIEWED = answers("What the file holds, as it would be read", _PREVIEWED, *TOLD)
ERRORS: Shape = {
    200: {
        "description": "line, reason and row, each quoted; a cell never begins a formula",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    },
    **{
        KINDS[code].status: {"description": KINDS[code].title, "content": {MEDIA_TYPE: {}}}
        for code in ("not_found", *ASKED)
    },
}
