"""Leads by command: who was created, changed, deleted. What they are called stays in the vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from domain.event import Event, Privacy, Topic, event_type
from domain.refusals import Invalid

#: As many leads as one command, and so one event, may name.
LEADS_MAX = 500
TAG_LENGTH_MAX = 64
TAGS_MAX = 50
FIELDS_MAX = 200
FIELD_NAME_LENGTH_MAX = 100


@event_type("LeadsCreated", topic=Topic.DECISIONS, key="tenant_id")
class LeadsCreated(Event):
    """These contacts came into the vault, one by one and not by an import."""

    tenant_id: str
    contact_ids: Annotated[list[str], Privacy.PSEUDONYM]


@event_type("LeadsChanged", topic=Topic.DECISIONS, key="tenant_id")
class LeadsChanged(Event):
    """Fields or tags of these contacts are others now."""

    tenant_id: str
    contact_ids: Annotated[list[str], Privacy.PSEUDONYM]


@event_type("LeadsDeleted", topic=Topic.DECISIONS, key="tenant_id")
class LeadsDeleted(Event):
    """These contacts are in the vault no more, nor in any list."""

    tenant_id: str
    contact_ids: Annotated[list[str], Privacy.PSEUDONYM]


# ---- state: one stream per edit, so that a repeated command is told once


@dataclass(frozen=True)
class State:
    """Whether an edit is in the log."""

    recorded: bool = False


initial = State()


def stream(edit_id: str) -> str:
    """The name of an edit's stream; an edit has an id of the prefix `cmd`."""
    return f"leads-{edit_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case LeadsCreated() | LeadsChanged() | LeadsDeleted():
            return replace(state, recorded=True)
        case _:
            return state


# ---- decisions


def record(
    state: State,
    *,
    tenant_id: str,
    created: Sequence[str] = (),
    changed: Sequence[str] = (),
    deleted: Sequence[str] = (),
) -> tuple[Event, ...]:
    """Tell what an edit did to which contacts; nothing when it did nothing or was told before."""
    if state.recorded:
        return ()
    if max(len(created), len(changed), len(deleted)) > LEADS_MAX:
        raise Invalid(f"leads: at most {LEADS_MAX} at once; send several requests")
    kinds = ((LeadsCreated, created), (LeadsChanged, changed), (LeadsDeleted, deleted))
    return tuple(
        kind(tenant_id=tenant_id, contact_ids=list(contact_ids))
        for kind, contact_ids in kinds
        if contact_ids
    )


# ---- tags


def read_tag(text: str) -> str:
    """A tag in its one spelling: lower case, single blanks. Raises Invalid."""
    tag = " ".join(text.lower().split())
    if not tag or len(tag) > TAG_LENGTH_MAX or not tag.isprintable():
        raise Invalid(f"tags: a tag has 1 to {TAG_LENGTH_MAX} printable characters; shorten it")
    return tag
