"""Templates by command: what is published, and under which version."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from psycopg.types.json import Jsonb

from adapters.message.template_file import Content
from api.desk import Desk
from domain import template

CONTENT = """
INSERT INTO vault.content (tenant_id, content_id, body)
VALUES (%(tenant_id)s, %(content_id)s, %(body)s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Published:
    """A template version."""

    template_id: str
    content_id: str
    position: int | None = None


def create(desk: Desk, template_id: str) -> int | None:
    """A template without a version; the log's position."""
    decide = partial(template.create, tenant_id=desk.tenant_id, template_id=template_id)
    return desk.decide(template, template.stream(template_id), decide).position


def publish(desk: Desk, template_id: str, content: Content) -> Published:
    """Publish content as the template's next version. Raises NotFound, WrongState."""
    desk.write(CONTENT, content_id=content.content_id, body=Jsonb(content.body))
    decide = partial(template.publish, content_id=content.content_id, variables=content.variables)
    decided = desk.decide(template, template.stream(template_id), decide)
    return Published(template_id, content.content_id, decided.position)
