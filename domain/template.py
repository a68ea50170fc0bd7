"""A template: the published versions of a mail. The text itself is content in Postgres, by hash."""

from __future__ import annotations

from typing import Annotated

from domain.event import Event, Topic, Unit, event_type


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
