"""Send authority: which stack may let mail go. Taken over by an operator, counted as an epoch.

A stack that was restored from a backup, or copied from another, does not hold it: until somebody
takes it over there, it releases nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from domain.event import Event, Topic, event_type
from domain.platform import PLATFORM
from domain.refusals import Invalid

REASON_MAX = 500
#: How the gate begins to say that another stack holds it; the API knows it by that.
NOT_HELD = "send authority (epoch "
_STACK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")

# ---- events: their names and fields are the storage format


@event_type("SendAuthorityTaken", topic=Topic.DECISIONS, key="tenant_id")
class SendAuthorityTaken(Event):
    """From here on this stack alone may release and claim; what earlier epochs released is void."""

    tenant_id: str  # the platform
    epoch: int  # from 1
    stack_id: str
    log_id: str  # of the log that it was taken over
    reason: str


# ---- state


@dataclass(frozen=True)
class State:
    """Who holds it; `stack_id` is empty before anybody took it."""

    epoch: int = 0
    stack_id: str = ""
    log_id: str = ""
    reason: str = ""


initial = State()


def stream() -> str:
    """The name of the one stream of send authority."""
    return "authority-to-send"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case SendAuthorityTaken():
            return State(event.epoch, event.stack_id, event.log_id, event.reason)
        case _:
            return state


# ---- decisions


def take(
    state: State, *, stack_id: str, log_id: str, reason: str, anew: bool = False
) -> tuple[Event, ...]:
    """Let this stack send, and no other. Nothing happens if it holds authority already.

    With `anew` a new epoch begins all the same: what was released before is void. Raises Invalid.
    """
    if not _STACK_ID.fullmatch(stack_id):
        raise Invalid(
            f"stack_id: {stack_id!r} is none; letters, digits, dot, colon, dash, 64 at most"
        )
    if not reason.strip() or len(reason) > REASON_MAX:
        raise Invalid(f"reason: say why in 1 to {REASON_MAX} characters")
    if (state.stack_id, state.log_id) == (stack_id, log_id) and not anew:
        return ()
    taken = SendAuthorityTaken(
        tenant_id=PLATFORM, epoch=state.epoch + 1, stack_id=stack_id, log_id=log_id, reason=reason
    )
    return (taken,)


def take_first(state: State, *, stack_id: str, log_id: str) -> tuple[Event, ...]:
    """As `take`, by a stack's first start; nothing happens once anybody ever took it."""
    if state.epoch:
        return ()
    return take(state, stack_id=stack_id, log_id=log_id, reason="the first start of the stack")
