"""What answers look like: an example each, and the JSON schema that follows from it."""

from __future__ import annotations

from typing import Any

from api.problems import KINDS, MEDIA_TYPE

Shape = dict[int | str, dict[str, Any]]

#: Fields that are null until there is something to tell.
NULLABLE = frozenset(
    {"next_cursor", "ended_at", "started_at", "launched_at", "expires_at", "drafted_at", "value"}
    | {"planned", "as_of", "cap_per_day", "headroom", "retired_at", "template_id", "content_id"}
    | {"oldest_started_s", "last_attempt_age_s", "list_ids", "priority", "message_class"}
    | {"rate_per_s", "burst", "archived_at", "published_at", "verified_at", "draft_changed_at"}
    | {"scheduled_at", "headroom_today", "days", "since"}
    | {"send_window", "opens_at", "contact_fatigue"}
    | {"position", "looked_at", "plain", "deletion_due_at", "revoked_at", "last_used_at"}
    | {"workspace_ids", "activated_at", "retires_at"}
    | {"waiting", "left", "share", "limit", "sends_per_month", "produced_at", "claimed_at"}
)
#: Fields that only some elements of a list have.
OPTIONAL = frozenset(
    {"n", "ip", "release_id", "source", "reason", "phase", "code", "enhanced", "counted"}
    | {"due_at", "expires_at", "cap_per_day", "cap_reason", "rate_per_s", "burst", "rate_reason"}
)
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}

AS_OF = {"caught_up_at": "2026-01-05T09:00:01.204511Z", "age_s": 0.4, "lag_records": 0}
_SHARE = {"numerator": 9421, "denominator": 9601, "value": 0.981252}
_COUNTERS = {
    "requested": 9900, "open": 100, "waiting": 80, "started": 15, "accepted": 9421, "deferred": 5,
    "rejected": 180, "ambiguous": 0, "suppressed": 199, "expired": 0, "cancelled": 0,
}  # fmt: skip
_CAMPAIGN = {
    "object": "campaign",
    "campaign_id": "cmp_agnhktnyopyf3jxw6k2vxzhd4e",
    "name": "Spring news",
    "workspace_id": "",
    "state": "running",
    "reason": "",
    "template_id": "tpl_agnhktnyoj6v5hs3a7mlytmzhu",
    "content_id": "cnt_7xq2ln3kzv4m5ydxw6p7c2hbre",
    "list_ids": ["lst_agnhktnyoh4u3c7bbk3ktt7c4a"],
    "priority": "normal",
    "message_class": "bulk",
    "drafted_at": "2026-01-05T08:58:00.000000Z",
    "launched_at": "2026-01-05T08:59:30.000000Z",
    "expires_at": "2026-01-07T08:59:30.000000Z",
    "ended_at": None,
    "counters": _COUNTERS | {"planned": 9900, "released": 60},
    "rates": {"delivery": _SHARE, "bounce": _SHARE, "ambiguous": _SHARE},
    "providers": {"gmail": _COUNTERS},
}
LEDGER_ROW = {
    "send_id": "snd_2zj7qk4nq5c3mvm2y7m4xw6a5u",
    "contact_id": "lea_agnhktnyod5u3c7bbk3ktt7c4a",
    "batch_id": "bat_w5vfy2zj7qk4nq5c3mvm2y7m4x",
    "idx": 17,
    "provider": "gmail",
    "state": "accepted",
    "n": 2,
    "ip": "ip_agnhktnyoh6v5hs3a7mlytmzhu",
    "reason": "ACCEPTED",
    "code": 250,
    "enhanced": "2.0.0",
    "requested_at": "2026-01-05T08:59:31.000000Z",
    "started_at": "2026-01-05T08:59:32.000000Z",
    "ended_at": "2026-01-05T09:04:40.120000Z",
    "changed_at": "2026-01-05T09:04:40.120000Z",
}
_PLACE = {
    "event_id": "evt_c3mvm2y7m4xw6a5u2zj7qk4nq5", "topic": "pm.attempts", "partition": 2,
    "offset": 4711,
}  # fmt: skip
_EVENTS = [
    {
        **_PLACE, "event": "accepted", "at": "2026-01-05T09:04:40.120000Z", "n": 2,
        "ip": "ip_agnhktnyoh6v5hs3a7mlytmzhu", "release_id": "rel_m2y7m4xw6a5u2zj7qk4nq5c3mv",
        "source": "owner", "reason": "ACCEPTED", "phase": "dot", "code": 250, "enhanced": "2.0.0",
        "counted": True,
    },
]  # fmt: skip
_IP = {
    "ip": "ip_agnhktnyoh6v5hs3a7mlytmzhu",
    "address": "203.0.113.7",
    "route": "mx",
    "relay_host": "",
    "relay_port": 0,
    "added_at": "2026-01-02T10:00:00.000000Z",
    "retired_at": None,
    "vps_id": "vps_agnhktnyoh6v5hs3a7mlytmzhu",
    "domain_ids": ["dom_agnhktnyof5u3c7bbk3ktt7c4a"],
    "rules": [{"provider": "gmail", "cap_per_day": 500, "cap_reason": "warm-up day 3"}],
    "use": [
        {"provider": "gmail", "started": 320, "reserved": 40, "cap_per_day": 500, "headroom": 140}
    ],
    "quarantined_at": None,
    "quarantine_reason": "",
    "warmup": [
        {
            "provider": "*",
            "plan": "custom",
            "curve": [50, 100, 200],
            "target": 5000,
            "reason": "a new IP",
            "chosen_at": "2026-01-02T10:00:00.000000Z",
        }
    ],
}
_READER = {
    "reader": "send_ledger_v1", "lag_records": 0, "age_s": 0.4, "silent_s": 0.4, "colour": "green",
}  # fmt: skip


def _list(data: dict[str, Any], **extra: Any) -> dict[str, Any]:
    shape = {"object": "list", "data": [data], "has_more": True, "next_cursor": "q83vEjRWeJA"}
    return shape | {"as_of": AS_OF} | extra


def schema(example: Any, name: str = "") -> dict[str, Any]:
    """The JSON schema of everything that is shaped like the example."""
    found: dict[str, Any] = {}
    if isinstance(example, dict):
        keyed = name == "providers"  # by names that differ from answer to answer
        inner = {key: schema(value, key) for key, value in example.items()}
        found = {"type": "object"}
        if keyed:
            found["additionalProperties"] = next(iter(inner.values()))
        else:
            found |= {"properties": inner, "required": sorted(inner.keys() - OPTIONAL)}
    elif isinstance(example, list):
        found = {"type": "array", "items": schema(example[0])}
    elif example is not None:
        found = {"type": _TYPES[type(example)]}
    if name in NULLABLE and found:
        found["type"] = [found["type"], "null"]
    return found


def _answers(description: str, example: dict[str, Any], *problems: str) -> Shape:
    content = {"application/json": {"schema": schema(example), "example": example}}
    found: Shape = {200: {"description": description, "content": content}}
    for code in problems:
        kind = KINDS[code]
        found[kind.status] = {"description": kind.title, "content": {MEDIA_TYPE: {}}}
    return found


_ASKED = ("unauthorized", "tenant_missing", "invalid", "unavailable")
CAMPAIGNS = _answers("A page of campaigns", _list(_CAMPAIGN), *_ASKED)
CAMPAIGN = _answers("The campaign", _CAMPAIGN | {"as_of": AS_OF}, "not_found", *_ASKED)
SENDS = _answers("A page of the ledger", _list(LEDGER_ROW), "not_found", *_ASKED)
SEND = _answers(
    "The send and its events",
    {"object": "send"}
    | LEDGER_ROW
    | {"campaign_id": _CAMPAIGN["campaign_id"], "step": 1, "priority": "normal"}
    | {"events": _EVENTS, "as_of": AS_OF},
    "not_found",
    *_ASKED,
)
SENDING_IP = _answers(
    "The sending IP", {"object": "sending_ip"} | _IP | {"as_of": AS_OF}, "not_found", *_ASKED
)
SENDING_IPS = _answers("All sending IPs", _list(_IP, day="2026-01-05"), *_ASKED)
HEALTH = _answers(
    "Both answer", {"status": "green", "api": "green", "database": "green"}, "unavailable"
)
HEALTH_DB = _answers(
    "The server", {"version": "18.6", "in_recovery": False, "up_s": 86400.5}, "unavailable"
)
HEALTH_QUEUE = _answers(
    "Waiting and reading",
    {
        "due": {"rows": 12, "sends": 4000, "oldest_due_s": 1.8, "colour": "green"},
        "parked_batches": 0,
        "readers": [_READER],
    },
    "unavailable",
)
HEALTH_EMAIL = _answers(
    "Gate and lanes",
    {
        "gate": {"open": True, "reason": "", "changed_at": "2026-01-05T08:00:00.000000Z"},
        "lanes": [
            {
                "priority": "normal", "ip": "ip_agnhktnyoh6v5hs3a7mlytmzhu", "released": 2000,
                "started": 500, "oldest_started_s": 0.7,
            }
        ],
        "last_attempt_age_s": 0.2,
    },
    "unavailable",
)  # fmt: skip
