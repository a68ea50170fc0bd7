"""What was told of a state, with its corrections, comes to that state, whatever rules told it."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.event import Event
from domain.governor import State, initial, step
from domain.governor.parameters import CURRENT, Breaking, Parameters
from domain.governor.standing import corrections, last_told
from tests.governor_kit import history

SEEDS = st.integers(0, 2**32)
OTHER = Parameters(breaking=Breaking(blocked_keep=0.3, blocked_min=1, deferred_open_min=3))


def lived(seed: int, rules: Parameters) -> tuple[State, list[Event]]:
    """A history by these rules: where it ends, and all that was decided."""
    state, decided = initial, list[Event]()
    for event in history(Random(seed), 60):
        state, events = step(state, event, rules)
        decided += events
    return state, decided


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_same_rules_have_nothing_to_correct(seed: int) -> None:
    state, decided = lived(seed, CURRENT)

    assert corrections(state, last_told(decided)) == ()


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_corrections_of_other_rules_leave_nothing_to_correct(seed: int) -> None:
    state, _ = lived(seed, CURRENT)
    _, decided = lived(seed, OTHER)
    corrected = corrections(state, last_told(decided))

    assert corrections(state, last_told([*decided, *corrected])) == ()
