"""What a campaign is made of: leads from a file, a published template, a sender."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from email.utils import getaddresses
from functools import partial
from pathlib import Path

from adapters.contacts.importing import Import, import_leads
from adapters.contacts.lead_rows import BadRow, check_address
from adapters.message.template_file import Content, lint, parse_template
from api.commands import senders, templates
from api.commands.senders import Sender
from api.commands.templates import Published
from domain import lead_list
from domain.lead_list import ImportCounts
from domain.refusals import Invalid
from ops.launching.desk import Desk

LIST = """
INSERT INTO vault.lead_list (tenant_id, list_id, created_at) VALUES (%s, %s, now())
ON CONFLICT DO NOTHING
"""


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
    return senders.save(desk.of(tenant_id), address, name)


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
    at_desk = desk.of(tenant_id)
    template_id = at_desk.derive("tpl", tenant_id, str(path.resolve()))
    templates.create(at_desk, template_id)
    return templates.publish(at_desk, template_id, content)
