"""Stands where a feed is not configured: it tells nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from domain.reputation.ports import FeedAnswer


@dataclass(frozen=True)
class UnsetFeed:
    """A ReputationFeed of a provider that nobody may ask. `cure`: what sets it up."""

    name: str
    kind: str
    cure: str
    configured: bool = False

    def read(self, subjects: Collection[str], since: date, until: date) -> FeedAnswer:  # noqa: ARG002 - whatever is asked
        """Nothing."""
        return FeedAnswer()
