"""A template: the published versions of a mail. The text itself is content in Postgres, by hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from domain.event import Event, Topic, Unit, event_type
from domain.refusals import NotFound, WrongState


@event_type("TemplateCreated", topic=Topic.DECISIONS, key="tenant_id")
class TemplateCreated(Event):
    """A template exists, without a version yet."""

    tenant_id: str
    template_id: str


@event_type("TemplatePublished", topic=Topic.DECISIONS, key="tenant_id")
class TemplatePublished(Event):
    """A version that campaigns can send; it never changes."""

    tenant_id: str
    template_id: str
    template_version: Annotated[int, Unit("version, from 1")]
    content_id: str
    variables: list[str]


@event_type("TemplateArchived", topic=Topic.DECISIONS, key="tenant_id")
class TemplateArchived(Event):
    """Nothing new is published of it and no new campaign takes it; what runs goes on."""

    tenant_id: str
    template_id: str


@event_type("TemplateRestored", topic=Topic.DECISIONS, key="tenant_id")
class TemplateRestored(Event):
    """It is no longer archived."""

    tenant_id: str
    template_id: str


# ---- state


@dataclass(frozen=True)
class State:
    """A template as its events tell it; `template_id` is empty before it was created."""

    tenant_id: str = ""
    template_id: str = ""
    template_version: int = 0  # the latest; 0: none is published
    content_id: str = ""  # of the latest
    archived: bool = False


initial = State()


def stream(template_id: str) -> str:
    """The name of the template's event stream."""
    return f"template-{template_id}"


def evolve(state: State, event: Event) -> State:
    """Fold one fact in. Never decides, raises or logs."""
    match event:
        case TemplateCreated():
            return replace(state, tenant_id=event.tenant_id, template_id=event.template_id)
        case TemplatePublished():
            return replace(
                state, template_version=event.template_version, content_id=event.content_id
            )
        case TemplateArchived():
            return replace(state, archived=True)
        case TemplateRestored():
            return replace(state, archived=False)
        case _:
            return state


# ---- decisions


def create(state: State, *, tenant_id: str, template_id: str) -> tuple[Event, ...]:
    """Create a template without a version."""
    if state.template_id:
        return ()
    return (TemplateCreated(tenant_id=tenant_id, template_id=template_id),)


def publish(state: State, *, content_id: str, variables: Sequence[str]) -> tuple[Event, ...]:
    """Publish content as the next version. Content equal to the latest is no event.

    Content of an older version comes back as a new version, so that versions only rise.
    Raises NotFound, WrongState.
    """
    require_active(state)
    if state.content_id == content_id:
        return ()
    published = TemplatePublished(
        tenant_id=state.tenant_id,
        template_id=state.template_id,
        template_version=state.template_version + 1,
        content_id=content_id,
        variables=sorted(set(variables)),
    )
    return (published,)


def archive(state: State) -> tuple[Event, ...]:
    """Put it away. Raises NotFound."""
    _require(state)
    if state.archived:
        return ()
    return (TemplateArchived(tenant_id=state.tenant_id, template_id=state.template_id),)


def restore(state: State) -> tuple[Event, ...]:
    """Take it out again. Raises NotFound."""
    _require(state)
    if not state.archived:
        return ()
    return (TemplateRestored(tenant_id=state.tenant_id, template_id=state.template_id),)


def require_active(state: State) -> None:
    """Raises NotFound, WrongState for a template that may not change."""
    _require(state)
    if state.archived:
        raise WrongState(f"template_id: {state.template_id} is archived; restore it first")


def _require(state: State) -> None:
    if not state.template_id:
        raise NotFound("template_id: there is no such template; create it first")
