"""When a campaign's mail may leave: hours of some days of the week, as clocks in a place show them.

A window is open at a moment if and only if the clock on the wall there shows an hour of it. So it
follows summer time: an hour that clocks skip does not come, one that they show twice comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TypedDict
from zoneinfo import ZoneInfo, available_timezones

from domain.refusals import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ZONES_OF = ("campaign", "recipient")
DAY_MIN = 24 * 60
#: Longer than any wait: a weekly window whose hour clocks skip once opens a week later.
HORIZON = timedelta(days=15)
_SECOND = timedelta(seconds=1)


class SendWindow(TypedDict):
    """A window as people name it and as events carry it."""

    days: list[str]  # of mon, tue, wed, thu, fri, sat, sun: on which it opens
    opens: str  # HH:MM, as clocks in the zone show it
    closes: str  # HH:MM, of the next day where it is before `opens`; 24:00 is midnight
    zone_of: str  # by whose clocks: campaign, or recipient (each one's own)
    zone: str  # IANA name: the campaign's, and of recipients whose own is not known


def check(window: SendWindow | None) -> None:
    """Raises Invalid for a window that can never open or whose place nobody knows; None is fine."""
    if window is None:
        return
    unknown = [day for day in window["days"] if day not in DAYS]
    if unknown or not window["days"]:
        named = f"{unknown[0]!r:.20} is no day" if unknown else "there is none, so it never opens"
        raise Invalid(f"send_window.days: {named}; name some of {', '.join(DAYS)}")
    start, end = _minute("from", window["opens"]), _minute("to", window["closes"])
    if start in {end, DAY_MIN}:
        raise Invalid("send_window.to: the window never opens; let it end after it begins")
    if window["zone_of"] not in ZONES_OF:
        raise Invalid(f"send_window.zone_of: use {' or '.join(ZONES_OF)}")
    zone = window["zone"]
    if not zone or zone_named(zone) != zone:
        raise Invalid(
            f"send_window.zone: {zone!r:.60} is no IANA time zone; write Europe/Berlin, say"
        )


def zone_named(text: str) -> str:
    """The IANA time zone that is called so, whatever the case of its letters; empty: none is."""
    return _zones().get(text.strip().lower(), "")


def zones() -> tuple[str, ...]:
    """All time zones that a recipient may have."""
    return tuple(sorted(_zones().values()))


def is_open(window: SendWindow, at: datetime, zone: str = "") -> bool:
    """Whether mail may leave at this moment, by the clocks in `zone`, else in the window's own."""
    place = ZoneInfo(zone or window["zone"])
    return _hours(window).show(at.astimezone(place))


def next_open(window: SendWindow, at: datetime, zone: str = "") -> datetime:
    """The first moment from `at` on at which it is open, in UTC."""
    moments = _moments(_hours(window).start, at, ZoneInfo(zone or window["zone"]))
    return min(moment for moment in moments if is_open(window, moment, zone))


def next_close(window: SendWindow, at: datetime, zone: str = "") -> datetime | None:
    """The first moment from `at` on at which it is not open, in UTC; None: it is open for good."""
    moments = _moments(_hours(window).end, at, ZoneInfo(zone or window["zone"]))
    return min((moment for moment in moments if not is_open(window, moment, zone)), default=None)


def opening(window: SendWindow | None, at: datetime, zone: str = "") -> datetime:
    """As `next_open`; `at` itself where there is no window."""
    return at if window is None else next_open(window, at, zone)


@lru_cache(maxsize=64)
def _shut(key: tuple[tuple[str, ...], str, str], minute: datetime) -> tuple[str, ...]:
    hours = _Hours.of(*key)
    return tuple(zone for zone in zones() if not hours.show(minute.astimezone(ZoneInfo(zone))))


def shut_zones(window: SendWindow, at: datetime) -> tuple[str, ...]:
    """The time zones in which it is not open at this moment."""
    key = (tuple(window["days"]), window["opens"], window["closes"])
    return _shut(key, at.replace(second=0, microsecond=0))


@dataclass(frozen=True)
class _Hours:
    """A window read: on these days (Monday: 0) from one minute of the day to another."""

    days: frozenset[int]
    start: int
    end: int

    @classmethod
    def of(cls, days: tuple[str, ...], start: str, end: str) -> _Hours:
        numbers = frozenset(map(DAYS.index, days))
        return cls(numbers, _minute("from", start), _minute("to", end))

    def show(self, local: datetime) -> bool:
        """Whether this is a time of the window on a clock."""
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        began_today = day in self.days and minute >= self.start
        return began_today or ((day - 1) % 7 in self.days and minute < self.end)


def _hours(window: SendWindow) -> _Hours:
    return _Hours.of(tuple(window["days"]), window["opens"], window["closes"])


def _minute(name: str, text: str) -> int:
    """Of the day, from 0 to 24:00. Raises Invalid."""
    hour, colon, minute = text.partition(":")
    digits = [len(part) == 2 and part.isascii() and part.isdigit() for part in (hour, minute)]  # noqa: PLR2004
    found = int(hour) * 60 + int(minute) if all(digits) else DAY_MIN + 1
    if not colon or found > DAY_MIN or int(minute) >= 60:  # noqa: PLR2004 - minutes of an hour
        raise Invalid(f"send_window.{name}: {text!r:.20} is no time of a day; write 09:00, say")
    return found


def _moments(minute: int, at: datetime, place: ZoneInfo) -> Iterator[datetime]:
    """All moments from `at` to the horizon at which a window's state may change there.

    At `at` itself, when clocks show that minute of a day, and when they are moved.
    """
    at = at.astimezone(UTC)
    found = [at, *_shown(minute, at, place), *_moved(at, place)]
    return (moment for moment in found if at <= moment)


def _shown(minute: int, at: datetime, place: ZoneInfo) -> Iterator[datetime]:
    today = at.astimezone(place).date()
    for days in range(-1, HORIZON.days + 1):
        local = _on(today + timedelta(days=days), minute).replace(tzinfo=place)
        for fold in (0, 1):
            yield local.replace(fold=fold).astimezone(UTC)


def _on(day: date, minute: int) -> datetime:
    days, left = divmod(minute, DAY_MIN)
    return datetime.combine(day + timedelta(days=days), time(left // 60, left % 60))


def _moved(at: datetime, place: ZoneInfo) -> Iterator[datetime]:
    """When clocks are moved there between `at` and the horizon."""
    for days in range(HORIZON.days + 1):
        before, after = at + timedelta(days=days), at + timedelta(days=days + 1)
        if _offset(before, place) != _offset(after, place):
            yield _between(before, after, place)


def _between(before: datetime, after: datetime, place: ZoneInfo) -> datetime:
    """The first second of the offset that holds at `after`; another holds at `before`."""
    low, high = before.replace(microsecond=0), after.replace(microsecond=0)
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        if _offset(middle, place) == _offset(before, place):
            low = middle
        else:
            high = middle
    return high


def _offset(at: datetime, place: ZoneInfo) -> timedelta | None:
    return at.astimezone(place).utcoffset()


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones() if name != "localtime"}
