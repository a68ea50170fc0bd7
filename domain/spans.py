"""Stretches of time as people name them: days in a time zone, cut into hours, days, weeks, months.

Daylight saving is the zone's: a day may have 23 or 25 hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.refusals import Invalid

RANGES = {"7d": 7, "30d": 30, "90d": 90}
CUSTOM = "custom"
UNITS = ("hour", "day", "week", "month")
DAYS_MAX = 400
HOURLY_DAYS_MAX = 31
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Span:
    """The moments from `start` until before `end`, in UTC: whole days of `zone`."""

    start: datetime
    end: datetime
    first_day: date
    days: int
    zone: ZoneInfo

    def before(self) -> Span:
        """As many days, right before it."""
        return _span(self.first_day - timedelta(days=self.days), self.days, self.zone)


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of this name. Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:  # also: a folder's name, not a key
        wrong = f"tz: {name!r} is no IANA time zone; give one like Europe/Berlin, or UTC"
        raise Invalid(wrong) from error


def span(named: str, tz: str, now: datetime, since: date | None, until: date | None) -> Span:
    """The days of a range that ends today, or of `custom` from `since` to `until`, both within it.

    Raises Invalid.
    """
    where = zone(tz)
    today = now.astimezone(where).date()
    if named in RANGES and since is None and until is None:
        days = RANGES[named]
        return _span(today - timedelta(days=days - 1), days, where)
    if named != CUSTOM:
        wanted = f"{', '.join(RANGES)}, or custom with from and to"
        raise Invalid(f"range: {named!r} does not go with what else was given; give {wanted}")
    if since is None or until is None:
        raise Invalid("from: a custom range has a first and a last day; give from and to")
    days = (until - since).days + 1
    if not 1 <= days <= DAYS_MAX or not 2000 <= since.year < 2200:  # noqa: PLR2004 - zones are known
        raise Invalid(f"to: it must be at or after from, and within {DAYS_MAX} days of it")
    return _span(since, days, where)


def edges(found: Span, by: str) -> list[datetime]:
    """The moments at which its hours, days, weeks or months begin, and its end; UTC, rising.

    The first and the last week or month are cut off where the span is. Raises Invalid.
    """
    if by == "hour":
        if found.days > HOURLY_DAYS_MAX:
            raise Invalid(f"by: hours are told of {HOURLY_DAYS_MAX} days at most; ask by day")
        return [*_hours(found), found.end]
    if by not in UNITS:
        raise Invalid(f"by: {by!r} is none of {', '.join(UNITS)}")
    days = (found.first_day + timedelta(days=number) for number in range(found.days))
    begins = [day for day in days if day == found.first_day or _begins(day, by)]
    return [*(_midnight(day, found.zone) for day in begins), found.end]


def _begins(day: date, by: str) -> bool:
    return by == "day" or (day.weekday() == 0 if by == "week" else day.day == 1)


def _hours(found: Span) -> Iterator[datetime]:
    at = found.start
    while at < found.end:
        yield at
        at += QUARTER
        while at.astimezone(found.zone).minute and at < found.end:
            at += QUARTER


def _span(first: date, days: int, where: ZoneInfo) -> Span:
    end = _midnight(first + timedelta(days=days), where)
    return Span(_midnight(first, where), end, first, days, where)


def _midnight(day: date, where: ZoneInfo) -> datetime:
    """The day's first moment; where clocks skip midnight, the moment that they skip to."""
    return datetime.combine(day, time(), tzinfo=where).astimezone(UTC)
