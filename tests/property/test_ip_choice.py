"""Shares of a pool's mail: by what is left times the score, whatever the IPs."""

from __future__ import annotations

from math import inf, isclose

from hypothesis import given
from hypothesis import strategies as st

from domain.ip_choice import BAD_BELOW, Candidate, shares

SCORES = st.none() | st.integers(0, 100)
LEFT = st.integers(0, 10_000).map(float) | st.just(inf)
CANDIDATES = st.lists(st.builds(Candidate, LEFT, SCORES), min_size=1, max_size=6)


@given(CANDIDATES)
def test_shares_are_of_those_that_may_carry_and_make_the_whole(found: list[Candidate]) -> None:
    parts = shares(found)

    able = [part for one, part in zip(found, parts, strict=True) if one.left > 0]
    assert isclose(sum(parts), 1 if able else 0, abs_tol=1e-4)
    assert sum(able) == sum(parts)


@given(CANDIDATES)
def test_a_bad_one_gets_nothing_while_a_better_one_can_carry(found: list[Candidate]) -> None:
    better = any(one.left > 0 and not one.bad for one in found)

    for one, part in zip(found, shares(found), strict=True):
        assert not (better and one.bad and part > 0)
        assert one.bad == (one.score is not None and one.score < BAD_BELOW)


@given(st.integers(1, 10_000), st.integers(1, 10_000), SCORES, SCORES)
def test_more_left_and_a_higher_score_get_no_less(
    left: int, other: int, score: int | None, rival: int | None
) -> None:
    one, two = Candidate(left, score), Candidate(other, rival)
    mine, theirs = shares([one, two])

    at_least = (left, one.points) >= (other, two.points) and one.points >= two.points
    if at_least:
        assert mine >= theirs
    assert (one.rank(1) > two.rank(1)) == (mine > theirs) or isclose(mine, theirs, abs_tol=1e-5)


@given(st.integers(1, 10_000), SCORES)
def test_unknown_is_as_good_as_the_best(left: int, score: int | None) -> None:
    assert shares([Candidate(left), Candidate(left, 100)]) == [0.5, 0.5]
    assert shares([Candidate(left, score)]) == [1.0]
