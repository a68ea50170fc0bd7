"""A campaign: draft → scheduled → running ↔ paused → finished or cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from domain.event import Event, Topic, Unit, event_type
from domain.refusals import Invalid, NotFound, WrongState
from domain.sending import ENDS, Priority

MESSAGE_CLASSES = ("bulk", "transactional")
#: What `sign` may say → the algorithms of the keys that it takes.
SIGNATURES: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "ed25519": ("ed25519",),
    "rsa": ("rsa",),
    "both": ("ed25519", "rsa"),
}


@event_type("CampaignDrafted", topic=Topic.DECISIONS, key="tenant_id")
class CampaignDrafted(Event):
    """A campaign was put together; nothing is sent yet."""

    tenant_id: str
    campaign_id: str
    template_id: str
    content_id: str  # of the template version
    list_ids: list[str]
    sender_id: str  # the From address, in the vault
    domain_id: str
    ips: list[str]  # sending IPs it may use
    priority: str
    message_class: str  # bulk or transactional
    sign: str  # none, ed25519, rsa or both
    expire_after_s: Annotated[int, Unit("seconds")]


@event_type("CampaignScheduled", topic=Topic.DECISIONS, key="tenant_id")
class CampaignScheduled(Event):
    """It launches at this moment."""

    tenant_id: str
    campaign_id: str
    at: datetime


@event_type("CampaignLaunched", topic=Topic.DECISIONS, key="tenant_id")
class CampaignLaunched(Event):
    """Its audience is to be frozen and planned, and its sends are to go out."""

    tenant_id: str
    campaign_id: str
    content_id: str
    list_ids: list[str]
    sender_id: str
    domain_id: str
    ips: list[str]
    priority: str
    message_class: str
    sign: str
    launched_at: datetime
    expires_at: datetime


@event_type("CampaignPaused", topic=Topic.DECISIONS, key="tenant_id")
class CampaignPaused(Event):
    """Waiting and released-but-unclaimed sends stay where they are until it is resumed."""

    tenant_id: str
    campaign_id: str
    reason: str


@event_type("CampaignResumed", topic=Topic.DECISIONS, key="tenant_id")
class CampaignResumed(Event):
    """It goes on."""

    tenant_id: str
    campaign_id: str


@event_type("CampaignCancelled", topic=Topic.DECISIONS, key="tenant_id")
class CampaignCancelled(Event):
    """What was not started ends as cancelled; what is on the wire ends as it ends."""

    tenant_id: str
    campaign_id: str
    reason: str


@event_type("CampaignFinished", topic=Topic.DECISIONS, key="tenant_id")
class CampaignFinished(Event):
    """Every requested send has its end: requested = the sum of `outcomes` (I6)."""

    tenant_id: str
    campaign_id: str
    requested: Annotated[int, Unit("sends")]
    outcomes: dict[str, int]


# ---- state


class Status(StrEnum):
    """Where a campaign stands."""

    MISSING = "missing"
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class State:
    """A campaign as its events tell it."""

    status: Status = Status.MISSING
    drafted: CampaignDrafted | None = None
    scheduled_at: datetime | None = None
    launched: bool = False
    settled: bool = False  # every requested send has its end


initial = State()


def stream(campaign_id: str) -> str:
    """The name of the campaign's event stream."""
    return f"campaign-{campaign_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case CampaignDrafted():
            return replace(state, status=Status.DRAFT, drafted=event)
        case CampaignScheduled():
            return replace(state, status=Status.SCHEDULED, scheduled_at=event.at)
        case CampaignLaunched():
            return replace(state, status=Status.RUNNING, launched=True)
        case CampaignPaused():
            return replace(state, status=Status.PAUSED)
        case CampaignResumed():
            return replace(state, status=Status.RUNNING)
        case CampaignCancelled():
            return replace(state, status=Status.CANCELLED)
        case CampaignFinished():
            return _settled(state)
        case _:
            return state


def _settled(state: State) -> State:
    cancelled = state.status is Status.CANCELLED
    return replace(state, status=state.status if cancelled else Status.FINISHED, settled=True)


# ---- decisions


def draft(state: State, *, drafted: CampaignDrafted) -> tuple[Event, ...]:
    """Put a campaign together. Raises Invalid; WrongState when it exists with other content."""
    _check(drafted)
    if state.drafted == drafted:
        return ()
    if state.drafted:
        raise WrongState(f"campaign_id: {drafted.campaign_id} exists already; draft a new campaign")
    return (drafted,)


def schedule(state: State, *, at: datetime) -> tuple[Event, ...]:
    """Set or move the moment of its launch. Raises NotFound, WrongState."""
    drafted = _require(state)
    if state.status is Status.SCHEDULED and state.scheduled_at == at:
        return ()
    _refuse_unless(state, "schedule", Status.DRAFT, Status.SCHEDULED)
    return (CampaignScheduled(tenant_id=drafted.tenant_id, campaign_id=drafted.campaign_id, at=at),)


def launch(state: State, *, now: datetime) -> tuple[Event, ...]:
    """Start it. Its sends expire `expire_after_s` after `now`. Raises NotFound, WrongState."""
    drafted = _require(state)
    if state.status in {Status.RUNNING, Status.PAUSED}:
        return ()
    _refuse_unless(state, "launch", Status.DRAFT, Status.SCHEDULED)
    launched = CampaignLaunched(
        tenant_id=drafted.tenant_id,
        campaign_id=drafted.campaign_id,
        content_id=drafted.content_id,
        list_ids=drafted.list_ids,
        sender_id=drafted.sender_id,
        domain_id=drafted.domain_id,
        ips=drafted.ips,
        priority=drafted.priority,
        message_class=drafted.message_class,
        sign=drafted.sign,
        launched_at=now,
        expires_at=now + timedelta(seconds=drafted.expire_after_s),
    )
    return (launched,)


def pause(state: State, *, reason: str) -> tuple[Event, ...]:
    """Hold what was not started. Raises NotFound, WrongState."""
    drafted = _require(state)
    if state.status is Status.PAUSED:
        return ()
    _refuse_unless(state, "pause", Status.RUNNING)
    paused = CampaignPaused(
        tenant_id=drafted.tenant_id, campaign_id=drafted.campaign_id, reason=reason
    )
    return (paused,)


def resume(state: State) -> tuple[Event, ...]:
    """Go on after a pause. Raises NotFound, WrongState."""
    drafted = _require(state)
    if state.status is Status.RUNNING:
        return ()
    _refuse_unless(state, "resume", Status.PAUSED)
    return (CampaignResumed(tenant_id=drafted.tenant_id, campaign_id=drafted.campaign_id),)


def cancel(state: State, *, reason: str) -> tuple[Event, ...]:
    """End what was not started. Raises NotFound; WrongState once it is finished."""
    drafted = _require(state)
    if state.status is Status.CANCELLED:
        return ()
    _refuse_unless(state, "cancel", Status.DRAFT, Status.SCHEDULED, Status.RUNNING, Status.PAUSED)
    cancelled = CampaignCancelled(
        tenant_id=drafted.tenant_id, campaign_id=drafted.campaign_id, reason=reason
    )
    return (cancelled,)


def finish(state: State, *, requested: int, outcomes: Mapping[str, int]) -> tuple[Event, ...]:
    """Record that every requested send has its end (I6). Raises NotFound, WrongState, Invalid.

    A campaign that was cancelled after its launch finishes too: what was on the wire then ends
    later, and whoever waits for the counts needs to hear that they are final. It stays cancelled.
    """
    drafted = _require(state)
    if state.settled:
        return ()
    if not state.launched:
        raise WrongState(f"campaign_id: {drafted.campaign_id} requested no sends; launch it first")
    _check_counts(requested, outcomes)
    finished = CampaignFinished(
        tenant_id=drafted.tenant_id,
        campaign_id=drafted.campaign_id,
        requested=requested,
        outcomes={name: outcomes[name] for name in sorted(outcomes)},
    )
    return (finished,)


def _check_counts(requested: int, outcomes: Mapping[str, int]) -> None:
    unknown = set(outcomes) - set(ENDS)
    if unknown:
        raise Invalid(f"outcomes: {', '.join(sorted(unknown))} ends no send; wait for its end")
    total = sum(outcomes.values())
    if requested != total or any(count < 0 for count in outcomes.values()):
        raise Invalid(
            f"requested: {requested} is not the sum of outcomes, {total}; wait for the rest"
        )


def _require(state: State) -> CampaignDrafted:
    if state.drafted is None:
        raise NotFound("campaign_id: there is no such campaign; draft it first")
    return state.drafted


def _refuse_unless(state: State, deed: str, *allowed: Status) -> None:
    if state.status not in allowed:
        wanted = " or ".join(allowed)
        raise WrongState(f"status: the campaign is {state.status}; to {deed} it must be {wanted}")


def _check(drafted: CampaignDrafted) -> None:
    choices: dict[str, tuple[str, ...]] = {
        "priority": tuple(Priority),
        "message_class": MESSAGE_CLASSES,
        "sign": tuple(SIGNATURES),
    }
    for name, allowed in choices.items():
        if getattr(drafted, name) not in allowed:
            raise Invalid(f"{name}: {getattr(drafted, name)!r} is none of {', '.join(allowed)}")
    for name in ("list_ids", "ips"):
        if not getattr(drafted, name):
            raise Invalid(f"{name}: it is empty; name at least one")
    if drafted.expire_after_s <= 0:
        raise Invalid("expire_after_s: it must be above 0; give the seconds it may take")
