"""What answers about figures over time, usage, exports and the ledger look like."""

from __future__ import annotations

from typing import Any

from api.shapes import AS_OF, LEDGER_ROW
from api.shapes_content import ASKED, answers, command, listing, question

_SHARE = {"numerator": 9421, "denominator": 9601, "value": 0.981252}
RATES = dict.fromkeys(
    (
        *("delivery", "bounce", "ambiguous", "open", "click", "reply", "unsubscribe", "complaint"),
        *("click_to_open", "estimated_inbox"),
    ),
    _SHARE,
)
COUNTERS = {
    "requested": 9900, "sent": 9601, "delivered": 9421, "bounced": 183, "hard_bounced": 150,
    "soft_bounced": 30, "late_bounced": 3, "ambiguous": 0, "deferred": 412, "suppressed": 199,
    "expired": 0, "cancelled": 0, "opened": 3100, "opens": 4800, "machine_opens": 2100,
    "clicked": 420, "clicks": 610, "machine_clicks": 95, "replied": 88, "unsubscribed": 12,
    "complaints": 2,
}  # fmt: skip
_TOLD = {"counters": COUNTERS, "rates": RATES}
_RANGE = {
    "from": "2026-01-01T00:00:00+01:00",
    "to": "2026-01-08T00:00:00+01:00",
    "tz": "Europe/Berlin",
    "days": 7,
}
_STAGE = {"stage": "sent", "sends": 9601, "of_requested": _SHARE, "of_stage_before": _SHARE}
_REASON = {
    "state": "rejected", "reason": "INVALID_RECIPIENT", "code": 550, "sends": 140, "share": _SHARE,
}  # fmt: skip
_DAYS = {"from": "2025-12-31", "to": "2026-01-07"}
_CAMPAIGN_ID = "cmp_agnhktnyopyf3jxw6k2vxzhd4e"
_BUCKET = {"start": _RANGE["from"], "end": "2026-01-02T00:00:00+01:00"} | _TOLD
_CROSSING = {
    "percent": 80, "limit": 50_000, "used": 40_120, "crossed_at": "2026-01-20T10:00:00.000000Z",
}  # fmt: skip
_USAGE = {
    "period": "2026-01-01",
    "used": 40_120,
    "limit": 50_000,
    "left": 9_880,
    "share": 0.8024,
    "crossings": [_CROSSING],
    "periods": [{"period": "2025-12-01", "used": 31_007}],
}


def _ranged(kind: str, **rest: Any) -> dict[str, Any]:
    return {"object": kind, "range": _RANGE} | rest


OVERVIEW = answers(
    "The dashboard",
    _ranged(
        "overview",
        totals=_TOLD,
        previous=_TOLD | {"range": _RANGE},
        funnel=[_STAGE],
        campaigns={"total": 12, "running": 2},
        top_campaigns=[{"name": "Spring news", "campaign_id": _CAMPAIGN_ID} | _TOLD],
        bounces={"utc_days": _DAYS, "reasons": [_REASON]},
        usage=_USAGE,
        as_of=AS_OF,
    ),
    *ASKED,
)
TIMESERIES = answers(
    "Figures by hour, day, week or month",
    _ranged("timeseries", by="day", data=[_BUCKET], totals=_TOLD, as_of=AS_OF),
    "not_found",
    *ASKED,
)
FUNNEL = answers(
    "How far sends came", _ranged("funnel", stages=[_STAGE], as_of=AS_OF), "not_found", *ASKED
)
BOUNCES = answers(
    "Why sends were rejected",
    _ranged("bounces", utc_days=_DAYS, reasons=[_REASON], as_of=AS_OF),
    *ASKED,
)
PROVIDERS = answers(
    "Figures by mailbox provider",
    _ranged("providers", data=[{"provider": "gmail"} | _TOLD], as_of=AS_OF),
    *ASKED,
)
IPS = answers(
    "Figures by sending IP",
    _ranged("ips", data=[{"ip": "ip_agnhktnyoh6v5hs3a7mlytmzhu"} | _TOLD], as_of=AS_OF),
    *ASKED,
)
CAMPAIGN_STATS = question(
    "A campaign's figures, by time or by step, provider or IP",
    {
        "object": "campaign_stats",
        "campaign_id": _CAMPAIGN_ID,
        "by": "day",
        "totals": _TOLD,
        "funnel": [_STAGE],
        "bounces": [_REASON],
        "data": [_BUCKET],
    },
)
USAGE = answers("What was used of the plan", {"object": "usage", "as_of": AS_OF} | _USAGE, *ASKED)
LIMIT_SET = command("The limit that binds from now on", {"object": "plan", "sends_per_month": 9})
SEND_ROW: dict[str, Any] = {"object": "send", "campaign_id": _CAMPAIGN_ID} | LEDGER_ROW
SEND_ROW |= {"step": 1, "priority": "normal", "signals": ["opened"]}
SENDS = listing("Sends, newest batch first", SEND_ROW)
_EVENT = {
    "event": "accepted", "at": "2026-01-05T09:04:40.120000Z", "n": 2,
    "ip": "ip_agnhktnyoh6v5hs3a7mlytmzhu", "release_id": "rel_m2y7m4xw6a5u2zj7qk4nq5c3mv",
    "source": "owner", "reason": "ACCEPTED", "phase": "dot", "code": 250, "enhanced": "2.0.0",
    "counted": True, "event_id": "evt_c3mvm2y7m4xw6a5u2zj7qk4nq5", "topic": "pm.attempts",
    "partition": 2, "offset": 4711,
}  # fmt: skip
SEND = question(
    "The send: each event, each decision with its actor, each release, and what holds it",
    {name: value for name, value in SEND_ROW.items() if name != "signals"}
    | {
        "events": [_EVENT],
        "decisions": [
            {
                "event": "CampaignLaunched", "at": "2026-01-05T08:59:30.000000Z",
                "actor": "key_agnhktnyof5u3c7bbk3ktt7c4a", "reason": "", "pos": 4711,
                "stream": f"campaign-{_CAMPAIGN_ID}", "event_id": "evt_c3mvm2y7m4xw6a5u2zj7qk4nq5",
            }
        ],
        "releases": [
            {
                "release_id": "rel_m2y7m4xw6a5u2zj7qk4nq5c3mv", "n": 2, "state": "concluded",
                "ip": "ip_agnhktnyoh6v5hs3a7mlytmzhu", "reason": "", "cap_day": "2026-01-05",
                "cap_per_day": 500, "produced_at": "2026-01-05T09:04:38.000000Z",
                "claimed_at": "2026-01-05T09:04:39.000000Z",
                "lease_until": "2026-01-05T09:04:53.000000Z",
            }
        ],
        "waiting": {
            "n": 2, "due_at": "2026-01-05T09:04:32.000000Z",
            "expires_at": "2026-01-07T08:59:30.000000Z", "holds": ["campaign is paused"],
        },
    },
)  # fmt: skip
_EXPORT = {
    "object": "export",
    "export_id": "exp_agnhktnyof5u3c7bbk3ktt7c4a",
    "format": "csv",
    "filter": {},
    "with_addresses": True,
    "created_at": "2026-01-05T10:00:00.000000Z",
    "expires_at": "2026-01-12T10:00:00.000000Z",
    "download": "/v1/exports/exp_agnhktnyof5u3c7bbk3ktt7c4a/download",
}
EXPORT_MADE = answers(
    "The export, to be downloaded until it expires", _EXPORT, "not_found", *ASKED, status=201
)
EXPORT = question("The export", _EXPORT | {"sends": 180})
