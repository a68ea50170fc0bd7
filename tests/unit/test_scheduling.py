"""Moments on somebody's clock: what a local time and a time zone come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.refusals import Invalid
from domain.scheduling import moment

BERLIN = "Europe/Berlin"
SKIPPED = datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001 - a time on a clock
TWICE = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001


def test_a_local_time_is_a_moment_in_utc() -> None:
    winter, summer = (datetime(2026, month, 1, 9) for month in (1, 7))  # noqa: DTZ001

    assert moment(winter, BERLIN) == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert moment(summer, BERLIN) == datetime(2026, 7, 1, 7, tzinfo=UTC)


def test_a_time_that_clocks_skip_is_refused() -> None:
    for when_twice in ("refuse", "earlier", "later"):
        with pytest.raises(Invalid, match="local: clocks in Europe/Berlin skip"):
            moment(SKIPPED, BERLIN, when_twice)


def test_a_time_that_clocks_show_twice_is_refused_unless_it_is_said_which() -> None:
    with pytest.raises(Invalid, match="twice; say which in when_twice"):
        moment(TWICE, BERLIN)

    assert moment(TWICE, BERLIN, "earlier") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert moment(TWICE, BERLIN, "later") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "a\x00b"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(Invalid, match=r"zone: .* is no IANA time zone"):
        moment(SKIPPED, zone)


def test_a_time_with_an_offset_is_refused() -> None:
    with pytest.raises(Invalid, match="local: it carries an offset"):
        moment(datetime(2026, 1, 1, tzinfo=UTC), BERLIN)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001
    st.sampled_from([BERLIN, "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
def test_clocks_show_at_the_moment_what_was_asked_for(local: datetime, zone: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        found = moment(local, zone, "earlier")
    except Invalid:  # skipped
        return

    assert found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local
    assert moment(local, zone, "later") - found in {
        timedelta(0),
        timedelta(hours=1),
        timedelta(minutes=30),  # Lord Howe
    }
