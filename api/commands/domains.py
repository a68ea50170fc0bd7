"""Sending domains by command: add one with its keys, look at its DNS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from adapters.message.dkim import new_key
from adapters.sealing import signing_key_field
from adapters.sending_records import DnsRecord, Look, RecordReader, expected_records, look
from api.desk import Desk
from api.workspaces import place, require_visible
from domain import sending_domain, sending_ip
from domain.ports import Decided, Reservation
from domain.refusals import NotFound

#: selector → algorithm (deliverability.md §5.1)
SELECTORS = {"pm1": "rsa", "pme": "ed25519"}

KEPT_KEYS = """
SELECT selector, algorithm, public_key FROM vault.signing_key
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s
"""
KEEP_KEY = """
INSERT INTO vault.signing_key (tenant_id, domain_id, selector, algorithm, private_key, public_key)
VALUES (%(tenant_id)s, %(domain_id)s, %(selector)s, %(algorithm)s, %(private_key)s, %(public_key)s)
ON CONFLICT DO NOTHING
"""
LOOKED = """
INSERT INTO vault.domain_look (tenant_id, domain_id, kind, name, wanted, found, state)
VALUES (%(tenant_id)s, %(domain_id)s, %(kind)s, %(name)s, %(wanted)s, %(found)s, %(state)s)
ON CONFLICT (tenant_id, domain_id, kind, name) DO UPDATE SET wanted = excluded.wanted,
  found = excluded.found, state = excluded.state, looked_at = now()
"""
FORGET_LOOKS = """
DELETE FROM vault.domain_look WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s
"""
FOUND_MAX, FOUND_CHARS_MAX = 10, 1000  # what strangers publish is kept in bounds


def publish_nothing(_: DnsRecord) -> None:
    """Where the owner of a domain publishes its records: everywhere but on the embedded stack."""


@dataclass(frozen=True)
class Dns:
    """How a command looks at DNS. `reader` makes one for a single look, in any thread.

    `publish` is called with each record before a look: the embedded stack's stand-in takes it.
    """

    reader: Callable[[], RecordReader]
    bounce_host: str
    publish: Callable[[DnsRecord], None] = publish_nothing


@dataclass(frozen=True)
class Checked:
    """What a look at a domain's DNS found, record by record."""

    looks: tuple[Look, ...]
    position: int | None

    @property
    def seen(self) -> list[str]:
        return [found.record.title for found in self.looks if found.is_there]

    @property
    def missing(self) -> list[str]:
        return [found.record.title for found in self.looks if not found.is_there]


def id_of(desk: Desk, domain: str) -> str:
    """The id that a domain has with this tenant, added or not."""
    return desk.derive("dom", desk.tenant_id, domain)


def ensure(desk: Desk, domain: str) -> str:
    """The tenant's sending domain with its signing keys; returns its id.

    Raises Invalid, and Taken when another tenant has it.
    """
    domain_id = id_of(desk, domain)
    add(desk, domain_id, domain)
    return domain_id


def claim(desk: Desk, domain: str, workspace_id: str) -> tuple[sending_domain.State, Decided]:
    """Add a domain to a workspace; one that is there already stays where it is.

    Raises Invalid, NotFound for the workspace, and Taken when another tenant, or a workspace that
    the caller does not belong to, has it.
    """
    domain_id = id_of(desk, domain)
    stream = sending_domain.stream(domain_id)
    known_before = desk.state(sending_domain, stream)
    if known_before.domain_id and not known_before.removed:
        try:
            require_visible(desk, domain_id, "sending domain")
        except NotFound:
            raise Reservation("sending domain", domain).refusal() from None
    else:
        place(desk, domain_id, workspace_id)
    decided = add(desk, domain_id, domain)
    return desk.state(sending_domain, stream), decided


def add(desk: Desk, domain_id: str, domain: str) -> Decided:
    """As `ensure`, telling what was decided."""
    stream = sending_domain.stream(domain_id)
    decide = partial(
        sending_domain.add, tenant_id=desk.tenant_id, domain_id=domain_id, domain=domain
    )
    reserved = [Reservation("sending domain", domain)]
    decided = desk.decide(sending_domain, stream, decide, reservations=reserved)
    for selector, algorithm in SELECTORS.items():
        decided = create_key(desk, domain_id, selector, algorithm)
    return decided


def create_key(desk: Desk, domain_id: str, selector: str, algorithm: str) -> Decided:
    """A signing key under a selector; one that was there before stays. Raises as the domain."""
    kept = keys(desk, domain_id)
    if selector not in kept:
        _keep_key(desk, domain_id, selector, algorithm)
        kept = keys(desk, domain_id)
    algorithm, public = kept[selector]
    create = partial(
        sending_domain.create_key, selector=selector, algorithm=algorithm, public_key=public
    )
    return desk.decide(sending_domain, sending_domain.stream(domain_id), create)


def _keep_key(desk: Desk, domain_id: str, selector: str, algorithm: str) -> None:
    """Make a key pair and keep it, sealed: the one place that writes a private key."""
    place = signing_key_field(desk.tenant_id, domain_id, selector)
    key = new_key(algorithm)
    desk.write(
        KEEP_KEY,
        domain_id=domain_id,
        selector=selector,
        algorithm=algorithm,
        private_key=desk.seals.seal(key.private_der, *place),
        public_key=key.public_base64,
    )


def keys(desk: Desk, domain_id: str) -> dict[str, tuple[str, str]]:
    """By selector: algorithm and public key."""
    found = desk.rows(KEPT_KEYS, domain_id=domain_id)
    return {row["selector"]: (row["algorithm"], row["public_key"]) for row in found}


def records(desk: Desk, domain_id: str, domain: str, bounce_host: str) -> list[DnsRecord]:
    """What the owner of the domain publishes."""
    return wanted(domain_id, domain, keys(desk, domain_id), bounce_host)


def wanted(
    domain_id: str, domain: str, known: dict[str, tuple[str, str]], bounce_host: str
) -> list[DnsRecord]:
    """The records of a domain with these keys. Its token is the id's own part."""
    return expected_records(domain, domain_id.partition("_")[2], known, bounce_host)


def check(desk: Desk, domain_id: str, domain: str, dns: Dns) -> Checked:
    """Look at the domain's DNS and record what was seen.

    Raises NotFound, and Unanswered when no name server answers: then nothing is recorded.
    """
    expected = records(desk, domain_id, domain, dns.bounce_host)
    for record in expected:
        dns.publish(record)
    looks = asyncio.run(look(dns.reader(), expected))
    found = Checked(tuple(looks), None)
    _keep_looks(desk, domain_id, found.looks)
    decide = partial(sending_domain.record_check, seen=found.seen, missing=found.missing)
    decided = desk.decide(sending_domain, sending_domain.stream(domain_id), decide)
    return replace(found, position=decided.position)


def _keep_looks(desk: Desk, domain_id: str, looks: Sequence[Look]) -> None:
    with desk.transaction() as conn:
        row = {"tenant_id": desk.tenant_id, "domain_id": domain_id}
        conn.execute(FORGET_LOOKS, row)
        for one in looks:
            record = {"kind": one.record.kind, "name": one.record.name, "wanted": one.record.value}
            found = [text[:FOUND_CHARS_MAX].replace("\x00", "") for text in one.found[:FOUND_MAX]]
            conn.execute(LOOKED, row | record | {"found": found, "state": one.state})


def known(desk: Desk, domain_id: str) -> sending_domain.State:
    """The domain, if the caller may see it. Raises NotFound."""
    require_visible(desk, domain_id, "sending domain")
    state = desk.state(sending_domain, sending_domain.stream(domain_id))
    sending_domain.require(state)
    found: sending_domain.State = state
    return found


def remove(desk: Desk, domain_id: str, reason: str) -> Decided:
    """Send as it no longer; its keys and name stay with the tenant, who may add it again."""
    require_visible(desk, domain_id, "sending domain")
    desk.write(FORGET_LOOKS, domain_id=domain_id)
    decide = partial(sending_domain.remove, reason=reason)
    return desk.decide(sending_domain, sending_domain.stream(domain_id), decide)


def assign_ip(desk: Desk, domain_id: str, ip: str, *, assigned: bool) -> Decided:
    """Let the domain's mail leave from a sending IP, or no longer. Raises NotFound, WrongState."""
    known(desk, domain_id)
    if assigned:
        sending_ip.require_active(desk.state(sending_ip, sending_ip.stream(ip)))
    decide = sending_domain.assign_ip if assigned else sending_domain.unassign_ip
    return desk.decide(sending_domain, sending_domain.stream(domain_id), partial(decide, ip=ip))
