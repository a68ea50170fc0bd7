"""Class accuracy and hard precision of the classifier on the corpus of real replies.

The corpus is third-party data outside the project; PM_CORPUS names its folder. `make corpus`
runs this, `make test` does not.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from domain.outcomes import classify, judge, suppresses
from domain.ports import Phase, Reply

CORPUS = Path(os.environ.get("PM_CORPUS", "../shared/corpus"))
ACCURACY_MIN, HARD_PRECISION_MIN, HARD_RECALL_MIN = 0.90, 0.98, 0.90
PHASES = {"eom": Phase.DOT, "connect": Phase.BANNER}
CODE = re.compile(r"^\d{3}[ -]?")


@pytest.fixture(scope="module")
def replies() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / "smtp_replies.jsonl").read_text().splitlines()]


def phase_of(row: dict[str, Any]) -> Phase | None:
    name = row["phase"]
    return None if name is None else PHASES.get(name) or Phase(name)


def class_of(row: dict[str, Any]) -> str:
    text = CODE.sub("", row["text"])
    return classify(int(row["reply_code"]), phase_of(row), text, row["provider"] or "")


def test_most_replies_get_an_acceptable_class(replies: list[dict[str, Any]]) -> None:
    scored = [row for row in replies if row["accept"]]
    wrong = [row for row in scored if class_of(row) not in row["accept"]]

    share = 1 - len(wrong) / len(scored)

    assert share >= ACCURACY_MIN, [(class_of(row), row["accept"], row["text"]) for row in wrong]


def test_hard_means_hard(replies: list[dict[str, Any]]) -> None:
    scored = [row for row in replies if row["hard"] is not None]
    called = [row for row in scored if suppresses(class_of(row))]
    hard = [row for row in scored if row["hard"]]

    false = [row["text"] for row in called if not row["hard"]]
    missed = [row["text"] for row in hard if row not in called]

    assert 1 - len(false) / len(called) >= HARD_PRECISION_MIN, false
    assert 1 - len(missed) / len(hard) >= HARD_RECALL_MIN, missed


def test_i12_no_policy_or_reputation_reply_of_the_corpus_suppresses(
    replies: list[dict[str, Any]],
) -> None:
    policy = {"REPUTATION_DEFER", "REPUTATION_BLOCK", "AUTH_FAIL", "CONTENT"}
    refused = [row for row in replies if set(row["accept"] or [""]) <= policy]

    hard = [row["text"] for row in refused if judged_hard(row)]

    assert len(refused) > 50
    assert hard == []


def judged_hard(row: dict[str, Any]) -> bool:
    reply = Reply(phase_of(row) or Phase.DOT, int(row["reply_code"]), CODE.sub("", row["text"]))
    return judge(reply, row["provider"] or "").hard
