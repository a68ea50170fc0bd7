"""Facts of the log → what the governor and reputation are told. Pure; the intake is changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

from domain import masks
from domain.event import Event
from domain.governor import plans
from domain.governor.inputs import (
    Action,
    Attempted,
    Bounced,
    Complained,
    DnsChecked,
    Finding,
    ListingSeen,
    Overridden,
    PlanChosen,
    Scopes,
    SpamRateReported,
    Started,
)
from domain.governor.orders import VolumeOrdered
from domain.governor.state import cell_key, domain_key, gate_key
from domain.reputation.inputs import DomainListed, NameChecked, Told, TrapsHit
from domain.sending import Outcome, OutcomesRecorded, SliceStarted
from domain.sending_domain import DomainDegraded, DomainVerified
from domain.sending_ip import EVERY_PROVIDER, WarmupPlanChosen
from domain.signals import (
    AddressNameChecked,
    BounceReceived,
    ComplaintReceived,
    ListingObserved,
    SpamShareReported,
)
from streams.volume.intake import DAY_S, NOT_GOVERNED, Intake

MILLION = 1_000_000
HARD = "hard"
IP_PREFIX = "ip_"
#: An attempt came to these; the others end sends without one.
_ATTEMPTED = frozenset({Outcome.ACCEPTED, Outcome.DEFERRED, Outcome.REJECTED, Outcome.AMBIGUOUS})

#: A tenant is known from these on; what else is told of an unknown one is passed over.
MAKES_KNOWN = (WarmupPlanChosen, VolumeOrdered)
#: These name a send alone, and count once it is known where that left from.
OF_SENDS = (BounceReceived, ComplaintReceived)
OF_TENANTS = (
    *(SliceStarted, OutcomesRecorded, DomainVerified, DomainDegraded),
    *(SpamShareReported, ListingObserved, AddressNameChecked),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """An event at its place in the log. `scopes`: where the send of a signal left from."""

    at_ms: int  # when Kafka took it; never falls within a partition and a turn
    topic: str  # without prefix
    partition: int
    offset: int
    event_id: str
    tenant_id: str
    event: Event
    scopes: Scopes | None = None
    pos: int | None = None  # of a decision

    @property
    def order(self) -> tuple[int, str, int, int]:
        """In which a turn folds its facts."""
        return self.at_ms, self.topic, self.partition, self.offset

    @property
    def at_s(self) -> int:
        return self.at_ms // 1000

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


Heard = tuple[Told, ...] | None


def heard(intake: Intake, fact: Fact) -> Heard:
    """What the folds are told of a fact, perhaps nothing; None: it is no matter of volume control.

    Raises ValueError, KeyError or Refused for one that cannot be; the intake is as it was then.
    """
    if not intake.decided(fact.pos):
        return None
    return _hear(fact.event, intake, fact)


@singledispatch
def _hear(_event: object, _intake: Intake, _fact: Fact) -> Heard:
    return None


@_hear.register
def _started(event: SliceStarted, intake: Intake, fact: Fact) -> Heard:
    if not intake.governs(event.ip, event.provider):
        return None
    mask, day = masks.of(event.ranges), fact.at_s // DAY_S
    if not intake.begin(event.release_id, mask, day):
        return None
    if event.domain_id:
        intake.domains[event.campaign_id] = event.domain_id, day
    intake.forget(day)
    return (Started(fact.at_s, _scopes(event), mask.bit_count()),)


@_hear.register
def _outcomes(event: OutcomesRecorded, intake: Intake, fact: Fact) -> Heard:
    if event.release_id not in intake.open:
        return None
    told = [(masks.of(result["ranges"]), result) for result in event.results]
    findings = []
    for mask, result in told:
        count = intake.close(event.release_id, mask).bit_count()
        if count and result["outcome"] in _ATTEMPTED:
            phase, code = result.get("phase", ""), result.get("code", 0)
            findings.append(Finding(result["reason"], count, phase, code))
    return (Attempted(fact.at_s, _scopes(event), tuple(findings)),) if findings else ()


@_hear.register
def _bounced(event: BounceReceived, intake: Intake, fact: Fact) -> Heard:
    if event.kind != HARD or not _left_governed(intake, fact):
        return None
    assert fact.scopes is not None  # noqa: S101 - asked in the line before
    return (Bounced(fact.at_s, fact.scopes),)


@_hear.register
def _complained(_event: ComplaintReceived, intake: Intake, fact: Fact) -> Heard:
    if not _left_governed(intake, fact):
        return None
    assert fact.scopes is not None  # noqa: S101 - asked in the line before
    return (Complained(fact.at_s, fact.scopes),)


def _left_governed(intake: Intake, fact: Fact) -> bool:
    scopes = fact.scopes
    return scopes is not None and intake.governs(scopes.ip, scopes.provider)


@_hear.register
def _reported(event: SpamShareReported, intake: Intake, fact: Fact) -> Heard:
    """About an IP, or about a domain: then some IP of the tenant's must be governed."""
    of_ip = event.about_id.startswith(IP_PREFIX)
    concerned = [event.about_id] if of_ip else list(intake.plans)
    if not any(intake.governs(ip, event.provider) for ip in concerned):
        return None
    feed = f"{event.about_id}:{event.provider}:{event.source}"
    if not intake.reported(feed, event.day.toordinal()):
        return None
    ip, domain_id = (event.about_id, "") if of_ip else ("", event.about_id)
    scopes = Scopes(event.tenant_id, ip, event.provider, domain_id)
    share = event.share_ppm / MILLION
    found: tuple[Told, ...] = (SpamRateReported(fact.at_s, scopes, share, event.messages),)
    return (*found, TrapsHit(fact.at_s, scopes, event.traps)) if event.traps else found


@_hear.register
def _listed(event: ListingObserved, intake: Intake, fact: Fact) -> Heard:
    about = event.about_id
    if not about.startswith(IP_PREFIX):
        listing = DomainListed(
            fact.at_s, event.tenant_id, about, event.zone, event.listed, event.tier
        )
        return (listing,) if any(map(intake.governs_ip, intake.plans)) else None
    if not intake.governs_ip(about):
        return None
    return (ListingSeen(fact.at_s, event.tenant_id, about, event.listed, event.tier, event.zone),)


@_hear.register
def _named(event: AddressNameChecked, intake: Intake, fact: Fact) -> Heard:
    if not intake.governs_ip(event.about_id):
        return None
    return (NameChecked(fact.at_s, event.tenant_id, event.about_id, event.passed),)


@_hear.register
def _checked(event: DomainVerified | DomainDegraded, _intake: Intake, fact: Fact) -> Heard:
    passed = isinstance(event, DomainVerified)
    return (DnsChecked(fact.at_s, event.tenant_id, event.domain_id, passed),)


@_hear.register
def _chosen(event: WarmupPlanChosen, intake: Intake, fact: Fact) -> Heard:
    curve = tuple(event.curve)
    if event.plan != NOT_GOVERNED:
        plans.check(event.plan, curve)
    intake.plans.setdefault(event.ip, {})[event.provider] = event.plan
    if event.plan == NOT_GOVERNED:
        return ()
    provider = "" if event.provider == EVERY_PROVIDER else event.provider
    chosen = PlanChosen(
        fact.at_s, event.tenant_id, event.ip, event.plan, curve, event.target, provider
    )
    return (chosen,)


@_hear.register
def _ordered(event: VolumeOrdered, _intake: Intake, fact: Fact) -> Heard:
    key = _key(event.scope, event.scope_id, event.provider)
    action = Action(event.action)
    return (Overridden(fact.at_s, event.tenant_id, key, action, event.quota),)


def _key(scope: str, scope_id: str, provider: str) -> str:
    if scope == "cell":
        return cell_key(scope_id, provider)
    if scope == "domain":
        return domain_key(scope_id, provider)
    if scope not in {"ip", "tenant", "campaign"}:
        raise ValueError(f"scope: {scope!r} is unknown")
    return gate_key(scope, scope_id)


def _scopes(event: SliceStarted | OutcomesRecorded) -> Scopes:
    return Scopes(event.tenant_id, event.ip, event.provider, event.domain_id, event.campaign_id)
