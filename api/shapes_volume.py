"""What answers about volume control look like."""

from __future__ import annotations

from typing import Any

from api.shapes import AS_OF, Shape
from api.shapes_content import ASKED, answers, listing, question

#: Fields that are null where nothing binds, or nothing is known yet.
NULLABLE = frozenset(
    {"quota", "left", "rate_per_h", "connections", "until", "since", "first_mail_on", "reputation"}
    | {"planned", "score", "old", "binding", "lifts_at", "as_of"}
)

_IP = "ip_agnhktnyoh6v5hs3a7mlytmzhu"
_EVENT = "evt_c3mvm2y7m4xw6a5u2zj7qk4nq5"
_AT = "2026-01-05T09:00:00.000000Z"
_BREAKER = {
    "status": "open", "scope": "cell", "until": "2026-01-05T11:00:00.000000Z", "rule": "blocked",
    "since": _AT,
}  # fmt: skip
_CELL: dict[str, Any] = {
    "ip": _IP,
    "provider": "gmail",
    "plan": "standard",
    "target": 50_000,
    "day": 4,
    "first_mail_on": "2026-01-02",
    "phase": "warming",
    "quota": 2_400,
    "used": 320,
    "left": 2_080,
    "rate_per_h": 200,
    "connections": 2,
    "breaker": _BREAKER,
    "reputation": 92,
}
_DAY = {
    "date": "2026-01-05", "day": 4, "planned": 2_400, "quota": 1_200, "started": 1_180,
    "accepted": 1_150, "deferred": 12, "blocked": 0, "hard": 3, "other": 15,
}  # fmt: skip
_DECISION: dict[str, Any] = {
    "object": "volume_decision",
    "pos": 4711,
    "event_id": _EVENT,
    "type": "QuotaSet",
    "scope": "cell",
    "scope_id": _IP,
    "provider": "gmail",
    "decided_at": _AT,
    "rule": "earned",
    "counts": {},
    "details": {},
    "governor": 1,
    "actor": "volume",
}
_ORDER = _DECISION | {"type": "VolumeOrdered", "rule": "ordered", "governor": 0}
_COMPONENT = {"signal": "deferred", "value_ppm": 20_000, "penalty": 35, "events": 20}
_SCORE: dict[str, Any] = {
    "scope": "cell",
    "scope_id": _IP,
    "provider": "gmail",
    "scored_at": _AT,
    "score": 92,
    "components": [_COMPONENT],
    "evidence": 1_400,
    "model": 1,
}


def or_null(shape: Shape, names: frozenset[str] = NULLABLE) -> Shape:
    """The same answers, in which the fields of these names may be null."""
    _or_null(shape[200]["content"]["application/json"]["schema"], names)
    return shape


def _or_null(schema: dict[str, Any], names: frozenset[str]) -> None:
    for name, field in schema.get("properties", {}).items():
        if name in names and isinstance(field.get("type"), str):
            field["type"] = [field["type"], "null"]
        _or_null(field, names)
    if "items" in schema:
        _or_null(schema["items"], names)


_PAGE: dict[str, Any] = {"object": "list", "has_more": True, "next_cursor": "q83vEjRWeJA"}
_PAGE |= {"date": "2026-01-05", "as_of": AS_OF, "data": [{"object": "warmup_cell"} | _CELL]}
BOARD = or_null(answers("A page of the board", _PAGE, *ASKED))
SERIES = or_null(
    question("The cell's days", {"object": "warmup_series"} | _CELL | {"data": [_DAY]})
)
DECISIONS = listing("Decisions about volume", _DECISION)
ORDERS = listing("What people ordered", _ORDER)
REPUTATION = or_null(listing("Scores now", {"object": "reputation"} | _SCORE))
SCORES = or_null(
    listing(
        "Scores as they came",
        {"object": "reputation_score", "pos": 4711, "event_id": _EVENT, "old": 95} | _SCORE,
        "not_found",
    )
)
_LIMIT: dict[str, Any] = {
    "limit": "quota",
    "scope": "cell",
    "scope_id": _IP,
    "provider": "gmail",
    "rule": "earned",
    "evidence": {},
    "lifts_at": "2026-01-06T00:00:00.000000Z",
    "detail": "the quota of today of the cell is used up for gmail",
    "cure": "wait: it grows with mail that is taken well; or order a quota",
}
WHYNOT = or_null(
    question(
        "What binds, and what else does or soon may",
        {"object": "campaign", "id": "cmp_agnhktnyopyf3jxw6k2vxzhd4e", "state": "running"}
        | {"sending": False, "binding": _LIMIT, "others": [_LIMIT]},
    )
)
