"""Volume control in a world: plans, quotas, pace, breakers and daily limits, as dice decide them.

And the oracle: whether what was started kept to them, from the log's records and what was decided.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from domain import masks, uses
from domain.event import Event, Recorded
from domain.governor.events import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    QuotaSet,
    RateChanged,
)
from domain.mailbox import MailboxCreated
from domain.sending import SliceStarted
from domain.sending_ip import WarmupPlanChosen
from tests.simulation.world import World

#: A claim may go by rows that are so old; a second for what the world does at one moment.
LATE = timedelta(seconds=11)
DEADLINE = timedelta(seconds=60)
WHY: dict[str, Any] = {"rule": "sim", "counts": {}, "governor": 1}
MAILBOX_LIMIT = 5

Scope = tuple[str, str, str]  # kind, id, provider


class Told(NamedTuple):
    """A breaker's status from a moment on."""

    at: datetime
    status: str  # open, half or closed


@dataclass
class Volume:
    """What is decided about volume in a world."""

    world: World
    providers: tuple[str, ...]
    scopes: list[Scope] = field(default_factory=list)  # that a breaker may stop
    governed: dict[str, str] = field(default_factory=dict)  # IP → its tenant
    breakers: defaultdict[Scope, list[Told]] = field(default_factory=lambda: defaultdict(list))
    probes: dict[str, int] = field(default_factory=dict)  # use → how many
    quotas: defaultdict[str, list[tuple[datetime, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )  # domain → what was set
    limits: dict[str, int] = field(default_factory=dict)  # campaign or mailbox → a day
    mailbox_of: dict[str, str] = field(default_factory=dict)  # campaign → mailbox
    tenant_of: dict[str, str] = field(default_factory=dict)  # scope id → tenant
    _decided: int = 0

    # ---- what is decided

    def begin(self, tenant_id: str, ip: str, domain_id: str) -> None:
        """Let some tenants' IPs be governed, and all have a mailbox with a limit."""
        dice = self.world.dice
        self.tenant_of |= dict.fromkeys((ip, domain_id, tenant_id), tenant_id)
        self._tell(MailboxCreated(
            tenant_id=tenant_id, mailbox_id=f"mbx_{tenant_id}", domain_id=domain_id,
            daily_limit=MAILBOX_LIMIT, warmup_wanted=False,
        ))  # fmt: skip
        self.limits[f"mbx_{tenant_id}"] = MAILBOX_LIMIT
        if dice.random() < 0.4:
            return
        self.governed[ip] = tenant_id
        plan: dict[str, Any] = {"curve": [], "target": 0, "reason": "sim"}
        self._tell(WarmupPlanChosen(tenant_id=tenant_id, ip=ip, provider="*", plan="fast", **plan))
        self.scopes += [("ip", ip, ""), ("tenant", tenant_id, "")]
        for provider in self.providers:
            self.scopes += [("cell", ip, provider), ("domain", domain_id, provider)]
            self._set_quota(("cell", ip, provider))
            self._set_quota(("domain", domain_id, provider))
            self._set_pace(("cell", ip, provider))

    def of_campaign(self, tenant_id: str, campaign_id: str) -> dict[str, Any]:
        """What a launch says of limits."""
        dice = self.world.dice
        self.tenant_of[campaign_id] = tenant_id
        if tenant_id in self.governed.values():
            self.scopes.append(("campaign", campaign_id, ""))
        told: dict[str, Any] = {"daily_limit": dice.choice((None, None, 2, 6))}
        if told["daily_limit"]:
            self.limits[campaign_id] = told["daily_limit"]
        if dice.random() < 0.3:
            told["mailbox_id"] = self.mailbox_of[campaign_id] = f"mbx_{tenant_id}"
        return told

    def decide(self) -> None:
        """Another quota or pace; or a breaker opens, half opens or closes."""
        dice = self.world.dice
        if not self.scopes:
            return
        scope = dice.choice(self.scopes)
        drawn = dice.random()
        if drawn < 0.25 and scope[0] in {"cell", "domain"}:
            self._set_quota(scope)
        elif drawn < 0.35 and scope[0] == "cell":
            self._set_pace(scope)
        else:
            self._turn(scope, dice.choice(("open", "half", "half", "closed")))

    def settle(self) -> None:
        """Whoever stopped something lets it go on."""
        for scope in self.scopes:
            if self.breakers[scope]:
                self._turn(scope, "closed")

    def _of(self, scope: Scope) -> dict[str, Any]:
        self._decided += 1
        at = self.world.clock.now() + timedelta(microseconds=self._decided)
        kind, scope_id, provider = scope
        where = {"scope": kind, "scope_id": scope_id, "provider": provider}
        return where | {"tenant_id": self.tenant_of[scope_id], "decided_at": at} | WHY

    def _set_quota(self, scope: Scope) -> None:
        new = self.world.dice.choice((2, 5, 12))
        if scope[0] == "domain":
            self.quotas[f"{scope[1]}:{scope[2]}"].append((self.world.clock.now(), new))
        self._tell(QuotaSet(**self._of(scope), old=0, new=new))

    def _set_pace(self, scope: Scope) -> None:
        per_h = self.world.dice.choice((3_600_000, 3_600_000, 600))
        pace: dict[str, Any] = {"old_per_h": 1, "connections": 1, "per_connection": 5}
        self._tell(RateChanged(**self._of(scope), new_per_h=per_h, **pace))

    def _turn(self, scope: Scope, status: str) -> None:
        told = self._of(scope)
        if status == "open":
            until = self.world.clock.now() + timedelta(hours=1)
            self._tell(BreakerOpened(**told, until=until, level=0))
        elif status == "half":
            probes = self.world.dice.choice((1, 1, 3))
            self.probes[uses.probe(*scope, told["decided_at"]).name] = probes
            self._tell(BreakerHalfOpened(**told, probes=probes))
        else:
            self._tell(BreakerClosed(**told))
        self.breakers[scope].append(Told(self.world.clock.now(), status))

    def _tell(self, event: Event) -> None:
        self.world.log.tell(event)

    # ---- what must hold

    def wrong(self, records: list[Recorded]) -> list[str]:
        """I7 in every scope wider than a cell (cells: `penguin verify`), and breakers hold."""
        seen: set[tuple[str, int]] = set()
        started: list[tuple[SliceStarted, int, datetime]] = []
        for record in records:
            if isinstance(record.event, SliceStarted):
                indexes = set(_sends_of(record.event)) - seen
                seen |= indexes
                started.append((record.event, len(indexes), record.meta.time))
        return [*self._over_limits(started), *self._around_breakers(started)]

    def _over_limits(self, started: list[tuple[SliceStarted, int, datetime]]) -> list[str]:
        sums: Counter[tuple[str, date]] = Counter()
        probed: Counter[str] = Counter()
        for event, size, _ in started:
            day = event.cap_day
            for owner in (event.campaign_id, self.mailbox_of.get(event.campaign_id, "")):
                sums[owner, day] += size
            if event.ip in self.governed:
                sums[f"{event.domain_id}:{event.provider}", day] += size
            probed.update({use: size for use in event.uses if use.startswith("probe:")})
        found = [
            f"limit: {owner} sent {sent} on {day}"
            for (owner, day), sent in sums.items()
            if sent > self._most(owner, day)
        ]
        return found + [
            f"probes: {sent} of {use}" for use, sent in probed.items() if sent > self.probes[use]
        ]

    def _most(self, owner: str, day: date) -> float:
        if owner in self.quotas:
            begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
            told = self.quotas[owner]
            before = [new for at, new in told if at <= begin - LATE][-1:]
            during = [new for at, new in told if begin - LATE < at < begin + timedelta(days=1)]
            return max(before + during, default=0)
        return self.limits.get(owner, float("inf"))

    def _around_breakers(self, started: list[tuple[SliceStarted, int, datetime]]) -> list[str]:
        return [
            f"breaker: {event.release_id} was claimed past {scope}"
            for event, _, recorded_at in started
            for scope in _scopes_of(event)
            if self._shut(scope, event, recorded_at)
        ]

    def _shut(self, scope: Scope, event: SliceStarted, recorded_at: datetime) -> bool:
        """Whether the breaker let nothing but others' probes go, whenever it was claimed."""
        claimed_at = event.deadline_at - DEADLINE  # unless its day ended before
        until = recorded_at if _ends_with_its_day(event) else claimed_at
        since = claimed_at - LATE
        told = self.breakers.get(scope, [])
        status = [one.status for one in told if one.at <= since][-1:] or ["closed"]
        status += [one.status for one in told if since < one.at <= until]
        own = f"probe:{scope[0]}/{scope[1]}/"
        is_probe = any(use.startswith(own) for use in event.uses)
        return all(one == "open" or (one == "half" and not is_probe) for one in status)


def _sends_of(event: SliceStarted) -> list[tuple[str, int]]:
    """The sends of a start, each told apart from every other attempt."""
    mask, found = masks.of(event.ranges), []
    while mask:
        low = mask & -mask
        found.append((f"{event.release_id}", low.bit_length()))
        mask ^= low
    return found


def _scopes_of(event: SliceStarted) -> list[Scope]:
    return [
        ("cell", event.ip, event.provider),
        ("ip", event.ip, ""),
        ("domain", event.domain_id, event.provider),
        ("tenant", event.tenant_id, ""),
        ("campaign", event.campaign_id, ""),
    ]


def _ends_with_its_day(event: SliceStarted) -> bool:
    return event.deadline_at.astimezone(UTC).date() > event.cap_day
