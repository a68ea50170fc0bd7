"""Mailboxes by command: what is theirs, their limits, their credentials (sealed, never shown)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from adapters.contacts.lead_rows import BadRow, check_address
from adapters.sealing import field
from api.commands import domains
from api.desk import Desk
from api.workspaces import place, require_visible
from domain import mailbox
from domain.event import Event
from domain.mailbox import MailboxCreated
from domain.ports import Decided
from domain.refusals import Invalid, NotFound, Taken

ADDRESS = """
INSERT INTO vault.mailbox (tenant_id, mailbox_id, address)
VALUES (%(tenant_id)s, %(mailbox_id)s, %(address)s) ON CONFLICT DO NOTHING
"""
CREDENTIAL = """
INSERT INTO vault.mailbox_credential (tenant_id, mailbox_id, protocol, host, port, username, secret)
VALUES (%(tenant_id)s, %(mailbox_id)s, %(protocol)s, %(host)s, %(port)s, %(username)s, %(secret)s)
ON CONFLICT (tenant_id, mailbox_id, protocol) DO UPDATE SET host = excluded.host,
  port = excluded.port, username = excluded.username, secret = excluded.secret, set_at = now()
"""
FORGET_CREDENTIALS = """
DELETE FROM vault.mailbox_credential WHERE tenant_id = %(tenant_id)s AND mailbox_id = %(mailbox_id)s
"""
FORGET_ADDRESS = """
DELETE FROM vault.mailbox WHERE tenant_id = %(tenant_id)s AND mailbox_id = %(mailbox_id)s
"""
SECRET_COLUMN = "vault.mailbox_credential.secret"  # noqa: S105 - a column's name


@dataclass(frozen=True)
class Credential:
    """What opens a mailbox. `password` is sealed before it is kept, and never given out."""

    protocol: str  # smtp, imap
    host: str
    port: int
    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credential({self.protocol} at {self.host})"


def create(
    desk: Desk, address: str, *, workspace_id: str, daily_limit: int, warmup_wanted: bool
) -> tuple[mailbox.State, Decided]:
    """A mailbox at one of the tenant's domains. Raises Invalid, NotFound, Taken."""
    found, domain = _checked(address)
    domain_id = domains.id_of(desk, domain)
    try:
        domains.known(desk, domain_id)
    except NotFound:
        raise Invalid(f"address: {domain} is no sending domain of yours; add it first") from None
    mailbox_id = desk.derive("mbx", desk.tenant_id, found.lower())
    _place(desk, mailbox_id, workspace_id)
    created = MailboxCreated(
        tenant_id=desk.tenant_id,
        mailbox_id=mailbox_id,
        domain_id=domain_id,
        daily_limit=daily_limit,
        warmup_wanted=warmup_wanted,
    )
    stream = mailbox.stream(mailbox_id)
    decided = desk.decide(mailbox, stream, partial(mailbox.create, created=created))
    desk.write(ADDRESS, mailbox_id=mailbox_id, address=found)
    return desk.state(mailbox, stream), decided


def _place(desk: Desk, mailbox_id: str, workspace_id: str) -> None:
    """One that is there already stays in its workspace; who may not see it hears that it is taken.

    Raises Taken, NotFound for the workspace.
    """
    before = desk.state(mailbox, mailbox.stream(mailbox_id))
    if not before.mailbox_id or before.removed:
        place(desk, mailbox_id, workspace_id)
        return
    try:
        require_visible(desk, mailbox_id, "mailbox")
    except NotFound:
        raise Taken("address: it is a mailbox already; choose another") from None


def _checked(address: str) -> tuple[str, str]:
    try:
        return check_address(address.strip())
    except BadRow as bad:
        raise Invalid(f"address: {bad}; write it as ann@example.com") from bad


def change(
    desk: Desk, mailbox_id: str, *, daily_limit: int | None, warmup_wanted: bool | None
) -> Decided:
    """Change what is given, all of it or nothing. Raises Invalid, NotFound."""

    def decide(state: mailbox.State) -> Sequence[Event]:
        events: list[Event] = []
        if daily_limit is not None:
            events += mailbox.set_limit(state, daily_limit=daily_limit)
        if warmup_wanted is not None:
            events += mailbox.choose_warmup(state, wanted=warmup_wanted)
        return events

    return _decide(desk, mailbox_id, decide)


def pause(desk: Desk, mailbox_id: str, reason: str) -> Decided:
    """Let nothing leave from it. Raises NotFound."""
    return _decide(desk, mailbox_id, partial(mailbox.pause, reason=reason))


def resume(desk: Desk, mailbox_id: str) -> Decided:
    """Go on after a pause. Raises NotFound."""
    return _decide(desk, mailbox_id, mailbox.resume)


def set_credentials(desk: Desk, mailbox_id: str, credentials: Sequence[Credential]) -> Decided:
    """Keep what opens it, sealed. Raises NotFound; Unopened where nothing can be sealed."""
    known(desk, mailbox_id)
    for one in credentials:
        context = field(desk.tenant_id, SECRET_COLUMN, mailbox_id, one.protocol)
        desk.write(
            CREDENTIAL,
            mailbox_id=mailbox_id,
            protocol=one.protocol,
            host=one.host,
            port=one.port,
            username=one.username,
            secret=desk.seals.seal(one.password.encode(), *context),
        )
    protocols = [one.protocol for one in credentials]
    return _decide(desk, mailbox_id, partial(mailbox.note_credentials, protocols=protocols))


def remove(desk: Desk, mailbox_id: str, reason: str) -> Decided:
    """Give it up: its address and credentials are forgotten. Raises NotFound."""
    known(desk, mailbox_id)
    decided = _decide(desk, mailbox_id, partial(mailbox.remove, reason=reason))
    desk.write(FORGET_CREDENTIALS, mailbox_id=mailbox_id)
    desk.write(FORGET_ADDRESS, mailbox_id=mailbox_id)
    return decided


def known(desk: Desk, mailbox_id: str) -> mailbox.State:
    """The mailbox, if the caller may see it. Raises NotFound."""
    require_visible(desk, mailbox_id, "mailbox")
    state = desk.state(mailbox, mailbox.stream(mailbox_id))
    mailbox.require(state)
    found: mailbox.State = state
    return found


def _decide(desk: Desk, mailbox_id: str, decide: mailbox.Decide) -> Decided:
    require_visible(desk, mailbox_id, "mailbox")
    return desk.decide(mailbox, mailbox.stream(mailbox_id), decide)
