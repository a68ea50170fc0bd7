"""How much marketing mail a contact may get of a tenant: so many a day, so far apart.

A mail counts from the last moment at which it might leave, until a day later; a mail that is tried
again counts once, at its last attempt. Transactional mail neither counts nor waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.refusals import Invalid

#: Why a send was put off or, after so many delays, given up.
REASON = "fatigue"
DELAYS_MAX = 3
DAY = timedelta(hours=24)
PER_DAY_MAX, GAP_H_MAX = 50, 7 * 24
GRAIN_S = 60  # sends that wait about as long come due together


@dataclass(frozen=True)
class Fatigue:
    """At most `per_day` mails in any 24 hours, `gap_h` hours or more between two."""

    per_day: int = 2
    gap_h: int = 4


def check(limit: Fatigue) -> None:
    """Raises Invalid for a limit that lets nothing through or that no wait could keep."""
    if not 1 <= limit.per_day <= PER_DAY_MAX:
        raise Invalid(f"contact_fatigue.per_day: give 1 to {PER_DAY_MAX}, or null for no limit")
    if not 0 <= limit.gap_h <= GAP_H_MAX:
        raise Invalid(f"contact_fatigue.gap_h: give 0 to {GAP_H_MAX} hours")


def allowed_at(limit: Fatigue, mails: Sequence[datetime]) -> datetime | None:
    """From when on a contact that got these mails may get another; None: nothing holds it back."""
    latest = sorted(mails, reverse=True)
    ends = [latest[0] + timedelta(hours=limit.gap_h)] if latest and limit.gap_h else []
    if len(latest) >= limit.per_day:
        ends.append(latest[limit.per_day - 1] + DAY)
    return max(ends, default=None)


def wait_s(seconds: float) -> int:
    """How long a send is put off: never shorter than what is left."""
    return max(1, -int(-seconds // GRAIN_S)) * GRAIN_S
