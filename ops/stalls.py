"""Which readers of the log stand still although there is something to read: decided from looks.

A look says where every reader stands and where what it reads ends. A reader whose position does not
move for `after_s` while records lie before it is stalled; one that moves and falls behind all that
time is behind. One without anything before it is well, however long it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

RUNBOOK = "docs/runbooks/stalled-reader.md"
#: Looks that are further apart than so many times the usual saw nothing of what was between: an
#: outage, a machine that slept. All clocks begin anew.
LOOKS_MISSED = 3
NOTHING: dict[str, Any] = {"looked_at": "", "stalls": [], "behind": []}


class Place(NamedTuple):
    """A reader, and the partition that it reads."""

    reader: str
    topic: str
    partition: int


class Standing(NamedTuple):
    """The next offset that the reader will read, and where the partition ends."""

    position: int
    end: int

    @property
    def lag(self) -> int:
        return max(0, self.end - self.position)


@dataclass(frozen=True)
class Finding:
    """A reader that is stalled, or behind, at one partition."""

    reader: str
    topic: str
    partition: int
    since: str  # UTC; from when on it did not move, or always had something before it
    position: int
    end: int
    lag: int


@dataclass
class _Seen:
    """What earlier looks saw; times are the looker's monotonic seconds."""

    position: int
    still_at: float  # the last look at which it had moved, or had nothing before it
    behind_at: float  # the last look at which it had nothing before it
    lag_then: int  # at the look after that


@dataclass(frozen=True)
class Looked:
    """What one look found, and what is new in it."""

    stalls: list[Finding] = field(default_factory=list)
    behind: list[Finding] = field(default_factory=list)
    begun: list[Finding] = field(default_factory=list)  # stalled since the look before
    over: list[Place] = field(default_factory=list)  # not stalled any more


class Watch:
    """Remembers looks. `every_s`: how far apart they are meant to be."""

    def __init__(self, *, after_s: float, every_s: float) -> None:
        self._after_s, self._every_s = after_s, every_s
        self._seen: dict[Place, _Seen] = {}
        self._stalled: set[Place] = set()
        self._at: float | None = None

    def look(self, now: float, wall: datetime, standings: Mapping[Place, Standing]) -> Looked:
        """Judge by this look and those before it. `now` is monotonic, `wall` for people."""
        if self._at is None or now - self._at > LOOKS_MISSED * self._every_s:
            self._seen.clear()
        self._at = now
        self._seen = {
            place: _after(self._seen.get(place), standing, now)
            for place, standing in standings.items()
        }

        def found(places: Iterable[Place]) -> list[Finding]:
            return [self._finding(place, standings[place], now, wall) for place in sorted(places)]

        before, self._stalled = self._stalled, {each for each in standings if self._still(each)}
        return Looked(
            stalls=found(self._stalled),
            behind=found(
                place
                for place, standing in standings.items()
                if self._behind(place, standing.lag) and place not in self._stalled
            ),
            begun=found(self._stalled - before),
            over=sorted(before - self._stalled),
        )

    def _still(self, place: Place) -> bool:
        assert self._at is not None  # noqa: S101 - within a look
        return self._at - self._seen[place].still_at >= self._after_s

    def _behind(self, place: Place, lag: int) -> bool:
        assert self._at is not None  # noqa: S101 - within a look
        seen = self._seen[place]
        return self._at - seen.behind_at >= self._after_s and lag > seen.lag_then

    def _finding(self, place: Place, standing: Standing, now: float, wall: datetime) -> Finding:
        seen = self._seen[place]
        since = seen.still_at if place in self._stalled else seen.behind_at
        told = (wall - timedelta(seconds=now - since)).astimezone(UTC)
        return Finding(
            *place,
            told.isoformat(timespec="seconds"),
            standing.position,
            standing.end,
            standing.lag,
        )


def _after(seen: _Seen | None, standing: Standing, now: float) -> _Seen:
    """What is known after a look at one place."""
    if seen is None or standing.lag == 0:
        return _Seen(standing.position, now, now, standing.lag)
    lag_then = seen.lag_then or standing.lag
    if standing.position != seen.position:
        return _Seen(standing.position, now, seen.behind_at, lag_then)
    return _Seen(seen.position, seen.still_at, seen.behind_at, lag_then)


# ---- DIR/stalls.json: what the last look found, for `status` and `doctor`


def _file(data: Path) -> Path:
    return data / "stalls.json"


def write(data: Path, wall: datetime, looked: Looked) -> None:
    """Replace the file, so that a reader sees the old or the new one."""
    found = {
        "looked_at": wall.isoformat(timespec="seconds"),
        "stalls": [asdict(each) for each in looked.stalls],
        "behind": [asdict(each) for each in looked.behind],
    }
    fresh = _file(data).with_suffix(".new")
    fresh.write_text(json.dumps(found, indent=1))
    fresh.replace(_file(data))


def told(finding: Mapping[str, Any]) -> str:
    """One of `stalls` or `behind`, in a line."""
    return (
        "{reader} at {position} of {topic}/{partition}, {lag} records before it, since {since}"
    ).format_map(finding)


def forget(data: Path) -> None:
    """Before the first look of a supervisor: what an earlier one saw is over."""
    _file(data).unlink(missing_ok=True)


def read(data: Path) -> dict[str, Any]:
    """`looked_at` ('' before the first look), `stalls`, `behind`."""
    try:
        found: dict[str, Any] = json.loads(_file(data).read_text())
    except FileNotFoundError:
        return NOTHING
    return found
