"""What the governor is told. Each input brings its time, in UTC seconds; nothing reads a clock.

They are folded from the log: `SliceStarted` → Started, `OutcomesRecorded` → Attempted,
`BounceReceived` → Bounced, `ComplaintReceived` → Complained; a timer gives Ticked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Scopes:
    """Where a message belongs. An empty part has no scope of its own."""

    tenant_id: str
    ip: str
    provider: str
    domain_id: str = ""  # of the From address
    campaign_id: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """So many attempts that came to the same end."""

    reason: str  # an OutcomeClass
    count: int = 1
    phase: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time went on. Once a minute is meant; how often it comes changes no quota."""

    at_s: int


@dataclass(frozen=True, slots=True)
class Started:
    """Messages are on their way."""

    at_s: int
    scopes: Scopes
    count: int


@dataclass(frozen=True, slots=True)
class Attempted:
    """What became of attempts."""

    at_s: int
    scopes: Scopes
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Complained:
    """Recipients called mail spam (feedback loop)."""

    at_s: int
    scopes: Scopes
    count: int = 1


@dataclass(frozen=True, slots=True)
class Bounced:
    """Accepted mail came back as undeliverable for good."""

    at_s: int
    scopes: Scopes
    count: int = 1


@dataclass(frozen=True, slots=True)
class SpamRateReported:
    """A provider without feedback loop told the share of spam of a day (Postmaster Tools)."""

    at_s: int
    scopes: Scopes
    share: float
    messages: int  # that the share was taken of


@dataclass(frozen=True, slots=True)
class ListingSeen:
    """A DNS blocklist lists the IP, or no longer does. Tier 1 stops the IP."""

    at_s: int
    tenant_id: str
    ip: str
    listed: bool
    tier: int
    zone: str = ""  # which list: reputation counts each of them; the governor does not ask


@dataclass(frozen=True, slots=True)
class DnsChecked:
    """A sending domain's records were looked at."""

    at_s: int
    tenant_id: str
    domain_id: str
    passed: bool


@dataclass(frozen=True, slots=True)
class PlanChosen:
    """A tenant chose how an IP warms up, towards one provider or (empty) each one it meets."""

    at_s: int
    tenant_id: str
    ip: str
    plan: str
    curve: tuple[int, ...] = ()  # messages per day, with the plan custom
    target: int = 0  # messages per day that the IP shall carry to each provider; 0: not told
    provider: str = ""


class Action(StrEnum):
    """What a person may order of a scope."""

    STOP = "stop"
    RESUME = "resume"  # ends an open or blocked breaker, by probes
    QUOTA = "quota"  # sets it
    WARM = "warm"  # it was warmed elsewhere: no quota binds a domain, `quota` an IP


@dataclass(frozen=True, slots=True)
class Overridden:
    """A person decided. Its reason and actor stand in the event that it is folded from."""

    at_s: int
    tenant_id: str
    key: str  # of the scope, as domain/governor/state.py makes keys
    action: Action
    quota: int = 0


Input = (
    Ticked
    | Started
    | Attempted
    | Complained
    | Bounced
    | SpamRateReported
    | ListingSeen
    | DnsChecked
    | PlanChosen
    | Overridden
)
