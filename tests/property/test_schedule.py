"""Facts about batches fold to the same schedule however their partitions interleave or repeat."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import masks
from domain.event import Recorded
from streams.schedule.fold import feed
from streams.schedule.state import Key, Schedule
from tests.schedule_history import history_of, reading_of
from tests.schedule_kit import fold


def state_of(records: Sequence[Recorded]) -> dict[str, Any]:
    """What the schedule holds after these records."""
    schedule = Schedule(fold().retry_at)
    for record in records:
        feed(schedule, record)
    sets = {key: known for key, known in schedule.sets.items() if any(vars(known).values())}
    return {
        "sets": sets,
        "waiting": schedule.waiting(),
        "deferrals": schedule.new_deferrals,
        "started": {key: masks.of(event.ranges) for key, (event, _) in schedule.starts.items()},
    }


@given(st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_i9_the_schedule_does_not_care_how_partitions_interleave_or_repeat(seed: int) -> None:
    dice = Random(seed)
    history = history_of(dice)

    read = reading_of(dice, history)

    assert state_of(read) == state_of(history.as_it_happened)


@given(st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_i4_an_attempt_waits_only_after_a_definite_outcome_of_the_one_before(seed: int) -> None:
    dice = Random(seed)
    schedule = Schedule(fold().retry_at)

    for record in reading_of(dice, history_of(dice)):
        feed(schedule, record)

    waits: dict[Key, int] = {}
    for (batch_id, n, _), mask in schedule.waiting().items():
        assert waits.setdefault((batch_id, n), 0) & mask == 0
        waits[batch_id, n] |= mask
        now = schedule.sets[batch_id, n]
        assert mask & (now.started | now.concluded) == 0
        if n > 1:
            before = schedule.sets[batch_id, n - 1]
            assert mask & ~(before.concluded & ~before.ambiguous) == 0
