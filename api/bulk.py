"""Many things in one request: each has its own result, and one refused does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from api.answers import Json
from api.problems import KINDS, Problem
from domain.ports import Decided
from domain.refusals import Refused

ITEMS_MAX = 500
Item = TypeVar("Item")
#: What answers look like, for OpenAPI.
EXAMPLE = {
    "object": "bulk",
    "results": [{"index": 0, "status": 201, "id": "lea_agnhktnyod5u3c7bbk3ktt7c4a"}],
    "done": 1,
    "refused": 0,
    "position": 4711,
}


def each(
    items: Sequence[Item], one: Callable[[Item], tuple[str, Decided | None]], status: int = 201
) -> Json:
    """Do one thing per item, in order; `one` gives its id and what was decided.

    A refusal (Refused, Problem) becomes that item's `error`. A fault of ours ends all of it:
    repeated under its Idempotency-Key it makes the same ids and goes on.
    """
    results: list[dict[str, Any]] = []
    position: int | None = None
    for index, item in enumerate(items):
        try:
            found, decided = one(item)
        except (Refused, Problem) as refusal:
            results.append({"index": index} | _error(refusal))
            continue
        results.append({"index": index, "status": status, "id": found})
        if decided and decided.position is not None:
            position = max(position or 0, decided.position)
    refused = sum("error" in result for result in results)
    done = len(results) - refused
    told = {"object": "bulk", "results": results, "done": done, "refused": refused}
    return Json(told | {"position": position})


def _error(refusal: Refused | Problem) -> dict[str, Any]:
    if isinstance(refusal, Problem):
        kind, extra = refusal.kind, refusal.extra
    else:
        kind, extra = KINDS.get(refusal.code, KINDS["refused"]), {}
    return {
        "status": kind.status,
        "error": {"code": kind.code, "title": kind.title, "detail": str(refusal)} | extra,
    }
