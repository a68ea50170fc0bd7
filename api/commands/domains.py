"""Sending domains by command: add one with its keys, look at its DNS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from adapters.sending_records import (
    DnsRecord,
    Look,
    RecordReader,
    dkim_name,
    expected_records,
    look,
)
from api.commands import domain_keys
from api.desk import Desk
from api.workspaces import place, require_visible
from domain import sending_domain, sending_ip
from domain.dkim_keys import KeyState
from domain.ports import Decided, Reservation
from domain.refusals import NotFound, WrongState

LOOKED = """
INSERT INTO vault.domain_look (tenant_id, domain_id, kind, name, wanted, found, state)
VALUES (%(tenant_id)s, %(domain_id)s, %(kind)s, %(name)s, %(wanted)s, %(found)s, %(state)s)
ON CONFLICT (tenant_id, domain_id, kind, name) DO UPDATE SET wanted = excluded.wanted,
  found = excluded.found, state = excluded.state, looked_at = now()
"""
TO_BE_LOOKED_AT = """
INSERT INTO vault.domain_care (tenant_id, domain_id, due_at)
VALUES (%(tenant_id)s, %(domain_id)s, now() + interval '1 minute') ON CONFLICT DO NOTHING
"""
#: `missing`: whether records were. A domain without a row is one of before there were rows.
LOOKED_AT = """
INSERT INTO vault.domain_care AS c (tenant_id, domain_id, due_at, misses, missing_since)
VALUES (%(tenant_id)s, %(domain_id)s, now() + make_interval(secs => %(after_s)s),
  %(missing)s::int, CASE WHEN %(missing)s THEN now() END)
ON CONFLICT (tenant_id, domain_id) DO UPDATE SET due_at = excluded.due_at,
  misses = CASE WHEN %(missing)s THEN c.misses + 1 ELSE 0 END,
  missing_since = CASE WHEN %(missing)s THEN coalesce(c.missing_since, now()) END
"""
NOT_LOOKED_AT = """
DELETE FROM vault.domain_care WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s
"""
FORGET_LOOKS = """
DELETE FROM vault.domain_look WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s
"""
LOOK_AGAIN_S = 300.0  # by itself, after somebody had it looked at
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
        return [found.record.title for found in self._needed if found.is_there]

    @property
    def missing(self) -> list[str]:
        return [found.record.title for found in self._needed if not found.is_there]

    @property
    def _needed(self) -> list[Look]:
        return [found for found in self.looks if found.record.needed]


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
    desk.decide(sending_domain, stream, decide, reservations=reserved)
    decided = domain_keys.ensure(desk, domain_id)
    desk.write(TO_BE_LOOKED_AT, domain_id=domain_id)
    return decided


def records(state: sending_domain.State, bounce_host: str) -> list[DnsRecord]:
    """What the owner of the domain publishes."""
    keys = domain_keys.living(state.keys)
    known = {name: (key.algorithm, key.public_key, key.state.value) for name, key in keys.items()}
    return wanted(state.domain_id, state.domain, known, bounce_host)


def key_record(state: sending_domain.State, selector: str, dns: Dns) -> DnsRecord:
    """What the owner publishes for one key. Raises NotFound, WrongState for a retired one."""
    key = sending_domain.require_key(state, selector)
    if key.state is KeyState.RETIRED:
        raise WrongState(f"selector: {selector} is retired; its record may go")
    name = dkim_name(state.domain, selector)
    return next(record for record in records(state, dns.bounce_host) if record.name == name)


def look_at_key(desk: Desk, state: sending_domain.State, selector: str, dns: Dns) -> Look:
    """What DNS says of one key now, kept to be shown. Raises as `key_record`, and Unanswered."""
    wanted_record = key_record(state, selector, dns)
    dns.publish(wanted_record)
    (found,) = asyncio.run(look(dns.reader(), [wanted_record]))
    desk.write(LOOKED, domain_id=state.domain_id, **_look_row(found))
    return found


def wanted(
    domain_id: str, domain: str, known: Mapping[str, tuple[str, str, str]], bounce_host: str
) -> list[DnsRecord]:
    """The records of a domain with these keys. Its token is the id's own part."""
    return expected_records(domain, domain_id.partition("_")[2], known, bounce_host)


def check(desk: Desk, domain_id: str, dns: Dns) -> Checked:
    """Look at the domain's DNS and record what was seen.

    Raises NotFound, and Unanswered when no name server answers: then nothing is recorded.
    """
    found = look_at(desk, domain_keys.state_of(desk, domain_id), dns)
    checked = record(desk, domain_id, found)
    looked_at(desk, domain_id, missing=bool(found.missing), after_s=LOOK_AGAIN_S)
    return checked


def looked_at(desk: Desk, domain_id: str, *, missing: bool, after_s: float) -> None:
    """Note the look, and when the next one is due."""
    desk.write(LOOKED_AT, domain_id=domain_id, missing=missing, after_s=after_s)


def look_at(desk: Desk, state: sending_domain.State, dns: Dns) -> Checked:
    """What DNS says now, kept to be shown; nothing is decided. Raises Unanswered."""
    expected = records(state, dns.bounce_host)
    for one in expected:
        dns.publish(one)
    found = Checked(tuple(asyncio.run(look(dns.reader(), expected))), None)
    _keep_looks(desk, state.domain_id, found.looks)
    return found


def record(desk: Desk, domain_id: str, found: Checked) -> Checked:
    """Decide what was seen. Raises as the domain."""
    decide = partial(sending_domain.record_check, seen=found.seen, missing=found.missing)
    decided = desk.decide(sending_domain, sending_domain.stream(domain_id), decide)
    return replace(found, position=decided.position)


def _keep_looks(desk: Desk, domain_id: str, looks: Sequence[Look]) -> None:
    with desk.transaction() as conn:
        row = {"tenant_id": desk.tenant_id, "domain_id": domain_id}
        conn.execute(FORGET_LOOKS, row)
        for one in looks:
            conn.execute(LOOKED, row | _look_row(one))


def _look_row(one: Look) -> dict[str, Any]:
    found = [text[:FOUND_CHARS_MAX].replace("\x00", "") for text in one.found[:FOUND_MAX]]
    record = {"kind": one.record.kind, "name": one.record.name, "wanted": one.record.value}
    return record | {"found": found, "state": one.state}


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
    for statement in (FORGET_LOOKS, NOT_LOOKED_AT):
        desk.write(statement, domain_id=domain_id)
    decide = partial(sending_domain.remove, reason=reason)
    return desk.decide(sending_domain, sending_domain.stream(domain_id), decide)


def assign_ip(desk: Desk, domain_id: str, ip: str, *, assigned: bool) -> Decided:
    """Let the domain's mail leave from a sending IP, or no longer. Raises NotFound, WrongState."""
    known(desk, domain_id)
    if assigned:
        sending_ip.require_active(desk.state(sending_ip, sending_ip.stream(ip)))
    decide = sending_domain.assign_ip if assigned else sending_domain.unassign_ip
    return desk.decide(sending_domain, sending_domain.stream(domain_id), partial(decide, ip=ip))
