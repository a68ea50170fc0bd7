"""A mailbox that a tenant sends from: its limits and state. The vault has address and secrets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from domain.event import Event, Topic, Unit, event_type
from domain.refusals import Invalid, NotFound, Taken

DAILY_LIMIT_DEFAULT = 50  # what a mailbox provider bears from one person (product.md §2.7)
DAILY_LIMIT_MAX = 2000
PROTOCOLS = ("imap", "smtp")


@event_type("MailboxCreated", topic=Topic.DECISIONS, key="tenant_id")
class MailboxCreated(Event):
    """The tenant has a mailbox at one of its domains."""

    tenant_id: str
    mailbox_id: str
    domain_id: str
    daily_limit: Annotated[int, Unit("messages per day")]
    warmup_wanted: bool


@event_type("MailboxLimitSet", topic=Topic.DECISIONS, key="tenant_id")
class MailboxLimitSet(Event):
    """At most so many messages leave from it on a UTC day."""

    tenant_id: str
    mailbox_id: str
    daily_limit: Annotated[int, Unit("messages per day")]


@event_type("MailboxWarmupChosen", topic=Topic.DECISIONS, key="tenant_id")
class MailboxWarmupChosen(Event):
    """Whether its volume is to rise slowly."""

    tenant_id: str
    mailbox_id: str
    wanted: bool


@event_type("MailboxCredentialsSet", topic=Topic.DECISIONS, key="tenant_id")
class MailboxCredentialsSet(Event):
    """There are new credentials in the vault."""

    tenant_id: str
    mailbox_id: str
    protocols: list[str]  # smtp, imap


@event_type("MailboxPaused", topic=Topic.DECISIONS, key="tenant_id")
class MailboxPaused(Event):
    """Nothing leaves from it until it is resumed."""

    tenant_id: str
    mailbox_id: str
    reason: str


@event_type("MailboxResumed", topic=Topic.DECISIONS, key="tenant_id")
class MailboxResumed(Event):
    """It goes on."""

    tenant_id: str
    mailbox_id: str


@event_type("MailboxRemoved", topic=Topic.DECISIONS, key="tenant_id")
class MailboxRemoved(Event):
    """It is the tenant's no longer; the vault forgot its address and credentials."""

    tenant_id: str
    mailbox_id: str
    reason: str


# ---- state


@dataclass(frozen=True)
class State:
    """A mailbox as its events tell it; `mailbox_id` is empty before it was created."""

    tenant_id: str = ""
    mailbox_id: str = ""
    domain_id: str = ""
    daily_limit: int = 0
    warmup_wanted: bool = False
    protocols: tuple[str, ...] = ()  # that there are credentials for
    paused: bool = False
    removed: bool = False


initial = State()


def stream(mailbox_id: str) -> str:
    """The name of the mailbox's event stream."""
    return f"mailbox-{mailbox_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case MailboxCreated():
            return State(
                event.tenant_id,
                event.mailbox_id,
                event.domain_id,
                event.daily_limit,
                event.warmup_wanted,
            )
        case MailboxCredentialsSet():
            return replace(state, protocols=tuple(sorted({*state.protocols, *event.protocols})))
        case MailboxLimitSet():
            return replace(state, daily_limit=event.daily_limit)
        case MailboxWarmupChosen():
            return replace(state, warmup_wanted=event.wanted)
        case MailboxPaused():
            return replace(state, paused=True)
        case MailboxResumed():
            return replace(state, paused=False)
        case MailboxRemoved():
            return replace(state, removed=True)
        case _:
            return state


# ---- decisions

Decide = Callable[[State], Sequence[Event]]


def create(state: State, *, created: MailboxCreated) -> tuple[Event, ...]:
    """Create a mailbox, or create it again after it was removed. Raises Invalid, Taken."""
    _check_limit(created.daily_limit)
    if not state.mailbox_id or state.removed:
        return (created,)
    if (state.daily_limit, state.warmup_wanted) == (created.daily_limit, created.warmup_wanted):
        return ()
    raise Taken(f"address: it is mailbox {state.mailbox_id} already; change that one")


def set_limit(state: State, *, daily_limit: int) -> tuple[Event, ...]:
    """Change how many messages may leave on a day. Raises Invalid, NotFound."""
    require(state)
    _check_limit(daily_limit)
    if state.daily_limit == daily_limit:
        return ()
    limited = MailboxLimitSet(
        tenant_id=state.tenant_id, mailbox_id=state.mailbox_id, daily_limit=daily_limit
    )
    return (limited,)


def choose_warmup(state: State, *, wanted: bool) -> tuple[Event, ...]:
    """Say whether its volume is to rise slowly. Raises NotFound."""
    require(state)
    if state.warmup_wanted == wanted:
        return ()
    chosen = MailboxWarmupChosen(
        tenant_id=state.tenant_id, mailbox_id=state.mailbox_id, wanted=wanted
    )
    return (chosen,)


def note_credentials(state: State, *, protocols: Sequence[str]) -> tuple[Event, ...]:
    """Record new credentials in the vault, each time anew. Raises Invalid, NotFound."""
    require(state)
    if not protocols or set(protocols) - set(PROTOCOLS):
        raise Invalid(f"protocols: give credentials for {' or '.join(PROTOCOLS)}")
    noted = MailboxCredentialsSet(
        tenant_id=state.tenant_id, mailbox_id=state.mailbox_id, protocols=sorted(set(protocols))
    )
    return (noted,)


def pause(state: State, *, reason: str) -> tuple[Event, ...]:
    """Let nothing leave from it. Raises NotFound."""
    require(state)
    if state.paused:
        return ()
    paused = MailboxPaused(tenant_id=state.tenant_id, mailbox_id=state.mailbox_id, reason=reason)
    return (paused,)


def resume(state: State) -> tuple[Event, ...]:
    """Go on after a pause. Raises NotFound."""
    require(state)
    if not state.paused:
        return ()
    return (MailboxResumed(tenant_id=state.tenant_id, mailbox_id=state.mailbox_id),)


def remove(state: State, *, reason: str) -> tuple[Event, ...]:
    """Give it up. Raises NotFound for one that never was."""
    if state.removed:
        return ()
    require(state)
    removed = MailboxRemoved(tenant_id=state.tenant_id, mailbox_id=state.mailbox_id, reason=reason)
    return (removed,)


def require(state: State) -> None:
    """Raises NotFound for a mailbox that is not there."""
    if not state.mailbox_id or state.removed:
        raise NotFound("mailbox_id: there is no such mailbox; create it first")


def _check_limit(daily_limit: int) -> None:
    if not 0 <= daily_limit <= DAILY_LIMIT_MAX:
        raise Invalid(f"daily_limit: {daily_limit} is not within 0 and {DAILY_LIMIT_MAX}")
