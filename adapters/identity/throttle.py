"""How often something may be tried: exact counts per person, IP and in all, over sliding windows.

Nobody is locked out for good: a refused attempt is not counted, and each counted one grows old.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import NamedTuple

from adapters.identity.rows import Rows
from domain.ids import new_id
from domain.refusals import Refused

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0


class Limit(NamedTuple):
    """So many attempts in any window of this length."""

    most: int
    window_s: float


#: The numbers of PyPI's warehouse (reliability.md §1).
LOGIN_OF_USER = (Limit(10, 5 * MINUTE_S),)
LOGIN_OF_IP = (Limit(10, 5 * MINUTE_S),)
LOGIN_OF_ALL = (Limit(1000, 5 * MINUTE_S),)
SECOND_FACTOR = (Limit(5, 5 * MINUTE_S), Limit(20, HOUR_S), Limit(50, DAY_S))
MAIL_TO_USER = (Limit(5, DAY_S),)
#: Our own: sign-ups, and asking for mails, from one IP.
MAIL_FROM_IP = (Limit(20, HOUR_S),)


class TooMany(Refused):
    """Tried too often; the text says when to try again."""

    code = "too_many_attempts"

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"tried too often; try again in {wait_s} s")
        self.wait_s = wait_s


class Subject(NamedTuple):
    """What attempts are counted by. `name` is an id, an address or an IP; kept hashed."""

    kind: str
    name: str
    limits: Sequence[Limit]


@dataclass(frozen=True)
class Throttle:
    """Counts attempts in Postgres, exactly among all processes."""

    rows: Rows
    key: str  # under which names are hashed: the table tells nobody's address

    def attempt(self, now: datetime, *subjects: Subject) -> str:
        """Count an attempt; returns its id. Raises TooMany, and then counts nothing.

        Whoever knocks takes a little of what no longer counts along.
        """
        self.rows.all("forget_some", now=now)
        attempt_id = new_id("evt")
        each = [(subject, limit) for subject in subjects for limit in subject.limits]
        wait_s = self.rows.found(
            "attempt",
            attempt_id=attempt_id,
            kinds=[subject.kind for subject, _ in each],
            subjects=[self._hashed(subject.name) for subject, _ in each],
            limits=[limit.most for _, limit in each],
            windows_s=[limit.window_s for _, limit in each],
            now=now,
        )
        if wait_s:
            raise TooMany(max(1, ceil(wait_s)))
        return attempt_id

    def forgive(self, attempt_id: str) -> None:
        """It succeeded, so it does not count."""
        self.rows.all("forgive", attempt_id=attempt_id)

    def _hashed(self, name: str) -> str:
        key = self.key.encode()[:64]
        return hashlib.blake2b(
            name.encode(), key=key, digest_size=16, person=b"pm-attempt"
        ).hexdigest()
