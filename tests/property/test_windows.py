"""Sending windows against a clock on the wall that is looked at minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import windows
from domain.refusals import Invalid
from domain.windows import DAYS, SendWindow

MINUTE = timedelta(minutes=1)
BERLIN, LORD_HOWE, KOLKATA = "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"
#: Moments at which clocks are moved: by an hour to and fro, by half an hour, at midnight.
MOVED = {
    BERLIN: ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    LORD_HOWE: ("2026-04-04T15:00", "2026-10-03T15:30"),
    "America/Santiago": ("2026-04-05T03:00", "2026-09-06T04:00"),
    KOLKATA: ("2026-03-29T01:00",),
    "Asia/Kathmandu": ("2026-10-25T01:00",),
    "UTC": ("2026-12-31T23:59",),
}
SPOTS = [(zone, at) for zone, moments in MOVED.items() for at in moments]


def window(opens: str, closes: str, days: tuple[str, ...] = DAYS, zone: str = BERLIN) -> SendWindow:
    return SendWindow(days=list(days), opens=opens, closes=closes, zone_of="campaign", zone=zone)


def times(latest: int) -> st.SearchStrategy[str]:
    return st.integers(0, latest).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@st.composite
def cases(draw: st.DrawFn) -> tuple[SendWindow, datetime]:
    """A window, and a moment within two days of one at which clocks are moved where it is."""
    zone, moved = draw(st.sampled_from(SPOTS))
    around = st.integers(-2 * 24 * 3600, 2 * 24 * 3600)
    at = utc(moved) + timedelta(seconds=draw(around))
    days = draw(st.sets(st.sampled_from(DAYS), min_size=1))
    opens, closes = draw(times(24 * 60 - 1)), draw(times(24 * 60))
    made = window(opens, closes, tuple(days), zone)
    if opens == closes:
        made["closes"] = "24:00"
    return made, at


def shown(found: SendWindow, at: datetime) -> bool:
    """Whether a clock in the window's zone shows a time of it: in text, as people compare."""
    local = at.astimezone(ZoneInfo(found["zone"]))
    time, today = f"{local:%H:%M}", DAYS[local.weekday()]
    yesterday = DAYS[local.weekday() - 1]
    if found["opens"] < found["closes"]:
        return today in found["days"] and found["opens"] <= time < found["closes"]
    return (today in found["days"] and time >= found["opens"]) or (
        yesterday in found["days"] and time < found["closes"]
    )


def first(found: SendWindow, at: datetime, *, is_open: bool) -> datetime | None:
    """The first moment from `at` on at which the clock shows so; None: not within nine days."""
    if shown(found, at) is is_open:
        return at
    minute = at.replace(second=0, microsecond=0)
    steps = (minute + MINUTE * number for number in range(1, 9 * 24 * 60))
    return next((step for step in steps if shown(found, step) is is_open), None)


@given(cases())
def test_a_window_opens_when_the_clock_first_shows_a_time_of_it(
    case: tuple[SendWindow, datetime],
) -> None:
    found, at = case
    expected = first(found, at, is_open=True)

    opens = windows.next_open(found, at)

    assert windows.is_open(found, opens)
    if expected is not None:  # else clocks skip its only hours of the week
        assert opens == expected


@given(cases())
def test_a_window_closes_when_the_clock_first_shows_another_time(
    case: tuple[SendWindow, datetime],
) -> None:
    found, at = case

    closes = windows.next_close(found, at)

    assert closes == first(found, at, is_open=False)


@given(cases())
def test_a_window_is_shut_in_the_zones_whose_clocks_show_other_times(
    case: tuple[SendWindow, datetime],
) -> None:
    found, at = case

    shut = windows.shut_zones(found, at)

    assert {zone for zone in MOVED if zone in shut} == {
        zone for zone in MOVED if not shown(found | {"zone": zone}, at)
    }


def test_nine_in_the_morning_stays_nine_when_clocks_are_moved() -> None:
    found = window("09:00", "17:00")
    before, after = utc("2026-03-28T17:00"), utc("2026-03-29T17:00")

    assert windows.next_open(found, before) == utc("2026-03-29T07:00")
    assert windows.next_open(found, after) == utc("2026-03-30T07:00")
    assert windows.next_open(found, utc("2026-10-25T17:00")) == utc("2026-10-26T08:00")


def test_an_hour_that_clocks_skip_does_not_come_and_its_day_opens_a_week_later() -> None:
    found = window("02:00", "03:00", ("sun",))

    assert windows.next_open(found, utc("2026-03-28T12:00")) == utc("2026-04-05T00:00")


def test_a_window_that_clocks_skip_the_begin_of_opens_when_they_are_moved() -> None:
    found = window("02:30", "04:00", ("sun",))

    assert windows.next_open(found, utc("2026-03-28T12:00")) == utc("2026-03-29T01:00")


def test_an_hour_that_clocks_show_twice_comes_twice() -> None:
    found = window("02:00", "03:00", ("sun",))

    assert windows.next_close(found, utc("2026-10-25T00:30")) == utc("2026-10-25T02:00")
    assert windows.next_close(window("02:00", "02:30"), utc("2026-10-25T00:00")) == utc(
        "2026-10-25T00:30"
    )
    assert windows.next_open(window("02:00", "02:30"), utc("2026-10-25T00:30")) == utc(
        "2026-10-25T01:00"
    )


def test_a_window_across_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    found = window("22:00", "06:00", ("fri",), KOLKATA)
    friday, saturday = utc("2026-01-09T16:30"), utc("2026-01-10T00:30")

    assert windows.next_open(found, utc("2026-01-05T00:00")) == friday
    assert windows.next_close(found, friday) == saturday
    assert windows.next_open(found, saturday) == friday + timedelta(days=7)


def test_a_window_of_all_hours_never_closes() -> None:
    assert windows.next_close(window("00:00", "24:00"), utc("2026-03-28T12:00")) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"days": []}, "send_window.days: there is none"),
        ({"days": ["mon", "holiday"]}, "send_window.days: 'holiday' is no day"),
        ({"closes": "09:00"}, "send_window.to: the window never opens"),
        ({"opens": "24:00"}, "send_window.to: the window never opens"),
        ({"opens": "9:00"}, "send_window.from: '9:00' is no time of a day"),
        ({"closes": "24:01"}, "send_window.to: '24:01' is no time of a day"),
        ({"closes": "17:60"}, "send_window.to: '17:60' is no time of a day"),
        ({"closes": "1700"}, "send_window.to: '1700' is no time of a day"),
        ({"zone": "Mars/Olympus"}, "send_window.zone: 'Mars/Olympus' is no IANA time zone"),
        ({"zone": "../etc/passwd"}, "send_window.zone: '../etc/passwd' is no IANA"),
        ({"zone": ""}, "send_window.zone: '' is no IANA time zone"),
        ({"zone_of": "postman"}, "send_window.zone_of: use campaign or recipient"),
    ],
)
def test_a_window_that_can_never_open_or_is_nowhere_is_refused(
    changes: dict[str, Any], said: str
) -> None:
    found = window("09:00", "17:00")
    windows.check(found)

    with pytest.raises(Invalid, match=f"^{said}"):
        windows.check(cast("SendWindow", found | changes))


def test_a_zone_is_known_by_its_name_in_any_letters() -> None:
    assert windows.zone_named(" europe/BERLIN ") == BERLIN
    assert windows.zone_named("Berlin") == ""
    assert windows.zone_named("") == ""
