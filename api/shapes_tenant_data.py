"""What answers about erasures and the tenant's own data look like."""

from __future__ import annotations

from api.shapes_content import answers, command

_LEAD = "lea_agnhktnyod5u3c7bbk3ktt7c4a"
_ITEM = {"contact_id": _LEAD, "erased": True, "problem": None, "position": 4711}
_DELETION = {
    "object": "deletion",
    "state": "requested",
    "deletion_due_at": "2026-04-05T09:00:00.000000Z",
}
_ASKED = ("unauthorized", "tenant_missing", "invalid", "forbidden", "unavailable")

_EXPORT = {
    "object": "tenant_export",
    "export_id": "exp_agnhktnyof5u3c7bbk3ktt7c4a",
    "state": "running",
    "phase": "facts.ndjson",
    "rows_done": 18000,
    "created_at": "2026-01-05T09:00:00.000000Z",
    "expires_at": "2026-01-08T09:00:00.000000Z",
    "made_at": None,
    "bytes": None,
    "exact": None,
    "members": None,
    "enter_anew": None,
    "download": "/v1/tenant/exports/exp_agnhktnyof5u3c7bbk3ktt7c4a/download",
}

TENANT_EXPORT_ASKED = command("It is under way", _EXPORT, 202)
TENANT_EXPORT = answers("The export", _EXPORT, "not_found", "wrong_state", *_ASKED)
TENANT_EXPORTS = answers(
    "Under way or kept", {"object": "list", "data": [_EXPORT], "has_more": False}, *_ASKED
)
ERASED = command("It is erased", {"object": "erasure", "contact_id": _LEAD, "erased": True})
ERASED_SEVERAL = answers(
    "What came of each", {"object": "list", "data": [_ITEM], "has_more": False}, *_ASKED
)
DELETION = answers("Whether the tenant is to be deleted", _DELETION, "not_found", *_ASKED)
DELETION_ASKED = command("It is to be deleted", _DELETION, 202)
DELETION_CANCELLED = command("It stays", _DELETION | {"state": "none", "deletion_due_at": None})
