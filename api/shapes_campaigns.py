"""What answers about campaigns being put together, and about suppressions, look like."""

from __future__ import annotations

from typing import Any

from api.problems import KINDS, MEDIA_TYPE
from api.shapes_content import answers, command

_ID = "cmp_agnhktnyopyf3jxw6k2vxzhd4e"
_PLAN: dict[str, Any] = {
    "object": "campaign_plan",
    "campaign_id": _ID,
    "name": "Spring news",
    "state": "scheduled",
    "template_id": "tpl_agnhktnyoj6v5hs3a7mlytmzhu",
    "content_id": "cnt_7xq2ln3kzv4m5ydxw6p7c2hbre",
    "list_ids": ["lst_agnhktnyoh4u3c7bbk3ktt7c4a"],
    "segment_id": "",
    "sender_id": "sdr_w5vfy2zj7qk4nq5c3mvm2y7m4x",
    "domain_id": "dom_2zj7qk4nq5c3mvm2y7m4xw6a5u",
    "ips": ["ip_agnhktnyoh6v5hs3a7mlytmzhu"],
    "priority": "normal",
    "message_class": "bulk",
    "sign": "rsa",
    "expire_after_s": 259200,
    "send_window": {
        "days": ["mon", "tue", "wed", "thu", "fri"],
        "from": "09:00",
        "to": "17:00",
        "zone_of": "recipient",
        "zone": "Europe/Berlin",
    },
    "workspace_id": "",
    "revision": 1,
    "scheduled_at": "2026-03-02T08:00:00.000000Z",
    "zone": "Europe/Berlin",
    "blocked_by": ["unverified_domain"],
}
_BLOCK = {
    "code": "unverified_domain",
    "field": "sender_id",
    "detail": "example.com is not verified",
    "cure": "publish its DNS records and have them checked",
}
_WARNING = {
    "code": "degraded_domain",
    "field": "sender_id",
    "detail": "example.com lacks DNS records that it had: TXT _dmarc.example.com",
    "cure": "publish them again and have the domain checked",
}
_ESTIMATE = {
    "object": "campaign_estimate",
    "campaign_id": _ID,
    "leads": 1000,
    "duplicates": 12,
    "erased": 1,
    "suppressed": {"platform": 2, "tenant": 40, "workspace": 0, "message_class": 3},
    "mailable": 954,
    "incomplete": 17,
    "lacking": [{"field": "first_name", "leads": 17}],
    "by_provider": [
        {"provider": "google", "leads": 954, "cap_per_day": 500, "headroom_today": 454, "days": 2}
    ],
    "days": 2,
    "opens_at": "2026-03-02T08:00:00.000000Z",
    "blocked_by": [_BLOCK],
    "warnings": [_WARNING],
}
_TOLD = {
    "object": "campaign",
    "campaign_id": _ID,
    "state": "scheduled",
    "scheduled_at": "2026-03-02T08:00:00.000000Z",
    "zone": "Europe/Berlin",
}
_BASE_PROBLEMS = ("not_found", "unauthorized", "forbidden", "invalid", "unavailable")
PLAN = answers("What it consists of", _PLAN, *_BASE_PROBLEMS)
DRAFTED = command("The new draft", _PLAN, 201)
REVISED = command("The draft as it is now", _PLAN) | {
    KINDS[code].status: {"description": KINDS[code].title, "content": {MEDIA_TYPE: {}}}
    for code in ("precondition_failed", "precondition_required")
}
ESTIMATE = answers("What a launch would come to", _ESTIMATE, *_BASE_PROBLEMS)
LAUNCHED = command("It is launched", _TOLD, 202)
TOLD = command("What became of it", _TOLD)
ACTED = command("It is decided; the effect follows within a second", _TOLD, 202)

_SUPPRESSION = {
    "object": "suppression",
    "contact_id": "lea_agnhktnyod5u3c7bbk3ktt7c4a",
    "address": "ann@example.com",
    "scope": "tenant",
    "target": "",
    "reason": "unsubscribe",
    "since": "2026-01-05T09:00:00.000000Z",
}
_SUPPRESSED = {
    "object": "suppression",
    "contact_id": "lea_agnhktnyod5u3c7bbk3ktt7c4a",
    "scope": "tenant",
    "target": "",
    "reason": "manual",
    "created": True,
}
_VERDICT = {
    "address": "ann@example.com",
    "suppressed": True,
    "scope": "tenant",
    "target": "",
    "reason": "unsubscribe",
    "since": "2026-01-05T09:00:00.000000Z",
}
_ITEM = {"index": 0, "status": 201, "contact_id": _SUPPRESSED["contact_id"], "detail": ""}
SUPPRESSIONS = answers(
    "A page of suppressions",
    {"object": "list", "data": [_SUPPRESSION], "has_more": True, "next_cursor": "q83vEjRWeJA"},
    *_BASE_PROBLEMS,
)
SUPPRESSED = command("The suppression", _SUPPRESSED, 201)
LIFTED = command("What was lifted", {"object": "suppression", "lifted": 1})
BULK = command(
    "What became of each item, in order",
    {"object": "bulk", "done": 1, "failed": 0, "items": [_ITEM]},
)
CHECKED = answers(
    "A verdict for each address, in order",
    {"object": "suppression_verdicts", "data": [_VERDICT]},
    *_BASE_PROBLEMS,
)
IMPORTED = command(
    "What the list came to",
    {
        "object": "suppression_import",
        "rows": 3,
        "suppressed": 1,
        "known": 1,
        "rejected": 1,
        "rejects": [{"line": 4, "detail": "address: not an address; write it as ann@example.com"}],
    },
)
_EVERYWHERE = {"object": "suppression", "scope": "platform", "changed": True}
PLATFORM = command("What became of it", _EVERYWHERE)
PLATFORM_ADDED = command("It is suppressed for all tenants", _EVERYWHERE, 201)
EXPORT: dict[int | str, dict[str, Any]] = {
    200: {"description": "CSV, a header line first", "content": {"text/csv": {}}}
}
