"""Facts about batches fold to the same schedule however their partitions interleave or repeat."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import masks
from domain.event import Recorded
from domain.retries import deadline_s
from streams.schedule.fold import feed
from streams.schedule.state import Key, Schedule
from tests.schedule_history import PARTITIONS, History, history_of, reading_of
from tests.schedule_kit import LONG_AGO, fold, outcomes, planned, result, started

SCALE = 1 / 300


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


def always_deferred(dice: Random, message_class: str, reasons: Sequence[str]) -> History:
    """A send that is deferred again at each of its attempts, each made when it is due."""
    history, schedule = History(), Schedule(fold(SCALE).retry_at)
    history.add("requests", planned("bat_0", 1, message_class=message_class))
    feed(schedule, history.as_it_happened[-1])
    while True:
        ((_, n, wait),) = schedule.waiting()
        if wait.due_at >= wait.expires_at:
            return history
        partition = dice.choice(PARTITIONS[1:])
        for event in (
            started("bat_0", [[0, 1]], n=n),
            outcomes("bat_0", [result("deferred", [[0, 1]], dice.choice(reasons))], n=n),
        ):
            history.add(partition, event, wait.due_at)
            feed(schedule, history.as_it_happened[-1])


@pytest.mark.parametrize("message_class", ["bulk", "transactional"])
@pytest.mark.parametrize("reason", ["INFRA", "GREYLIST", "MAILBOX_FULL", "OWN_FAULT"])
def test_i6_an_always_deferred_send_ends_in_scaled_time(reason: str, message_class: str) -> None:
    """Within its deadline and a step, each up to a fifth longer, though it expires in 72 h."""
    history = always_deferred(Random(1), message_class, [reason])

    took_s = (history.as_it_happened[-1].meta.time - LONG_AGO).total_seconds()
    step_s = 24 * 3600
    assert took_s < 1.2 * (deadline_s(message_class) + step_s) * SCALE + 30


@given(st.integers(0, 2**32), st.sampled_from(["bulk", "transactional"]))
@settings(max_examples=60, deadline=None)
def test_i9_a_used_up_schedule_is_the_same_in_any_order(seed: int, message_class: str) -> None:
    dice = Random(seed)
    reasons = ["INFRA", "GREYLIST", "MAILBOX_FULL", "OWN_FAULT"]
    history = always_deferred(dice, message_class, reasons)

    read = reading_of(dice, history)

    assert state_of(read) == state_of(history.as_it_happened)
    assert [n for _, n, _ in state_of(read)["waiting"]] == [len(history.as_it_happened) // 2 + 1]
