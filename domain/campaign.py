"""A campaign: draft → scheduled → running ↔ paused → finished or cancelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from domain import windows
from domain.campaign_ips import CampaignIpsReplaced
from domain.event import Event, Topic, Unit, Upcaster, event_type
from domain.refusals import Invalid, NotFound, Outdated, WrongState
from domain.sending import Priority, check_counts
from domain.windows import SendWindow

MESSAGE_CLASSES = ("bulk", "transactional")
#: What `sign` may say → the algorithms of the keys that it takes.
SIGNATURES: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "ed25519": ("ed25519",),
    "rsa": ("rsa",),
    "both": ("ed25519", "rsa"),
}


def _with_plan_of_2(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew neither workspaces nor segments."""
    return {"workspace_id": ""} | data


def _in_full(data: dict[str, Any]) -> dict[str, Any]:
    """There were neither sending windows, daily limits, mailboxes nor IP pools before."""
    return {"send_window": None, "daily_limit": None, "mailbox_id": "", "pool_id": ""} | data


_UPCASTERS = {1: _with_plan_of_2, 2: _in_full}
_IN_UTC: dict[int, Upcaster] = {1: lambda data: {"zone": "UTC"} | data}


@event_type(
    "CampaignDrafted", topic=Topic.DECISIONS, key="tenant_id", version=3, upcasters=_UPCASTERS
)
class CampaignDrafted(Event):
    """A campaign was put together; nothing is sent yet. What is empty is missing at the launch."""

    tenant_id: str
    campaign_id: str
    template_id: str
    content_id: str  # of the template version
    list_ids: list[str]
    sender_id: str  # the From address, in the vault
    domain_id: str
    ips: list[str]  # sending IPs it may use; none: all that the tenant has at the launch
    priority: str
    message_class: str  # bulk or transactional
    sign: str  # none, ed25519, rsa or both
    expire_after_s: Annotated[int, Unit("seconds")]
    segment_id: str = ""  # whose leads are part of the audience, found at the launch
    workspace_id: str = ""  # empty: the tenant's own
    send_window: SendWindow | None = None  # None: at any hour
    daily_limit: Annotated[int | None, Unit("messages per UTC day")] = None  # None: none binds
    mailbox_id: str = ""  # that the From address is of; empty: none of the tenant's
    pool_id: str = ""  # whose IPs it may use, as they are at the launch; empty: `ips` says


@event_type(
    "CampaignRevised", topic=Topic.DECISIONS, key="tenant_id", version=2, upcasters={1: _in_full}
)
class CampaignRevised(Event):
    """A draft was put together anew: these fields are all of it."""

    tenant_id: str
    campaign_id: str
    template_id: str
    content_id: str
    list_ids: list[str]
    sender_id: str
    domain_id: str
    ips: list[str]
    priority: str
    message_class: str
    sign: str
    expire_after_s: Annotated[int, Unit("seconds")]
    segment_id: str
    workspace_id: str
    send_window: SendWindow | None = None
    daily_limit: Annotated[int | None, Unit("messages per UTC day")] = None
    mailbox_id: str = ""
    pool_id: str = ""


@event_type(
    "CampaignScheduled", topic=Topic.DECISIONS, key="tenant_id", version=2, upcasters=_IN_UTC
)
class CampaignScheduled(Event):
    """It launches at this moment."""

    tenant_id: str
    campaign_id: str
    at: datetime
    zone: str = "UTC"  # the time zone in which the moment was named


@event_type("CampaignUnscheduled", topic=Topic.DECISIONS, key="tenant_id")
class CampaignUnscheduled(Event):
    """It does not launch by itself any more; it is a draft again."""

    tenant_id: str
    campaign_id: str


@event_type("CampaignLaunchBlocked", topic=Topic.DECISIONS, key="tenant_id")
class CampaignLaunchBlocked(Event):
    """It was due to launch and could not; it is a draft again, and nothing was sent."""

    tenant_id: str
    campaign_id: str
    at: datetime  # the moment it was scheduled for
    reasons: list[str]  # codes: no_leads, unverified_domain, window_missed, ...


@event_type(
    "CampaignLaunched", topic=Topic.DECISIONS, key="tenant_id", version=3, upcasters=_UPCASTERS
)
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
    expires_at: datetime  # counted from the window's first opening
    workspace_id: str = ""
    send_window: SendWindow | None = None
    daily_limit: Annotated[int | None, Unit("messages per UTC day")] = None
    mailbox_id: str = ""
    pool_id: str = ""


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
    zone: str = ""  # of the moment of its launch
    blocked: tuple[str, ...] = ()  # why its scheduled launch did not happen
    revision: int = 0  # rises with each fact about it
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
            changed = replace(state, status=Status.DRAFT, drafted=event)
        case CampaignRevised():
            changed = replace(state, drafted=as_draft(event))
        case CampaignScheduled():
            changed = replace(state, status=Status.SCHEDULED, scheduled_at=event.at, blocked=())
            changed = replace(changed, zone=event.zone)
        case CampaignUnscheduled():
            changed = replace(state, status=Status.DRAFT, scheduled_at=None)
        case CampaignLaunchBlocked():
            why = tuple(event.reasons)
            changed = replace(state, status=Status.DRAFT, scheduled_at=None, blocked=why)
        case CampaignLaunched():
            changed = replace(state, status=Status.RUNNING, launched=True)
        case CampaignPaused() | CampaignResumed() | CampaignCancelled():
            changed = replace(state, status=_STATUS_AFTER[type(event)])
        case CampaignFinished():
            ended = state.status if state.status is Status.CANCELLED else Status.FINISHED
            changed = replace(state, status=ended, settled=True)
        case CampaignIpsReplaced() if state.drafted:
            plan = replace(state.drafted, ips=event.ips, pool_id=event.pool_id)
            changed = replace(state, drafted=plan)
        case _:
            return state
    return replace(changed, revision=state.revision + 1)


_STATUS_AFTER: dict[type[Event], Status] = {
    CampaignPaused: Status.PAUSED,
    CampaignResumed: Status.RUNNING,
    CampaignCancelled: Status.CANCELLED,
}


def as_draft(revised: CampaignRevised) -> CampaignDrafted:
    """The plan, as if it had been drafted so at first."""
    return CampaignDrafted(**{part.name: getattr(revised, part.name) for part in fields(revised)})


# ---- decisions


def draft(state: State, *, drafted: CampaignDrafted) -> tuple[Event, ...]:
    """Put a campaign together. Raises Invalid; WrongState when it exists with other content."""
    _check(drafted)
    if state.drafted == drafted:
        return ()
    if state.drafted:
        raise WrongState(f"campaign_id: {drafted.campaign_id} exists already; draft a new campaign")
    return (drafted,)


def revise(state: State, *, revised: CampaignRevised, revision: int = 0) -> tuple[Event, ...]:
    """Put a draft together anew; no event when nothing changes.

    `revision`: what the reviser has seen; 0: whatever it is. Raises NotFound, Invalid, WrongState,
    Outdated when others changed it since.
    """
    drafted = require(state)
    wanted = as_draft(revised)
    _check(wanted)
    if wanted == drafted:
        return ()
    refuse_unless(state, "revise", Status.DRAFT)
    if revision not in {0, state.revision}:
        raise Outdated(f"revision: it is {state.revision} now, not {revision}; look at it again")
    return (revised,)


_TAKEN_OVER = (
    *("tenant_id", "campaign_id", "content_id", "sender_id", "domain_id", "priority"),
    *("message_class", "sign", "workspace_id", "send_window", "daily_limit", "mailbox_id"),
    "pool_id",
)


def launch(
    state: State, *, now: datetime, list_ids: Sequence[str] = (), ips: Sequence[str] = ()
) -> tuple[Event, ...]:
    """Start it; its sends expire `expire_after_s` after its window opens first, from `now` on.

    `list_ids` and `ips`: what the draft's audience and IPs came to, where it leaves that open.
    Raises NotFound, WrongState, and Invalid naming what is missing.
    """
    drafted = require(state)
    if state.status in {Status.RUNNING, Status.PAUSED}:
        return ()
    refuse_unless(state, "launch", Status.DRAFT, Status.SCHEDULED)
    launched = CampaignLaunched(
        **{name: getattr(drafted, name) for name in _TAKEN_OVER},
        list_ids=list(list_ids or drafted.list_ids),
        ips=list(ips or drafted.ips),
        launched_at=now,
        expires_at=windows.opening(drafted.send_window, now)
        + timedelta(seconds=drafted.expire_after_s),
    )
    for name in ("content_id", "list_ids", "sender_id", "domain_id", "ips"):
        if not getattr(launched, name):
            raise Invalid(f"{name}: it is empty; name it in the draft")
    return (launched,)


def pause(state: State, *, reason: str) -> tuple[Event, ...]:
    """Hold what was not started. Raises NotFound, WrongState."""
    drafted = require(state)
    if state.status is Status.PAUSED:
        return ()
    refuse_unless(state, "pause", Status.RUNNING)
    names = {"tenant_id": drafted.tenant_id, "campaign_id": drafted.campaign_id}
    return (CampaignPaused(**names, reason=reason),)


def resume(state: State) -> tuple[Event, ...]:
    """Go on after a pause. Raises NotFound, WrongState."""
    plan = require(state)
    if state.status is Status.RUNNING:
        return ()
    refuse_unless(state, "resume", Status.PAUSED)
    return (CampaignResumed(tenant_id=plan.tenant_id, campaign_id=plan.campaign_id),)


def cancel(state: State, *, reason: str) -> tuple[Event, ...]:
    """End what was not started. Raises NotFound; WrongState once it is finished."""
    drafted = require(state)
    if state.status is Status.CANCELLED:
        return ()
    refuse_unless(state, "cancel", Status.DRAFT, Status.SCHEDULED, Status.RUNNING, Status.PAUSED)
    names = {"tenant_id": drafted.tenant_id, "campaign_id": drafted.campaign_id}
    return (CampaignCancelled(**names, reason=reason),)


def finish(state: State, *, requested: int, outcomes: Mapping[str, int]) -> tuple[Event, ...]:
    """Record that every requested send has its end (I6). Raises NotFound, WrongState, Invalid.

    A campaign that was cancelled after its launch finishes too: what was on the wire then ends
    later, and whoever waits for the counts needs to hear that they are final. It stays cancelled.
    """
    drafted = require(state)
    if state.settled:
        return ()
    if not state.launched:
        raise WrongState(f"status: {drafted.campaign_id} requested no sends; launch it first")
    check_counts(requested, outcomes)
    names = {"tenant_id": drafted.tenant_id, "campaign_id": drafted.campaign_id}
    ends = {name: outcomes[name] for name in sorted(outcomes)}
    return (CampaignFinished(**names, requested=requested, outcomes=ends),)


def require(state: State) -> CampaignDrafted:
    """Its plan as it is. Raises NotFound."""
    if state.drafted is None:
        raise NotFound("campaign_id: there is no such campaign; draft it first")
    return state.drafted


def refuse_unless(state: State, deed: str, *allowed: Status) -> None:
    """Raises WrongState, naming the state and the way out, in any other state than these."""
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
    if drafted.expire_after_s <= 0:
        raise Invalid("expire_after_s: it must be above 0; give the seconds it may take")
    if drafted.daily_limit is not None and drafted.daily_limit < 1:
        raise Invalid("daily_limit: it is below 1; pause the campaign, or leave it out for none")
    windows.check(drafted.send_window)
