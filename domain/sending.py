"""The life of a send as facts: planned in batches, released and started in slices, concluded.

Facts have one writer each and no aggregate (design.md §7). A send is (batch, index); its id is in
`BatchPlanned`. `rank` says which fact about a send wins, whatever order they are read in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, NotRequired, TypedDict

from domain.event import DUE_TOPICS, Event, Privacy, Topic, Unit, event_type
from domain.indexes import Ranges
from domain.refusals import Invalid

BATCH_SIZE_MAX = 500


class Priority(StrEnum):
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Outcome(StrEnum):
    """What an attempt, or the end of waiting for one, came to."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    AMBIGUOUS = "ambiguous"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


#: The outcomes in which a send ends (design.md §2.1). A deferred send goes on.
ENDS = tuple(outcome for outcome in Outcome if outcome is not Outcome.DEFERRED)

#: The evidence of an AmbiguityResolved that knows nothing: policy lets the send be tried once more.
RESEND_ONCE = "policy:resend_once"

_TOP = {Outcome.ACCEPTED: 4_000_000, Outcome.REJECTED: 3_000_000}
_WITHIN = {
    Outcome.DEFERRED: 7,  # definite, so it beats an earlier "ambiguous" of the same attempt
    Outcome.AMBIGUOUS: 6,
    Outcome.SUPPRESSED: 4,  # below STARTED, as are the two that follow
    Outcome.EXPIRED: 3,
    Outcome.CANCELLED: 2,
}
WAITING, STARTED = 1, 5


def rank(outcome: Outcome | int, n: int) -> int:
    """The weight of a fact about attempt n; the state of a send is its heaviest fact.

    Accepted at any n > rejected > the facts of the highest n, and among these deferred > ambiguous
    > started > suppressed, expired, cancelled > waiting (design-fixes.md 8).
    """
    if isinstance(outcome, int):
        return n * 10 + outcome
    return _TOP.get(outcome) or n * 10 + _WITHIN[outcome]


def state_of(weight: int) -> str:
    """The state that a weight stands for: an Outcome's value, `started` or `waiting`."""
    for outcome, top in _TOP.items():
        if weight == top:
            return outcome.value
    kind = weight % 10
    names = {value: outcome.value for outcome, value in _WITHIN.items()}
    return names.get(kind) or {WAITING: "waiting", STARTED: "started"}[kind]


def check_counts(requested: int, outcomes: Mapping[str, int]) -> None:
    """Raises Invalid unless `outcomes` are ends and `requested` is their sum (I6)."""
    unknown = set(outcomes) - set(ENDS)
    if unknown:
        raise Invalid(f"outcomes: {', '.join(sorted(unknown))} ends no send; wait for its end")
    total = sum(outcomes.values())
    if requested != total or any(count < 0 for count in outcomes.values()):
        raise Invalid(
            f"requested: {requested} is not the sum of outcomes, {total}; wait for the rest"
        )


class Result(TypedDict):
    """Sends of one slice that came to the same end."""

    outcome: str  # an Outcome
    reason: str  # the class of domain/outcomes.py, or the rule that ended the send
    ranges: Ranges
    phase: NotRequired[str]  # SMTP phase that decided
    code: NotRequired[int]  # reply code, RFC 5321
    enhanced: NotRequired[str]  # enhanced status code, RFC 3463
    retry_after_s: NotRequired[int]  # a wait that the reply asked for, or that our own rules set
    rule: NotRequired[str]  # that decided the class of a reply (domain/replies)
    rules: NotRequired[int]  # version of the rules


def _in_any_zone(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew no windows by recipients' clocks."""
    return {"zone": ""} | data


@event_type(
    "BatchPlanned", topic=Topic.REQUESTS, key="batch_id", version=2, upcasters={1: _in_any_zone}
)
class BatchPlanned(Event):
    """Up to 500 sends of one campaign step to one mailbox provider were requested."""

    batch_id: str
    tenant_id: str
    campaign_id: str
    step: int
    content_id: str
    provider: str
    priority: str  # a Priority
    message_class: str  # bulk or transactional
    due_at: datetime
    expires_at: datetime
    size: Annotated[int, Unit("sends")]
    send_ids: Annotated[list[str], Privacy.PSEUDONYM]  # by index
    contact_ids: Annotated[list[str], Privacy.PSEUDONYM]  # by index
    zone: str = ""  # by whose clocks the window opens; empty: by the campaign's


@event_type("AudiencePlanned", topic=Topic.REQUESTS, key="campaign_id")
class AudiencePlanned(Event):
    """The frozen audience of a campaign step was planned to its end."""

    campaign_id: str
    tenant_id: str
    step: int
    total: Annotated[int, Unit("sends")]
    batches: Annotated[int, Unit("batches")]


@event_type("SendsCancelled", topic=Topic.REQUESTS, key="batch_id")
class SendsCancelled(Event):
    """Waiting sends ended without a further attempt: campaign cancelled, or time ran out."""

    batch_id: str
    tenant_id: str
    campaign_id: str
    release_id: str  # of the withdrawal that took them out of the schedule
    n: Annotated[int, Unit("attempt, from 1")]
    outcome: str  # cancelled or expired
    reason: str
    ranges: Ranges


@event_type("SliceReleased", topic=DUE_TOPICS, key="ip")
class SliceReleased(Event):
    """A slice of a batch may be attempted within its lease. A hint: the release row decides."""

    release_id: str
    batch_id: str
    tenant_id: str
    campaign_id: str
    n: Annotated[int, Unit("attempt, from 1")]
    ip: str
    provider: str
    size: Annotated[int, Unit("sends")]
    lease_until: datetime


def _without_domain(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 did not tell whose domain the mail is from."""
    return {"domain_id": ""} | data


def _without_uses(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 was charged to its cell alone."""
    return {"domain_id": "", "uses": []} | data


@event_type("SliceStarted", topic=Topic.ATTEMPTS, key="ip", version=2, upcasters={1: _without_uses})
class SliceStarted(Event):
    """From here on the owner may attempt these sends. In Kafka before any reaches DATA (I5)."""

    release_id: str
    batch_id: str
    tenant_id: str
    campaign_id: str
    n: Annotated[int, Unit("attempt, from 1")]
    ip: str
    provider: str
    ranges: Ranges
    cap_day: date
    cap_per_day: Annotated[
        int | None, Unit("messages")
    ]  # that bound when it was charged; None: no cap
    deadline_at: datetime  # the owner sends nothing after it
    owner: str
    journal: str  # host/boot id/file id of the owner's dot journal
    domain_id: str = ""  # of the From address; empty: not told
    # What it was charged to beside its cell, as scope:id:provider (domain/uses.py).
    uses: list[str] = field(default_factory=list)


@event_type(
    "OutcomesRecorded", topic=Topic.ATTEMPTS, key="ip", version=2, upcasters={1: _without_domain}
)
class OutcomesRecorded(Event):
    """What became of sends of a slice; up to 500 in one record. The first definite one counts."""

    release_id: str
    batch_id: str
    tenant_id: str
    campaign_id: str
    n: Annotated[int, Unit("attempt, from 1")]
    ip: str
    provider: str
    source: str  # owner or sweeper
    results: list[Result]
    domain_id: str = ""  # of the From address; empty: not told


@event_type("AmbiguityResolved", topic=Topic.ATTEMPTS, key="ip")
class AmbiguityResolved(Event):
    """Later evidence settled an ambiguous attempt; or RESEND_ONCE lets another follow it."""

    batch_id: str
    tenant_id: str
    campaign_id: str
    n: Annotated[int, Unit("attempt, from 1")]
    ip: str
    ranges: Ranges
    outcome: str
    evidence: str  # signal:KIND, operator:TEXT, or RESEND_ONCE
