"""Why open sends of a campaign do not move, for people who wait for them: whynot in one word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from projections.fold import Connection
from projections.reads import Bound
from projections.whynot.binding import binding_of
from projections.whynot.limits import Limit
from projections.whynot.why import campaign_look


class HoldKind(StrEnum):
    """What holds a campaign, the one that must go first before the others matter."""

    UNKNOWN = "unknown"  # the schedule has not read its launch yet
    GATE = "gate"  # closed, for all
    STALE = "stale"  # the schedule does not keep up, for all
    RELEASER = "releaser"  # none runs, for all
    TENANT = "tenant"  # suspended
    PAUSED = "paused"
    PLANNING = "planning"
    PARKED = "parked"  # a poison record: for people to look at
    IPS = "ips"  # none of its sending IPs is left
    MAILBOX = "mailbox"  # paused
    BREAKER = "breaker"  # open for a while, or half open
    BLOCKED = "blocked"  # a breaker that someone has to end
    CAP = "cap"  # used up for this UTC day
    QUOTA = "quota"  # the same, of volume control
    PLAN = "plan"  # what the tenant's plan covers this month is used up
    DAILY_LIMIT = "daily_limit"  # the same, of tenant, campaign or mailbox
    RATE = "rate"
    WINDOW = "window"
    FATIGUE = "fatigue"  # contacts got as much mail as the tenant lets them
    RETRY = "retry"  # deferred sends wait for their next attempt
    LANE = "lane"
    WORKER = "worker"  # released sends wait for one


#: Limits that holds call otherwise.
_CALLED: Mapping[str, HoldKind] = {
    "authority": HoldKind.GATE,
    "schedule": HoldKind.STALE,
    "launching": HoldKind.UNKNOWN,
    "paused": HoldKind.PAUSED,
}
_STATES = frozenset({"launching", "paused"})  # of a campaign that people wait for
#: Nothing but a person ends these.
LASTING = frozenset({HoldKind.PARKED, HoldKind.BLOCKED})


@dataclass(frozen=True)
class Hold:
    """`until` is known for what time alone ends; `sends` wait for it."""

    kind: HoldKind
    detail: str
    until: datetime | None = None
    sends: int = 0
    seen_at: datetime | None = field(default=None, compare=False)  # Postgres's clock


async def holds(conn: Connection, tenant_id: str, campaign_id: str) -> Hold | None:
    """What all open sends of the campaign wait for; None while some move, or none is open."""
    snap = await campaign_look(Bound(conn, tenant_id), campaign_id, only_if_still=True)
    found = binding_of(snap)
    kind = kind_of(found.binding) if found.binding else None
    if found.binding is None or kind is None:
        return None
    now, sends = snap.stage.now, found.waits or sum(wait.parked for wait in snap.waits)
    return Hold(kind, found.binding.detail, found.binding.lifts_at, sends, now)


def kind_of(limit: Limit) -> HoldKind | None:
    """The limit as a hold; None: nobody waits for a campaign in that state."""
    if limit.limit == "campaign":
        return _CALLED[limit.rule] if limit.rule in _STATES else None
    if limit.limit == "breaker" and limit.evidence["status"] == "blocked":
        return HoldKind.BLOCKED
    return _CALLED.get(limit.limit) or HoldKind(limit.limit)
