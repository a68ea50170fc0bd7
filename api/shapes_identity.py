"""What answers about people and their sessions look like."""

from __future__ import annotations

from typing import Any

from api.problems import KINDS, MEDIA_TYPE
from api.shapes import Shape, schema

_USER_ID = "usr_agnhktnyopyf3jxw6k2vxzhd4e"
_SESSION = {
    "object": "session",
    "session_id": "ses_agnhktnyoh6v5hs3a7mlytmzhu",
    "user_id": _USER_ID,
    "email_verified": True,
    "token": "pm_session_…",
    "ends_at": "2026-01-05T21:00:01.204511Z",
}
_LISTED = {
    "object": "session",
    "session_id": "ses_agnhktnyoh6v5hs3a7mlytmzhu",
    "made_at": "2026-01-05T09:00:01.204511Z",
    "seen_at": "2026-01-05T09:12:44.000000Z",
    "ip": "203.0.113.7",
    "agent": "Mozilla/5.0",
    "current": True,
}
_MEMBERSHIP = {
    "tenant_id": "ten_agnhktnyoh4u3c7bbk3ktt7c4a",
    "role": "owner",
    "tenant_name": "Ada's",
    "workspace_ids": ["wsp_agnhktnyoh4u3c7bbk3ktt7c4a"],
    "workspaces": [{"workspace_id": "wsp_agnhktnyoh4u3c7bbk3ktt7c4a", "name": "Spring Ltd"}],
    "since": "2026-01-05T09:00:00.000000Z",
}
_USER = {
    "object": "user",
    "user_id": _USER_ID,
    "address": "ada@example.com",
    "name": "Ada",
    "email_verified": True,
    "totp_enabled": True,
    "recovery_codes_left": 9,
    "created_at": "2026-01-05T09:00:00.000000Z",
    "memberships": [_MEMBERSHIP],
}
_CODES = [f"abcdef-ghijkm-npqrst-uvwxy{n}" for n in range(2, 4)]
_NULLABLE = {"workspace_ids": "array", "workspaces": "array", "position": "integer"}


def _answers(description: str, example: dict[str, Any], *problems: str, status: int = 200) -> Shape:
    content = {"application/json": {"schema": _nullable(schema(example)), "example": example}}
    found: Shape = {status: {"description": description, "content": content}}
    for code in (*problems, "invalid", "unavailable"):
        kind = KINDS[code]
        found[kind.status] = {"description": kind.title, "content": {MEDIA_TYPE: {}}}
    return found


def _nullable(found: dict[str, Any]) -> dict[str, Any]:
    """The schema, null allowed where there may be nothing to tell."""
    if "properties" in found:
        inner = {name: _nullable(part) for name, part in found["properties"].items()}
        for name in inner.keys() & _NULLABLE.keys():
            inner[name]["type"] = [_NULLABLE[name], "null"]
        return found | {"properties": inner}
    return found | {"items": _nullable(found["items"])} if "items" in found else found


_POSITION = {"position": 4711}
SENT = _answers("Whoever it concerns gets a mail", {"object": "letter"}, "too_many_attempts",
                status=202)  # fmt: skip
SIGNED_UP = _answers(
    "A mail is on its way", {"object": "letter"}, "too_many_attempts", "busy", status=202
)
VERIFIED = _answers("It is yours", {"object": "user", "email_verified": True} | _POSITION)
RESET = _answers(
    "Log in with it",
    {"object": "user", "email_verified": True} | _POSITION,
    "too_many_attempts",
    "busy",
)
_GUARDED = ("login_failed", "csrf", "too_many_attempts", "busy")
LOGGED_IN = _answers("A session", _SESSION, *_GUARDED)
LOGGED_OUT = _answers(
    "It ended", {"object": "session", "session_id": _SESSION["session_id"]}, "unauthorized", "csrf"
)
ME = _answers("The person that asks", _USER, "unauthorized", "csrf")
#: There is one page; OpenAPI's examples lose what is null, so this one shows what would be there.
_PAGE: dict[str, Any] = {"object": "list", "data": [_LISTED], "has_more": False}
SESSIONS = _answers("Their living sessions", _PAGE | {"next_cursor": "q83vEjRWeJA"}, "unauthorized")
REVOKED = _answers(
    "It ended",
    {"object": "session", "session_id": _SESSION["session_id"]} | _POSITION,
    "unauthorized",
    "csrf",
    "not_found",
)
PROOF = _answers(
    "For so long nothing asks for another",
    {
        "object": "proof",
        "session_id": _SESSION["session_id"],
        "fresh_until": "2026-01-05T09:10:01.204511Z",
    },
    *_GUARDED,
)
PASSWORD = _answers("Changed; go on in this session", _SESSION | _POSITION, *_GUARDED)
TOTP_BEGUN = _answers(
    "Give these to the app, then confirm with a code",
    {
        "object": "totp",
        "seed": "JBSWY3DPEHPK3PXP…",
        "setup_url": "otpauth://totp/PenguinMails:ada%40example.com?secret=…&issuer=PenguinMails",
    },
    *_GUARDED,
    "wrong_state",
)
TOTP_ON = _answers(
    "Codes are asked for from now on; go on in this session",
    _SESSION | {"recovery_codes": _CODES} | _POSITION,
    *_GUARDED,
    "wrong_state",
)
TOTP_OFF = _answers(
    "Codes are asked for no more; go on in this session",
    _SESSION | _POSITION,
    *_GUARDED,
    "wrong_state",
)
CODES = _answers(
    "The only ones from now on, shown this once",
    {"object": "recovery_codes", "recovery_codes": _CODES} | _POSITION,
    *_GUARDED,
    "wrong_state",
)
