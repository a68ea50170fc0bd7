"""A template: the published versions of a mail. The text itself is content in Postgres, by hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from domain.event import Event, Topic, Unit, event_type
from domain.refusals import NotFound


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


# ---- state


@dataclass(frozen=True)
class State:
    """A template as its events tell it; `template_id` is empty before it was created."""

    tenant_id: str = ""
    template_id: str = ""
    template_version: int = 0  # the latest; 0: none is published
    content_id: str = ""  # of the latest


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
    Raises NotFound.
    """
    if not state.template_id:
        raise NotFound("template_id: there is no such template; create it first")
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
