"""What a cell's day on the board counts of outcomes."""

from __future__ import annotations

from typing import Any

import pytest

from domain import fatigue
from domain.sending import Result
from projections.volume.counting import Counting
from tests.schedule_kit import outcomes, recorded

LOOKED = {"reason": "BAD_DOMAIN", "retry_after_s": 21_600}
SAID = {"reason": "BAD_DOMAIN", "phase": "rcpt", "code": 550}
BLOCKED = {"reason": "REPUTATION_BLOCK", "phase": "rcpt", "code": 550}
PUT_OFF = {"reason": fatigue.REASON}


@pytest.mark.parametrize(
    ("outcome", "told", "counted"),
    [
        ("deferred", LOOKED, {}),
        ("deferred", PUT_OFF, {}),
        ("rejected", SAID, {"hard": 2}),
        ("deferred", BLOCKED, {"blocked": 2}),  # a 5xx that is no end yet is a block all the same
    ],
)
def test_an_attempt_counts_by_its_answer_and_what_was_none_does_not(
    outcome: str, told: dict[str, Any], counted: dict[str, int]
) -> None:
    counting, one = Counting(), Result(outcome=outcome, reason="", ranges=[[0, 2]])
    one.update(told)  # type: ignore[typeddict-item]
    counting.take(recorded(outcomes("bat_a", [one])))

    sums = [{name: n for name, n in day.items() if n} for day in counting.days.values()]
    assert sums == ([counted] if counted else [])
