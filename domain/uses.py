"""What a slice uses up beside its cell: of a domain's quota, of limits, of probes.

A use is named `scope:id:provider`, the provider empty where it holds for each. `SliceStarted`
carries the names, so that the log alone tells what was used on a day; nothing in them is personal.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

DOMAIN, TENANT, CAMPAIGN, MAILBOX, PROBE = "domain", "tenant", "campaign", "mailbox", "probe"
PLAN = "plan"  # a tenant's: first attempts alone, retries are free
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SCOPES = (DOMAIN, TENANT, CAMPAIGN, MAILBOX, PROBE, PLAN)


class Use(NamedTuple):
    """One scope that a slice is charged to."""

    scope: str
    scope_id: str
    provider: str = ""

    @property
    def name(self) -> str:
        """As `SliceStarted.uses` tells it."""
        return f"{self.scope}:{self.scope_id}:{self.provider}"


def use_of(name: str) -> Use:
    """The use of this name. Raises ValueError for one that is none."""
    scope, _, rest = name.partition(":")
    scope_id, found, provider = rest.partition(":")
    if scope not in SCOPES or not found or not scope_id:
        raise ValueError(f"uses: {name!r} names no scope:id:provider")
    return Use(scope, scope_id, provider)


def probe(scope: str, scope_id: str, provider: str, half_open_since: datetime) -> Use:
    """The probes of a breaker that half opened at this moment: another moment, other probes."""
    moment = (half_open_since - _EPOCH) // timedelta(microseconds=1)
    return Use(PROBE, f"{scope}/{scope_id}/{moment}", provider)
