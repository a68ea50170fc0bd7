"""What reputation knows: tracks with fading counts, and owners with what is true of them now.

Counts are whole numbers of millionths and fade at whole hours, so that the same mail gives the same
bytes in whatever order it was told within a minute, and on whatever machine. Records are changed
only on copies that `step` makes. A State holds the scopes of one tenant.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self


@dataclass(slots=True)
class Track:
    """A sending IP (a cell), or a From domain, towards a provider."""

    owner: str  # key of the owner
    provider: str
    counts: dict[str, int] = field(default_factory=dict)  # by names of weights.HALF_LIVES_H
    started: int = 0  # today, messages
    before: int = 0  # on the last day with mail before today
    accepted: int = 0  # today
    accepted_before: int = 0  # on the last day with mail before today
    engaged: int = 0  # today
    days: tuple[tuple[int, int], ...] = ()  # (accepted, engaged) of days with mail, the last 30
    score: int | None = None  # as told last

    def copied(self) -> Self:
        """One that may be changed."""
        return replace(self, counts=dict(self.counts))

    def add(self, name: str, millionths: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + millionths


@dataclass(slots=True)
class Owner:
    """An IP, a From domain or the tenant."""

    tenant_id: str
    kind: str  # ip, domain or tenant
    id: str
    listings: dict[str, int] = field(default_factory=dict)  # list → tier
    nameless: bool = False  # an IP whose address and greeting do not agree
    unverified: bool = False  # a domain whose records were not found
    counts: dict[str, int] = field(default_factory=dict)  # as of a track
    score: int | None = None  # as told last

    def copied(self) -> Self:
        """One that may be changed."""
        return replace(self, listings=dict(self.listings), counts=dict(self.counts))

    def add(self, name: str, millionths: int) -> None:
        self.counts[name] = self.counts.get(name, 0) + millionths

    @property
    def empty(self) -> bool:
        """Whether nothing is known of it that a new one would not have."""
        told = self.listings or self.nameless or self.unverified or self.counts
        return not told and self.score is None


@dataclass(frozen=True, slots=True)
class State:
    """All of it. `now_s` never goes back, whatever a clock does."""

    now_s: int = 0
    tracks: dict[str, Track] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    touched: tuple[str, ...] = ()  # keys of owners that this minute's inputs were about


initial = State()


def owner_key(kind: str, owner_id: str) -> str:
    return f"{kind}:{owner_id}"


def track_key(owner: str, provider: str) -> str:
    """`owner`: a key, as `owner_key` makes it."""
    return f"{owner}:{provider}"
