"""Sending domains by command: add one with its keys, look at its DNS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from adapters.message.dkim import new_key
from adapters.sealing import signing_key_field
from adapters.sending_records import DnsRecord, Look, RecordReader, expected_records, look
from api.desk import Desk
from domain import sending_domain
from domain.ports import Decided, Reservation

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


def add(desk: Desk, domain_id: str, domain: str) -> Decided:
    """As `ensure`, telling what was decided."""
    stream = sending_domain.stream(domain_id)
    claim = partial(
        sending_domain.add, tenant_id=desk.tenant_id, domain_id=domain_id, domain=domain
    )
    reserved = [Reservation("sending domain", domain)]
    decided = desk.decide(sending_domain, stream, claim, reservations=reserved)
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
    decide = partial(sending_domain.record_check, seen=found.seen, missing=found.missing)
    decided = desk.decide(sending_domain, sending_domain.stream(domain_id), decide)
    return replace(found, position=decided.position)
