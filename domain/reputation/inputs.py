"""What reputation is told beside the governor's inputs; each brings its time, in UTC seconds.

They are folded from the log: `AddressNameChecked` → NameChecked, `ListingObserved` about a domain →
DomainListed (about an IP: the governor's ListingSeen), `SpamShareReported.traps` → TrapsHit,
`OpenObserved` and `ClickObserved` of humans → Engaged. `AlignmentReported` comes from DMARC
aggregate reports (RFC 7489 §7.2), once something reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.governor.inputs import Input, Scopes


@dataclass(frozen=True, slots=True)
class NameChecked:
    """Whether a sending IP's address has a name that leads back to it and that we greet by."""

    at_s: int
    tenant_id: str
    ip: str
    passed: bool


@dataclass(frozen=True, slots=True)
class DomainListed:
    """A DNS blocklist lists a sending domain, or no longer does."""

    at_s: int
    tenant_id: str
    domain_id: str
    zone: str
    listed: bool
    tier: int


@dataclass(frozen=True, slots=True)
class TrapsHit:
    """Mail from an IP reached addresses that nobody has: spam traps."""

    at_s: int
    scopes: Scopes
    count: int


@dataclass(frozen=True, slots=True)
class Engaged:
    """People, not machines, opened mail or followed its links."""

    at_s: int
    scopes: Scopes
    count: int = 1


@dataclass(frozen=True, slots=True)
class AlignmentReported:
    """Receivers told how much mail of a From domain was authenticated as that domain (DMARC)."""

    at_s: int
    tenant_id: str
    domain_id: str
    messages: int
    aligned: int


Told = Input | NameChecked | DomainListed | TrapsHit | Engaged | AlignmentReported
