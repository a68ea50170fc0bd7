"""Class accuracy, hard precision and hard recall of the classifier on the corpus of real replies.

The corpus is third-party data outside the project; PM_CORPUS names its folder. `make corpus`
runs this, `make test` does not.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from domain.outcomes import suppresses
from tests.corpus.measure import Labelled, any_5xx_is_hard, errors, figures, left_out, read

CORPUS = Path(os.environ.get("PM_CORPUS", "../shared/corpus"))
ACCURACY_MIN, HARD_PRECISION_MIN, HARD_RECALL_MIN = 0.90, 0.98, 0.90
#: For systems that no wording was written for.
LEFT_OUT_ACCURACY_MIN, LEFT_OUT_PRECISION_MIN = 0.94, 0.98
POLICY = {"REPUTATION_DEFER", "REPUTATION_BLOCK", "AUTH_FAIL", "CONTENT"}


@pytest.fixture(scope="module")
def replies() -> list[Labelled]:
    return read(CORPUS)


def test_classes_and_hardness_are_right_as_often_as_promised(replies: list[Labelled]) -> None:
    found = figures(replies, [one.judged() for one in replies])

    assert found.accuracy >= ACCURACY_MIN, errors(replies, 50)
    assert found.precision >= HARD_PRECISION_MIN, errors(replies, 50)
    assert found.recall >= HARD_RECALL_MIN, errors(replies, 50)


def test_a_system_is_judged_well_without_the_wordings_that_it_alone_uses(
    replies: list[Labelled],
) -> None:
    found = figures(replies, left_out(replies))

    assert found.accuracy >= LEFT_OUT_ACCURACY_MIN
    assert found.precision >= LEFT_OUT_PRECISION_MIN


def test_it_is_better_than_calling_every_5xx_hard(replies: list[Labelled]) -> None:
    ours = figures(replies, [one.judged() for one in replies])
    naive = any_5xx_is_hard(replies)

    assert naive.precision < 0.5 < ours.precision
    assert naive.accuracy < 0.5 < ours.accuracy


def test_i12_no_policy_or_reputation_reply_of_the_corpus_suppresses(
    replies: list[Labelled],
) -> None:
    refused = [one for one in replies if one.accept and one.accept <= POLICY]

    assert len(refused) > 50
    assert [one.text for one in refused if suppresses(one.judged())] == []
