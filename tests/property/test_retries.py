"""Retry delays: within each class they rise with the attempt, and stay between bounds."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.outcome_rules import OutcomeClass
from domain.retries import (
    DEADLINES_S,
    DELAY_MAX_S,
    OWN_FAULT_S,
    deadline_s,
    delay_s,
    retry_delay,
    used_up,
)

REASONS = st.sampled_from(list(OutcomeClass))
CLASSES = st.sampled_from(sorted(DEADLINES_S))
JITTERS = st.floats(-1, 1)
HINTS = st.none() | st.integers(0, 10**6)
MINUTE, HOUR = 60, 3600

#: The most attempts that a send gets which is only ever deferred, whatever the reasons.
ATTEMPTS_MAX = {"bulk": 16, "transactional": 13}
#: What the waits of such a send add up to at most, in deadlines; of one reason it is less.
DEADLINES_MAX = {"bulk": 2.4, "transactional": 3.9}


@settings(max_examples=60)
@given(REASONS, st.integers(1, 200), CLASSES, HINTS, JITTERS)
def test_every_delay_is_positive_and_at_most_a_day(
    reason: str, n: int, message_class: str, hint: int | None, jitter: float
) -> None:
    assert 0 < delay_s(reason, n, message_class, hint, jitter) <= DELAY_MAX_S


@settings(max_examples=60)
@given(REASONS, st.integers(1, 30), CLASSES, JITTERS)
def test_a_later_attempt_never_waits_less(
    reason: str, n: int, message_class: str, jitter: float
) -> None:
    earlier = delay_s(reason, n, message_class, None, jitter)

    assert delay_s(reason, n + 1, message_class, None, jitter) >= earlier


@settings(max_examples=60)
@given(REASONS, st.integers(1, 30), CLASSES, JITTERS)
def test_jitter_moves_a_delay_by_at_most_a_fifth(
    reason: str, n: int, message_class: str, jitter: float
) -> None:
    middle = delay_s(reason, n, message_class, None, 0)
    moved = delay_s(reason, n, message_class, None, jitter)

    assert 0.8 * middle - 1e-6 <= moved <= 1.2 * middle + 1e-6


@settings(max_examples=60)
@given(REASONS, st.integers(1, 30), CLASSES, st.integers(1, 24 * HOUR), JITTERS)
def test_a_hint_of_the_peer_only_lengthens_the_wait(
    reason: str, n: int, message_class: str, hint: int, jitter: float
) -> None:
    plain = delay_s(reason, n, message_class, None, jitter)
    hinted = retry_delay(reason, n, message_class, hint, jitter)

    assert hinted.seconds == (max(plain, hint) if hinted.scaled else plain)


@pytest.mark.parametrize(
    ("reason", "message_class", "expected"),
    [
        (
            "INFRA",
            "bulk",
            [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR],
        ),
        ("INFRA", "transactional", [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR]),
        ("GREYLIST", "bulk", [5 * MINUTE, 15 * MINUTE, 30 * MINUTE]),
        ("RECIPIENT_RATE", "transactional", [HOUR]),
    ],
)
def test_the_steps_are_those_of_the_schedule(
    reason: str, message_class: str, expected: list[int]
) -> None:
    found = [delay_s(reason, n, message_class, None, 0) for n in range(1, len(expected) + 1)]

    assert found == expected


def test_a_busy_recipient_is_left_alone_for_an_hour_whatever_the_jitter() -> None:
    assert delay_s("RECIPIENT_RATE", 1, "bulk", None, -1) == HOUR


def test_own_faults_retry_in_seconds_and_then_as_the_peers_do() -> None:
    found = [retry_delay("OWN_FAULT", n, "bulk", None, 0) for n in range(1, 5)]

    assert [delay.seconds for delay in found] == [*OWN_FAULT_S, 2 * HOUR]
    assert [delay.scaled for delay in found] == [False, False, False, True]


def test_the_retry_scale_shortens_only_the_peers_time() -> None:
    assert delay_s("INFRA", 1, "bulk", None, 0, retry_scale=1 / 300) == pytest.approx(3)
    assert delay_s("OWN_FAULT", 1, "bulk", None, 0, retry_scale=1 / 300) == pytest.approx(2)


def test_a_full_mailbox_is_tried_until_the_deadline_and_not_often() -> None:
    waited, n = 0.0, 0
    while waited < deadline_s("bulk"):
        n += 1
        waited += delay_s("MAILBOX_FULL", n, "bulk", None, 0)

    assert n == 6


def waits_of(reasons: Iterable[str], message_class: str) -> list[float]:
    """The nominal waits of a send that is deferred for one reason after the other, to its end."""
    waits: list[float] = []
    for n, reason in enumerate(reasons, 1):
        if used_up(reason, n, message_class):
            break
        waits.append(delay_s(reason, n, message_class, None, 0))
    return waits


@pytest.mark.parametrize("message_class", sorted(DEADLINES_S))
@pytest.mark.parametrize("reason", list(OutcomeClass))
def test_a_send_deferred_for_one_reason_waits_its_deadline_and_at_most_a_step_more(
    reason: str, message_class: str
) -> None:
    *waits, last = waits_of(repeat(reason), message_class)

    assert sum(waits) <= deadline_s(message_class) < sum(waits) + last


@settings(max_examples=100)
@given(st.lists(REASONS, min_size=20, max_size=20), CLASSES)
def test_a_send_that_is_only_deferred_ends_whatever_the_reasons(
    reasons: list[str], message_class: str
) -> None:
    """Reasons that change are judged by the last: the waits may then add up to more."""
    waits = waits_of(reasons, message_class)

    assert len(waits) < ATTEMPTS_MAX[message_class]
    assert sum(waits) < DEADLINES_MAX[message_class] * deadline_s(message_class)


@pytest.mark.parametrize("message_class", sorted(DEADLINES_S))
def test_the_bound_on_attempts_is_reached(message_class: str) -> None:
    attempts = [len(waits_of(repeat(reason), message_class)) + 1 for reason in OutcomeClass]

    assert max(attempts) == ATTEMPTS_MAX[message_class]


@given(REASONS, st.integers(1, 200), CLASSES)
def test_what_is_used_up_stays_used_up(reason: str, n: int, message_class: str) -> None:
    assert used_up(reason, n + 1, message_class) >= used_up(reason, n, message_class)
