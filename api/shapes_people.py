"""What answers about people, invitations, keys, workspaces, staff and tenants look like."""

from __future__ import annotations

from typing import Any

from api.shapes import Shape
from api.shapes_content import ASKED, TOLD, answers, command, listing

_TENANT = "ten_agnhktnyof5u3c7bbk3ktt7c4a"
_WORKSPACES = ["wsp_agnhktnyoh4u3c7bbk3ktt7c4a"]
_USER = {
    "object": "user",
    "user_id": "usr_agnhktnyod5u3c7bbk3ktt7c4a",
    "address": "ada@example.com",
    "name": "Ada",
    "role": "manager",
    "state": "active",
    "workspace_ids": _WORKSPACES,
    "since": "2026-01-05T08:00:00.000000Z",
}
_INVITATION = {
    "object": "invitation",
    "invitation_id": "inv_agnhktnyod5u3c7bbk3ktt7c4a",
    "address": "ada@example.com",
    "role": "manager",
    "workspace_ids": _WORKSPACES,
    "state": "open",
    "invited_by": _USER["user_id"],
    "user_id": "",
    "created_at": "2026-01-05T08:00:00.000000Z",
    "expires_at": "2026-01-12T08:00:00.000000Z",
}
_KEY = {
    "object": "key",
    "key_id": "key_agnhktnyod5u3c7bbk3ktt7c4a",
    "name": "Shop",
    "starts_with": "pm_live_7qK2mZ9a",
    "role": "",
    "scopes": ["leads:read", "leads:write"],
    "workspace_ids": _WORKSPACES,
    "test": False,
    "created_by": _USER["user_id"],
    "created_at": "2026-01-05T08:00:00.000000Z",
    "expires_at": "2026-04-05T08:00:00.000000Z",
    "revoked_at": None,
    "last_used_at": "2026-01-06T09:00:00.000000Z",
}
_MADE = {
    "object": "key",
    "key_id": _KEY["key_id"],
    "key": "pm_live_7qK2mZ9a_3fVb8Xw1Rt5Yc0Lk9Pq2Sd7Gh4Jn6Mz1a9Bc4X",
}
_WORKSPACE = {
    "object": "workspace",
    "workspace_id": _WORKSPACES[0],
    "name": "Penguin Shop",
    "created_at": "2026-01-05T08:00:00.000000Z",
    "archived_at": None,
}
_STAFF = {
    "object": "staff",
    "staff_id": "stf_agnhktnyod5u3c7bbk3ktt7c4a",
    "name": "Eve",
    "role": "support",
    "active": True,
    "since": "2026-01-05T08:00:00.000000Z",
}
_TENANT_SHORT = {"object": "tenant", "tenant_id": _TENANT, "name": "Penguin Post"} | {
    "may_send": True
}
_TENANT_SHOWN = (
    _TENANT_SHORT
    | {"time_zone": "Europe/Berlin", "users": 3, "keys": 2}
    | {"workspaces": 1}
    | {"contact_fatigue": {"per_day": 2, "gap_h": 4}, "daily_limit": 20_000}
)
_ENTRY = {
    "object": "audit_entry",
    "pos": 4711,
    "event_id": "evt_agnhktnyod5u3c7bbk3ktt7c4a",
    "at": "2026-01-05T09:00:00.000000Z",
    "type": "MembershipChanged",
    "actor": _USER["user_id"],
    "subject_id": "usr_agnhktnyof5u3c7bbk3ktt7c4a",
    "reason": "new_duties",
    "correlation": "",
    "causation": "",
    "data": {},
}
_ROLE = {"object": "role", "role": "viewer", "permissions": ["campaigns:read", "sends:read"]}


def _page(description: str, example: dict[str, Any]) -> Shape:
    shape = {"object": "list", "data": [example], "has_more": True, "next_cursor": "q83vEjRWeJA"}
    return answers(description, shape, "invalid_cursor", *ASKED)


def _one(description: str, example: dict[str, Any]) -> Shape:
    return answers(description, example, "not_found", *ASKED)


def _told(example: dict[str, Any], name: str, **more: Any) -> dict[str, Any]:
    return {"object": example["object"], name: example[name]} | more


AUDIT = listing("A page of the audit log, the newest first", _ENTRY, "invalid_cursor")
USERS = _page("A page of the tenant's people", _USER)
USER = _one("The person", _USER)
USER_TOLD = command("What it came to", _told(_USER, "user_id", state="active", role="manager"))
ROLES = answers("All roles", {"object": "list", "data": [_ROLE], "has_more": False}, *ASKED)
INVITATIONS = _page("A page of invitations", _INVITATION)
INVITED = answers(
    "The invitation; its link is in the mail alone",
    {"object": "invitation", "invitation_id": _INVITATION["invitation_id"], "state": "open"}
    | {"position": 4711},
    "taken",
    *TOLD,
    status=201,
)
INVITATION_TOLD = command(
    "What it came to",
    {"object": "invitation", "invitation_id": _INVITATION["invitation_id"], "state": "open"},
)
ACCEPTED = answers(
    "The person belongs to the tenant",
    {"object": "membership", "tenant_id": _TENANT, "user_id": _USER["user_id"], "role": "manager"}
    | {"position": 4711},
    *("unauthorized", "invalid", "wrong_state", "unavailable"),
)
KEYS = _page("A page of API keys, the newest first", _KEY)
KEY = _one("The key, without its secret", _KEY)
KEY_MADE = answers(
    "The key, shown this once", _MADE | {"position": 4711}, "taken", *TOLD, status=201
)
KEY_TOLD = command(
    "What it came to", {"object": "key", "key_id": _KEY["key_id"], "state": "revoked"}
)
WORKSPACES = _page("A page of workspaces", _WORKSPACE)
WORKSPACE = _one("The workspace", _WORKSPACE)
WORKSPACE_MADE = command("The workspace", _told(_WORKSPACE, "workspace_id"), status=201)
WORKSPACE_TOLD = command("What it came to", _told(_WORKSPACE, "workspace_id"))
TENANT = _one("The tenant", _TENANT_SHOWN)
TENANT_TOLD = command("What it came to", {"object": "tenant", "tenant_id": _TENANT})
TENANTS = _page("A page of all tenants", _TENANT_SHORT)
TENANT_STATE = command(
    "What it came to", {"object": "tenant", "tenant_id": _TENANT, "state": "suspended"}
)
TENANT_LIMIT = command(
    "The limit that binds from now on",
    {"object": "tenant", "tenant_id": _TENANT, "daily_limit": 20_000},
)
STAFF = _page("A page of staff", _STAFF)
_STAFF_MADE = {"object": "staff", "staff_id": _STAFF["staff_id"]}
STAFF_MADE = answers(
    "The token, shown this once",
    _STAFF_MADE
    | {"token": "pm_staff_7qK2mZ9a_3fVb8Xw1Rt5Yc0Lk9Pq2Sd7Gh4Jn6Mz1a9Bc4X", "position": 4711},
    "taken",
    *TOLD,
    status=201,
)
STAFF_TOLD = command("What it came to", _STAFF_MADE)
