"""An ambiguous transactional send may be tried once more, by a policy that the log names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.event import Event
from domain.sending import RESEND_ONCE
from ops.verify.against_sink import compare
from ops.verify.judge import judge
from tests.verify_kit import (
    audience,
    finished,
    fold,
    kinds,
    launched,
    outcomes,
    planned,
    proof,
    records,
    resolved,
    snd,
    started,
)

FIRST = (
    launched(),
    planned(message_class="transactional", size=1),
    audience(1),
    started(ranges=[[0, 1]]),
    outcomes({"ambiguous": [[0, 1]]}),
)
POLICY = resolved("deferred", [[0, 1]], evidence=RESEND_ONCE)
AGAIN = (started("rel_2", 2, [[0, 1]]), outcomes({"accepted": [[0, 1]]}, "rel_2", 2))
DONE = finished(1, accepted=1)


def test_once_more_by_policy_holds_and_ends_as_the_second_attempt() -> None:
    report = proof(*FIRST, POLICY, *AGAIN, DONE)

    assert report.kinds == {}
    assert (report.campaigns[0].accepted, report.campaigns[0].ambiguous) == (1, 0)


@pytest.mark.parametrize("late", ["accepted", "rejected"])
def test_late_evidence_about_the_first_attempt_is_no_violation(late: str) -> None:
    assert kinds(*FIRST, POLICY, *AGAIN, resolved(late, [[0, 1]])) == set()


def test_without_the_policy_a_second_attempt_is_a_violation() -> None:
    assert kinds(*FIRST, *AGAIN) == {"attempt_before_outcome"}


WRONGLY: dict[str, tuple[Event, ...]] = {
    "bulk mail": (launched(), planned(size=1), *FIRST[2:], POLICY),
    "what was not ambiguous": (*FIRST[:4], POLICY),
    "twice": (
        *FIRST,
        POLICY,
        started("rel_2", 2, [[0, 1]]),
        outcomes({"ambiguous": [[0, 1]]}, "rel_2", 2),
        resolved("deferred", [[0, 1]], 2, RESEND_ONCE),
    ),
}


@pytest.mark.parametrize("case", WRONGLY)
def test_i4_policy_may_not_let_this_be_tried_again(case: str) -> None:
    assert "resent_wrongly" in kinds(*WRONGLY[case])


@pytest.mark.parametrize(("copies", "differ"), [(0, 1), (1, 0), (2, 0), (3, 1)])
def test_the_receiver_may_have_it_twice_then_and_no_more(
    tmp_path: Path, copies: int, differ: int
) -> None:
    file = tmp_path / "received.jsonl"
    one = json.dumps({"message_id": snd("bat_1", 0).removeprefix("snd_") + "@x"}) + "\n"
    file.write_text(one * copies)
    folded = fold(records(*FIRST, POLICY, *AGAIN, DONE))
    report = judge(folded)
    compare(folded, file, report, lambda _: True)

    assert report.kinds.get("sink_differs", 0) == differ
