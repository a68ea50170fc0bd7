"""How much mail a contact may get, and how long a send waits for that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain import fatigue
from domain.fatigue import Fatigue, allowed_at
from domain.refusals import Invalid
from domain.retries import retry_delay, used_up

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("mails", "expected"),
    [
        ([], None),
        ([NOON], NOON + 4 * HOUR),
        ([NOON, NOON - 5 * HOUR], NOON + 19 * HOUR),
        ([NOON - 30 * HOUR, NOON], NOON + 4 * HOUR),
        ([NOON, NOON - HOUR, NOON - 2 * HOUR], NOON + 23 * HOUR),
    ],
)
def test_the_next_mail_is_a_gap_after_the_last_and_a_day_after_the_last_but_one(
    mails: list[datetime], expected: datetime | None
) -> None:
    assert allowed_at(Fatigue(2, 4), mails) == expected


def test_without_a_gap_the_day_alone_counts() -> None:
    assert allowed_at(Fatigue(2, 0), [NOON]) is None
    assert allowed_at(Fatigue(1, 0), [NOON]) == NOON + 24 * HOUR


@pytest.mark.parametrize("limit", [Fatigue(0, 4), Fatigue(51, 4), Fatigue(2, -1), Fatigue(2, 169)])
def test_a_limit_that_stops_all_mail_or_that_no_wait_keeps_is_refused(limit: Fatigue) -> None:
    with pytest.raises(Invalid, match=r"^contact_fatigue\."):
        fatigue.check(limit)


def test_a_send_waits_as_long_as_its_contact_must_and_never_shorter() -> None:
    assert [fatigue.wait_s(left_s) for left_s in (-5.0, 0.2, 60.0, 60.1)] == [60, 60, 60, 120]
    for n in (1, 2, 30):
        delay = retry_delay(fatigue.REASON, n, "bulk", 7 * 24 * 3600, jitter=-1.0)
        assert delay.at_scale(0.001) == 7 * 24 * 3600
        assert not used_up(fatigue.REASON, n, "bulk")
