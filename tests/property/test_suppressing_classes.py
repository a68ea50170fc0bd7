"""I12, for any words: who is refused for policy, reputation or identity is never suppressed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.outcome_rules import OutcomeClass
from domain.outcomes import explain, judge, suppresses
from domain.ports import Phase, Reply
from domain.replies import ruleset
from domain.replies.shape import shape

ABOUT_US = {
    OutcomeClass.REPUTATION_DEFER,
    OutcomeClass.REPUTATION_BLOCK,
    OutcomeClass.AUTH_FAIL,
    OutcomeClass.CONTENT,
}
SAID = sorted(
    {
        word.strip("?!*").replace("_", " ").replace("#", "7")
        for one in ruleset.RULES
        for said in one.says
        for part in said.split()
        for word in part.split("|")
    }
)
STATUS = st.sampled_from(["", "5.1.1 ", "5.7.1 ", "5.7.606 ", "4.7.0 ", "5.2.1 ", "[BL21] "])
TEXTS = st.builds(
    lambda status, words: status + " ".join(words),
    STATUS,
    st.lists(st.sampled_from(SAID) | st.text(max_size=12), max_size=12),
)
CODES = st.integers(400, 599)


@settings(max_examples=200)
@given(st.sampled_from(list(Phase)), CODES, TEXTS)
def test_i12_hard_is_only_what_a_5xx_says_about_the_address_from_rcpt_on(
    phase: Phase, code: int, text: str
) -> None:
    judged = judge(Reply(phase, code, text))

    if judged.hard:
        assert judged.reason not in ABOUT_US
        assert suppresses(judged.reason)
        assert code >= 500
        assert phase in {Phase.RCPT, Phase.DATA, Phase.DOT}


@settings(max_examples=200)
@given(st.sampled_from(list(Phase)), CODES, TEXTS)
def test_the_same_reply_is_judged_alike_and_names_rule_and_source(
    phase: Phase, code: int, text: str
) -> None:
    first, second = (explain(code, phase, text) for _ in range(2))

    assert first == second
    assert first.rule
    assert first.source


@settings(max_examples=100)
@given(
    st.text(st.characters(categories=["Ll"]), min_size=3, max_size=12),
    st.lists(st.sampled_from(SAID), max_size=6),
)
def test_i10_the_kept_shape_of_a_reply_has_no_piece_of_the_address(
    local: str, words: list[str]
) -> None:
    text = " ".join([local, *words, local.upper(), f"<{local}@example.org>", f"({local})"])

    assert local.lower() not in shape(text, [f"{local}@example.org"])
