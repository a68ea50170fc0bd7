"""What a campaign is made of: leads from a file, a published template, a sender."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import getaddresses
from functools import partial
from pathlib import Path

from psycopg.types.json import Jsonb

from adapters.contacts.importing import Import, import_leads
from adapters.contacts.lead_rows import BadRow, check_address
from adapters.message.template_file import Content, lint, parse_template
from domain import lead_list, template
from domain.lead_list import ImportCounts
from domain.refusals import Invalid
from ops.launching.desk import Desk

CONTENT = """
INSERT INTO vault.content (tenant_id, content_id, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
SENDER = """
INSERT INTO vault.sender (tenant_id, sender_id, address, name) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
LIST = """
INSERT INTO vault.lead_list (tenant_id, list_id, created_at) VALUES (%s, %s, now())
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Sender:
    """Who a campaign is from. The address is kept in the vault under `sender_id`."""

    sender_id: str
    domain: str


@dataclass(frozen=True)
class Published:
    """A template version."""

    template_id: str
    content_id: str


def read_sender(text: str) -> tuple[str, str]:
    """Display name and address of `A` or `Name <A>`. Raises Invalid naming the cure."""
    cure = "write it as news@example.com or Name <…>"
    named = getaddresses([text])
    if len(named) != 1 or not text.isprintable():  # whatever else it hides would be left out
        raise Invalid(f"--from {text!r}: this is not one address; {cure}")
    try:
        found, _ = check_address(named[0][1])
    except BadRow as bad:
        raise Invalid(f"--from {text!r}: {bad}; {cure}") from bad
    return named[0][0], found


def save_sender(desk: Desk, tenant_id: str, text: str) -> Sender:
    """Keep the From address in the vault."""
    name, address = read_sender(text)
    sender_id = desk.derive("sdr", tenant_id, address, name)
    desk.write(tenant_id, SENDER, (tenant_id, sender_id, address, name))
    return Sender(sender_id, address.rpartition("@")[2])


def file_digest(path: Path) -> str:
    """What a file holds, as a name for it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def import_list(
    desk: Desk, tenant_id: str, path: Path, name: str, progress: Callable[[int], None]
) -> tuple[str, Import]:
    """Import a file as the list `name`; the same file under the same name is not imported again."""
    list_id = desk.derive("lst", tenant_id, name)
    import_id = desk.derive("imp", list_id, file_digest(path))
    stream = lead_list.stream(list_id)
    create = partial(lead_list.create, tenant_id=tenant_id, list_id=list_id)
    desk.decide(lead_list, stream, create, tenant_id=tenant_id)
    desk.write(tenant_id, LIST, (tenant_id, list_id))
    done = import_leads(
        desk.vault,
        path,
        tenant_id=tenant_id,
        list_id=list_id,
        import_id=import_id,
        progress=progress,
    )
    counts = ImportCounts(done.rows, done.imported, done.duplicates, done.rejected)
    record = partial(lead_list.record_import, import_id=import_id, counts=counts)
    desk.decide(lead_list, stream, record, tenant_id=tenant_id)
    return list_id, done


def check_template(path: Path, fields: Sequence[str]) -> Content:
    """The template, if leads with these fields can be mailed with it. Raises Invalid, NotFound."""
    content = parse_template(path)
    lint(content, fields)
    return content


def publish_template(desk: Desk, tenant_id: str, path: Path, fields: Sequence[str]) -> Published:
    """Publish a template file whose variables are among the leads' fields or have a default."""
    content = check_template(path, fields)
    template_id = desk.derive("tpl", tenant_id, str(path.resolve()))
    stream = template.stream(template_id)
    create = partial(template.create, tenant_id=tenant_id, template_id=template_id)
    desk.decide(template, stream, create, tenant_id=tenant_id)
    body = Jsonb(content.body)
    desk.write(tenant_id, CONTENT, (tenant_id, content.content_id, body))
    publish = partial(template.publish, content_id=content.content_id, variables=content.variables)
    desk.decide(template, stream, publish, tenant_id=tenant_id)
    return Published(template_id, content.content_id)
