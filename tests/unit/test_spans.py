"""Days, hours, weeks and months of time zones: where clocks jump, and where zones are odd."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from domain.refusals import Invalid
from domain.spans import CUSTOM, HOURLY_DAYS_MAX, UNITS, edges, span, zone
from projections.send_stats.deltas import BUCKET, bucket

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
#: (zone, a local day, its hours): clocks go forward, back, by half an hour, at midnight, never.
DAYS = [
    ("Europe/Berlin", date(2026, 3, 29), 23),
    ("Europe/Berlin", date(2026, 10, 25), 25),
    ("America/New_York", date(2026, 3, 8), 23),
    ("America/New_York", date(2026, 11, 1), 25),
    ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
    ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
    ("America/Santiago", date(2026, 9, 6), 23),  # there is no midnight
    ("Africa/Cairo", date(2026, 4, 24), 23),  # nor here
    ("Asia/Kolkata", date(2026, 6, 1), 24),
    ("Asia/Kathmandu", date(2026, 6, 1), 24),
    ("Pacific/Chatham", date(2026, 6, 1), 24),
    ("UTC", date(2026, 6, 1), 24),
]


@pytest.mark.parametrize(("tz", "day", "hours"), DAYS)
def test_a_day_has_the_hours_that_its_zone_gives_it(tz: str, day: date, hours: float) -> None:
    found = span(CUSTOM, tz, NOW, day, day)

    assert (found.end - found.start) == timedelta(hours=hours)
    assert found.start.astimezone(found.zone).date() == day
    assert found.end.astimezone(found.zone).date() == day + timedelta(days=1)
    assert (found.start - timedelta(microseconds=1)).astimezone(found.zone).date() < day


@pytest.mark.parametrize(("tz", "day", "hours"), DAYS)
def test_hours_begin_where_the_zones_clock_strikes(tz: str, day: date, hours: float) -> None:
    found = span(CUSTOM, tz, NOW, day, day)

    cuts = edges(found, "hour")

    assert (cuts[0], cuts[-1]) == (found.start, found.end)
    assert {cut.astimezone(found.zone).minute for cut in cuts[1:]} <= {0}
    assert len(cuts) - 1 in {int(hours), int(hours) + 1}


@pytest.mark.parametrize("tz", sorted({tz for tz, *_ in DAYS}))
@pytest.mark.parametrize("by", UNITS)
def test_every_cut_is_one_of_the_counters_quarters(tz: str, by: str) -> None:
    """So that no counter lies on both sides of one, in any zone."""
    cuts = edges(span("7d" if by == "hour" else "90d", tz, NOW, None, None), by)

    assert all(before < after for before, after in pairwise(cuts))
    assert all(bucket(cut) == cut for cut in cuts)
    assert timedelta(minutes=15) == BUCKET


def test_weeks_begin_on_monday_and_months_on_the_first_but_for_the_first_one() -> None:
    found = span(CUSTOM, "UTC", NOW, date(2026, 1, 30), date(2026, 3, 2))

    weeks = [cut.date() for cut in edges(found, "week")[1:-1]]
    months = [cut.date() for cut in edges(found, "month")]

    assert {day.weekday() for day in weeks} == {0}
    assert len(weeks) == 5
    assert months == [date(2026, 1, 30), date(2026, 2, 1), date(2026, 3, 1), date(2026, 3, 3)]


def test_a_range_ends_with_today_of_the_zone() -> None:
    """Which is tomorrow already, far enough in the east."""
    late = datetime(2026, 3, 28, 20, tzinfo=UTC)

    assert span("7d", "UTC", late, None, None).first_day == date(2026, 3, 22)
    assert span("7d", "Asia/Tokyo", late, None, None).first_day == date(2026, 3, 23)


def test_the_days_before_end_where_the_range_begins() -> None:
    found = span("30d", "Europe/Berlin", NOW, None, None)

    assert found.before().end == found.start
    assert found.before().days == 30


@pytest.mark.parametrize(
    ("named", "tz", "since", "until", "field"),
    [
        ("7d", "Mars/Olympus", None, None, "tz"),
        ("7d", "../etc/passwd", None, None, "tz"),
        ("7d", "Europe", None, None, "tz"),
        ("7d", "", None, None, "tz"),
        ("8d", "UTC", None, None, "range"),
        ("7d", "UTC", date(2026, 1, 1), None, "range"),
        ("custom", "UTC", date(2026, 1, 1), None, "from"),
        ("custom", "UTC", date(2026, 1, 2), date(2026, 1, 1), "to"),
        ("custom", "UTC", date(2024, 1, 1), date(2026, 1, 1), "to"),
        ("custom", "UTC", date(1, 1, 1), date(1, 1, 2), "to"),
    ],
)
def test_what_is_no_range_is_refused_by_its_field(
    named: str, tz: str, since: date | None, until: date | None, field: str
) -> None:
    with pytest.raises(Invalid, match=f"^{field}:"):
        span(named, tz, NOW, since, until)


def test_hours_of_many_days_are_refused() -> None:
    assert len(edges(span("30d", "UTC", NOW, None, None), "hour")) == 30 * 24 + 1
    assert HOURLY_DAYS_MAX < 90
    with pytest.raises(Invalid, match=r"^by:"):
        edges(span("90d", "UTC", NOW, None, None), "hour")


def test_the_zone_is_told_by_its_name() -> None:
    assert zone("Asia/Kolkata").key == "Asia/Kolkata"
