"""What the governor knows: cells with quota, rate and breaker; gates with a breaker alone.

The records are changed only on copies that `step` makes, so a State that someone holds never
changes. A State holds the scopes of one tenant: IPs, domains and campaigns belong to one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeVar

from domain.governor.inputs import Scopes

VERSION = 3  # of the rules and of this record; stands in every decision
DAY_S = 86_400
UNBOUND = 10**12  # a quota that binds nothing


class Phase(StrEnum):
    COLD = "cold"  # nothing left from here yet, or not for 30 days
    WARMING = "warming"
    WARM = "warm"  # carries what it shall, for a week
    RECOVERING = "recovering"  # after a cut or an opening, below what it carried before
    OPEN = "open"  # its breaker is open or half open
    BLOCKED = "blocked"  # until a person or a delisting ends it


class Status(StrEnum):
    """Of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF = "half"
    BLOCKED = "blocked"


@dataclass(slots=True)
class Counts:
    """Attempts by how they ended. What says nothing about the sender is not among them."""

    accepted: int = 0
    deferred: int = 0  # for policy or reputation
    blocked: int = 0
    hard: int = 0
    complaints: int = 0

    @property
    def judged(self) -> int:
        return self.accepted + self.deferred + self.blocked + self.hard

    @property
    def deferred_share(self) -> float:
        judged = self.judged
        return self.deferred / judged if judged else 0.0


@dataclass(slots=True)
class Evidence:
    """Counts that fade: complaints by half in 7 days, hard bounces in 3."""

    accepted: float = 0.0  # where complaints would be told
    complaints: float = 0.0
    attempts: float = 0.0
    hard: float = 0.0


@dataclass(slots=True)
class Breaker:
    status: Status = Status.CLOSED
    level: int = 0  # openings in a row: each doubles the time
    until_s: int = 0  # 0 while open: until a person ends it
    round: int = 0  # of probes
    probes: int = 0  # that may still leave in this round
    good: int = 0  # probes of this round that were taken
    probed_s: int = 0  # when this round began
    closed_s: int = 0
    rule: str = ""


@dataclass(slots=True)
class Pace:
    """The fast loop: a token bucket, connections, and the window that is being judged."""

    per_h: float = 0.0
    tokens: float = 0.0
    at_s: int = 0  # up to when tokens were filled in
    seen: Counts = field(default_factory=Counts)
    since_s: int = 0  # when the window's first message left
    raised_s: int = 0
    lowered_s: int = 0
    connections: float = 1.0
    per_connection: int = 1
    connections_held_s: int = 0  # until when they do not grow


@dataclass(slots=True)
class Cell:
    """A sending IP, or a From domain (then without pace), towards a provider."""

    tenant_id: str
    kind: str  # cell or domain
    owner: str  # the IP's or the domain's id
    provider: str
    plan: str = "standard"
    curve: tuple[int, ...] = ()
    target: int = 0
    phase: Phase = Phase.COLD
    day: int = 0  # UTC, days since 1970
    quota: int = 0
    started: int = 0  # today
    today: Counts = field(default_factory=Counts)
    threshold: int = 0  # above it growth is careful, as it hurt there before; 0: none
    hold_days: int = 0
    cool_days: int = 0  # in which complaints are still about mail from before the cut
    warm_days: int = 0
    idle_days: int = 0
    usual: float = 0.0  # taken a day, of late: each day counts half of those before it
    used: bool = False  # since it was cold
    recovering: bool = False
    lowered_day: int = -1  # the last one on which a breaker cut the quota
    early_day: int = -1  # the last one whose quota grew before its end
    early_from: int = 0  # what it grew from then; 0: a cut took that back
    ambiguous: int = 0  # today
    unsigned: int = 0  # refusals for authentication, less what was accepted since
    unreached: int = 0  # failed connections in a row
    evidence: Evidence = field(default_factory=Evidence)
    pace: Pace = field(default_factory=Pace)
    breaker: Breaker = field(default_factory=Breaker)

    def copied(self) -> Cell:
        """One that may be changed."""
        made = _copied(self)
        made.today, made.evidence = _copied(self.today), _copied(self.evidence)
        made.breaker, made.pace = _copied(self.breaker), _copied(self.pace)
        made.pace.seen = _copied(self.pace.seen)
        return made


@dataclass(slots=True)
class Gate:
    """IP, tenant or campaign: a breaker, and the counts that its rules look at."""

    tenant_id: str
    kind: str
    owner: str
    day: int = 0  # UTC, on which answers came last
    attempts: int = 0
    hard: int = 0
    content: int = 0
    blocked_at: dict[str, int] = field(default_factory=dict)  # provider → second of the last block
    listed: tuple[str, ...] = ()  # of an IP: the lists of tier 1 that name it
    review_asked: bool = False
    breaker: Breaker = field(default_factory=Breaker)

    @property
    def provider(self) -> str:
        return ""

    def copied(self) -> Gate:
        """One that may be changed."""
        made = _copied(self)
        made.breaker, made.blocked_at = _copied(self.breaker), dict(self.blocked_at)
        return made


@dataclass(frozen=True, slots=True)
class Choice:
    """How an IP shall warm up towards providers that it has not met."""

    plan: str
    curve: tuple[int, ...]
    target: int


@dataclass(frozen=True, slots=True)
class State:
    """All of it. `now_s` never goes back, whatever a clock does."""

    now_s: int = 0
    cells: dict[str, Cell] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    choices: dict[str, Choice] = field(default_factory=dict)  # by IP, or ip:provider


def choice_of(state: State, owner: str, provider: str) -> Choice | None:
    """How an IP shall warm up towards a provider: as is said of the two, or else of the IP."""
    return state.choices.get(f"{owner}:{provider}") or state.choices.get(owner)


initial = State()

R = TypeVar("R", Counts, Evidence, Breaker, Pace, Cell, Gate)
#: Each step copies what it changes: this takes a fifth of the time of copy.copy.
_fields: dict[type[Any], attrgetter[tuple[Any, ...]]] = {
    kind: attrgetter(*kind.__slots__) for kind in (Counts, Evidence, Breaker, Pace, Cell, Gate)
}


def _copied(record: R) -> R:
    kind = type(record)
    return kind(*_fields[kind](record))


def cell_key(ip: str, provider: str) -> str:
    return f"cell:{ip}:{provider}"


def domain_key(domain_id: str, provider: str) -> str:
    return f"domain:{domain_id}:{provider}"


def gates_of(scopes: Scopes) -> list[tuple[str, str]]:
    """Kind and owner of the gates that mail of these scopes passes."""
    owners = ("ip", scopes.ip), ("tenant", scopes.tenant_id), ("campaign", scopes.campaign_id)
    return [(kind, owner) for kind, owner in owners if owner]


def gate_key(kind: str, owner: str) -> str:
    """`kind`: ip, tenant or campaign."""
    return f"{kind}:{owner}"
