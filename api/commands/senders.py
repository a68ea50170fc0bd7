"""Who campaigns are from: From addresses, kept in the vault."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.contacts.lead_rows import BadRow, check_address
from api.commands import domains
from api.desk import Desk
from api.workspaces import require_visible
from domain import sending_domain
from domain.refusals import Invalid, NotFound

SENDER = """
INSERT INTO vault.sender (tenant_id, sender_id, address, name)
VALUES (%(tenant_id)s, %(sender_id)s, %(address)s, %(name)s) ON CONFLICT DO NOTHING
"""
FIND = """
SELECT s.address, coalesce(m.mailbox_id, '') AS mailbox_id
FROM vault.sender s
LEFT JOIN vault.mailbox m ON m.tenant_id = s.tenant_id AND lower(m.address) = lower(s.address)
WHERE s.tenant_id = %(tenant_id)s AND s.sender_id = %(sender_id)s
"""


@dataclass(frozen=True)
class Sender:
    """Who a campaign is from. The address is kept in the vault under `sender_id`."""

    sender_id: str
    domain: str
    mailbox_id: str = ""  # that the address is of, if it is one of the tenant's


def checked(text: str) -> str:
    """A From address as it will be used. Raises Invalid."""
    try:
        found, _ = check_address(text)
    except BadRow as bad:
        raise Invalid(f"address: {text!r}: {bad}; write it as news@example.com") from bad
    return found


def save(desk: Desk, address: str, name: str) -> Sender:
    """Keep a From address; the same address and name again are the same sender.

    Who sees some workspaces alone keeps those of their domains alone. Raises NotFound.
    """
    domain = address.rpartition("@")[2]
    require_visible(desk, domains.id_of(desk, domain), "sending domain: add it first")
    sender_id = desk.derive("sdr", desk.tenant_id, address, name)
    desk.write(SENDER, sender_id=sender_id, address=address, name=name)
    return Sender(sender_id, domain)


def may_send(desk: Desk, sender: Sender) -> bool:
    """Whether the sender's domain is one of the tenant's, and verified."""
    stream = sending_domain.stream(domains.id_of(desk, sender.domain))
    return bool(desk.state(sending_domain, stream).may_send)


def known(desk: Desk, sender_id: str) -> Sender:
    """A sender whose domain the caller may see. Raises NotFound."""
    found = desk.rows(FIND, sender_id=sender_id)
    if not found:
        raise NotFound("sender_id: there is no such sender; save it first")
    domain = found[0]["address"].rpartition("@")[2]
    require_visible(desk, domains.id_of(desk, domain), "sender")
    return Sender(sender_id, domain, found[0]["mailbox_id"])
