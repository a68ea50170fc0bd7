"""Who campaigns are from: From addresses, kept in the vault."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.contacts.lead_rows import BadRow, check_address
from api.desk import Desk
from domain.refusals import Invalid

SENDER = """
INSERT INTO vault.sender (tenant_id, sender_id, address, name)
VALUES (%(tenant_id)s, %(sender_id)s, %(address)s, %(name)s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Sender:
    """Who a campaign is from. The address is kept in the vault under `sender_id`."""

    sender_id: str
    domain: str


def checked(text: str) -> str:
    """A From address as it will be used. Raises Invalid."""
    try:
        found, _ = check_address(text)
    except BadRow as bad:
        raise Invalid(f"address: {text!r}: {bad}; write it as news@example.com") from bad
    return found


def save(desk: Desk, address: str, name: str) -> Sender:
    """Keep a From address; the same address and name again are the same sender."""
    sender_id = desk.derive("sdr", desk.tenant_id, address, name)
    desk.write(SENDER, sender_id=sender_id, address=address, name=name)
    return Sender(sender_id, address.rpartition("@")[2])
