"""What stands between the log and the folds of one tenant: who is governed, what is on its way.

A release's attempts are counted once, whatever the log repeats: its start opens its indexes, the
first outcome of each closes it (design-fixes.md 7).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from domain import masks
from domain.sending_ip import EVERY_PROVIDER

VERSION = 1
NOT_GOVERNED = "none"  # the plan that ends it
DAY_S = 86_400
#: Forgotten then: the sweeper concludes a release within minutes, a signal comes within weeks.
OPEN_DAYS, CAMPAIGN_DAYS = 2, 45
REPORT_DAYS = 14  # of a feed, remembered for the sake of those that tell a day twice


class OtherIntake(ValueError):  # noqa: N818 - an answer about bytes that are sound
    """The bytes were written by another version: replay the log instead."""


@dataclass
class Intake:
    """Changed in place, on a copy that a turn makes."""

    plans: dict[str, dict[str, str]] = field(default_factory=dict)  # IP → provider → plan
    open: dict[str, tuple[int, int]] = field(default_factory=dict)  # release → indexes, day
    domains: dict[str, tuple[str, int]] = field(default_factory=dict)  # campaign → domain, day
    reports: dict[str, list[int]] = field(default_factory=dict)  # feed about what → last days
    pos: int = -1  # of the last decision that was heard
    day: int = 0  # on which old entries were dropped last

    def copied(self) -> Intake:
        plans = {ip: dict(own) for ip, own in self.plans.items()}
        reports = {feed: list(days) for feed, days in self.reports.items()}
        return Intake(plans, dict(self.open), dict(self.domains), reports, self.pos, self.day)

    def governs(self, ip: str, provider: str) -> bool:
        """Whether a plan binds mail from the IP to the provider."""
        own = self.plans.get(ip, {})
        plan = own.get(provider) or own.get(EVERY_PROVIDER, NOT_GOVERNED)
        return plan != NOT_GOVERNED

    def governs_ip(self, ip: str) -> bool:
        """Whether a plan binds mail from the IP to any provider."""
        return any(plan != NOT_GOVERNED for plan in self.plans.get(ip, {}).values())

    def begin(self, release_id: str, mask: int, day: int) -> bool:
        """Open a release's indexes; False when it is open already: the log said it twice."""
        if release_id in self.open:
            return False
        self.open[release_id] = mask, day
        return True

    def close(self, release_id: str, mask: int) -> int:
        """Close indexes; those that were still open. None of a release that is not known."""
        left, day = self.open.get(release_id, (0, 0))
        if left & ~mask:
            self.open[release_id] = left & ~mask, day
        else:
            self.open.pop(release_id, None)
        return left & mask

    def reported(self, feed: str, day: int) -> bool:
        """Note a feed's report of a day; False when it was heard before."""
        days = self.reports.setdefault(feed, [])
        if day in days:
            return False
        self.reports[feed] = sorted([*days, day])[-REPORT_DAYS:]
        return True

    def decided(self, pos: int | None) -> bool:
        """Note a decision's place; False when it, or a later one, was heard before."""
        if pos is None:
            return True
        fresh = pos > self.pos
        self.pos = max(self.pos, pos)
        return fresh

    def forget(self, day: int) -> None:
        """Once a day: what is too old to be heard of again."""
        if day <= self.day:
            return
        self.day = day
        self.open = {key: held for key, held in self.open.items() if held[1] > day - OPEN_DAYS}
        kept = day - CAMPAIGN_DAYS
        self.domains = {key: held for key, held in self.domains.items() if held[1] > kept}


def encode(intake: Intake) -> bytes:
    """UTF-8 JSON, keys sorted, no spaces: equal intakes give equal bytes."""
    held: dict[str, Any] = {
        "version": VERSION,
        "plans": intake.plans,
        "open": {key: [masks.ranges(mask), day] for key, (mask, day) in intake.open.items()},
        "domains": intake.domains,
        "reports": intake.reports,
        "pos": intake.pos,
        "day": intake.day,
    }
    return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def decode(data: bytes) -> Intake:
    """The intake that was encoded. Raises OtherIntake."""
    held = json.loads(data)
    if held["version"] != VERSION:
        raise OtherIntake(f"intake of version {held['version']}; this is {VERSION}")
    opened = {key: (masks.of(ranges), day) for key, (ranges, day) in held["open"].items()}
    domains = {key: (domain, day) for key, (domain, day) in held["domains"].items()}
    rest = held["reports"], held["pos"], held["day"]
    return Intake(held["plans"], opened, domains, *rest)
