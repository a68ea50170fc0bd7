"""The rows that decide whether mail may leave, as one look at them found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """What holds for everybody. `releaser`: one is connected and active."""

    now: datetime
    open: bool
    reason: str = ""
    changed_at: datetime | None = None
    epoch: int = 0
    holder: str = ""
    schedule_age_s: float | None = None  # since it stood at the log's end; None: it never did
    lag_records: int = 0
    releaser: bool = True


@dataclass(frozen=True)
class Campaign:
    """A campaign, its tenant and mailbox. State `launching`: the schedule has not read of it."""

    campaign_id: str
    tenant_id: str
    state: str
    ips: tuple[str, ...] = ()
    domain_id: str = ""
    total: int | None = None  # None: its audience is being planned
    may_send: bool = True
    reason: str = ""  # why it was paused or cancelled
    scheduled_at: datetime | None = None
    expires_at: datetime | None = None
    daily_limit: int | None = None
    tenant_daily_limit: int | None = None
    tenant_daily_limit_reason: str = ""
    sends_per_month: int | None = None  # that the tenant's plan covers
    used_of_plan: int = 0  # this month
    mailbox_id: str = ""
    mailbox_daily_limit: int | None = None
    mailbox_may_send: bool = True
    window: Row | None = None  # domain/windows.py
    fatigue_per_day: int | None = None  # mails that a contact may get; None: no limit
    fatigue_gap_h: int | None = None


@dataclass(frozen=True)
class Wait:
    """Sends of one campaign that wait to leave to one provider."""

    campaign_id: str
    provider: str
    due: int = 0
    later: int = 0
    firsts: int = 0  # of all these, sends that nothing was attempted of
    next_due_at: datetime | None = None  # of those that are not due yet
    parked: int = 0
    parked_why: str = ""
    zone: str = ""  # by whose clocks the campaign's window opens for them
    n: int = 0  # of the attempt that is not due yet; 1: nothing was attempted
    send_id: str = ""  # where one send is asked for
    why: Row = field(default_factory=dict)  # of its last attempt, of one send

    @property
    def sends(self) -> int:
        return self.due + self.later


@dataclass(frozen=True)
class Ip:
    """A sending IP. `released`: sends in its lane that no worker has claimed."""

    ip: str
    out: str = ""  # why nothing leaves from it: retired, quarantined or vps_not_serving
    released: int = 0
    spare_of: str = ""  # the campaign whose excess it may take; empty: it is one of its own


@dataclass(frozen=True)
class Cell:
    """What binds (IP, provider), and what is used of it today. None: nothing binds."""

    ip: str
    provider: str
    started: int = 0
    reserved: int = 0
    cap_per_day: int | None = None
    cap_reason: str = ""
    rate_per_s: float | None = None
    burst: int = 0
    tokens: float | None = None  # of the static bucket as last written; None: full
    refilled_at: datetime | None = None
    plan: str = "none"  # not governed
    quota: int | None = None
    quota_rule: str = ""
    quota_at: datetime | None = None
    quota_counts: Row = field(default_factory=dict)
    per_h: float | None = None
    rate_rule: str = ""
    rate_counts: Row = field(default_factory=dict)
    own_tokens: float | None = None  # of the governor's bucket
    own_refilled_at: datetime | None = None
    phase: str = ""
    score: int | None = None  # of its reputation, or else of the IP's; None: unknown

    @property
    def used(self) -> int:
        return self.started + self.reserved

    @property
    def governed(self) -> bool:
        return self.plan != "none"


@dataclass(frozen=True)
class Breaker:
    """A breaker that is not closed."""

    scope: str
    scope_id: str
    provider: str
    status: str  # open, half or blocked
    rule: str
    since: datetime
    until: datetime | None = None
    probes: int = 0
    probes_used: int = 0
    counts: Row = field(default_factory=dict)


@dataclass(frozen=True)
class Quota:
    """A sending domain's quota towards a provider."""

    domain_id: str
    provider: str
    quota: int
    rule: str
    decided_at: datetime | None = None
    counts: Row = field(default_factory=dict)


@dataclass(frozen=True)
class Moving:
    """Releases in one state: released (nobody claimed them yet), started or ending."""

    state: str
    sends: int
    releases: int
    ip: str = ""
    oldest_at: datetime | None = None  # when the oldest was told to its lane; None: not told yet
    lease_until: datetime | None = None


@dataclass(frozen=True)
class Snapshot:
    """One look. `used`: (scope, id, provider) → messages of this UTC day, of wider limits."""

    stage: Stage
    campaigns: Mapping[str, Campaign]
    waits: Sequence[Wait] = ()
    ips: Sequence[Ip] = ()
    cells: Mapping[tuple[str, str], Cell] = field(default_factory=dict)
    breakers: Sequence[Breaker] = ()
    quotas: Sequence[Quota] = ()
    used: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    moving: Sequence[Moving] = ()
    lane_depth: int = 4000

    def cell(self, ip: str, provider: str) -> Cell:
        """What binds there; nothing, for one that no row is about."""
        return self.cells.get((ip, provider)) or Cell(ip, provider)
