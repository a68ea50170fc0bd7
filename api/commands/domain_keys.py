"""DKIM keys of sending domains by command: made, put to use one after the other, destroyed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from adapters.message.dkim import new_key
from adapters.sealing import signing_key_field
from api.desk import Desk
from domain import sending_domain
from domain.dkim_keys import ALGORITHMS, KEY_GRACE_S, Key, KeyState
from domain.ports import Decided

#: algorithm → selector of a domain's first key (deliverability.md §5.1). Later ones are numbered on
#: and none is used twice: mail that an old key signed must not meet a new key's record.
FIRST = {"rsa": "pm1", "ed25519": "pme"}

KEPT_KEYS = """
SELECT selector, algorithm, public_key FROM vault.signing_key
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s
"""
KEEP_KEY = """
INSERT INTO vault.signing_key
  (tenant_id, domain_id, selector, algorithm, private_key, public_key, state)
VALUES (%(tenant_id)s, %(domain_id)s, %(selector)s, %(algorithm)s, %(private_key)s, %(public_key)s,
  'pending')
ON CONFLICT DO NOTHING
"""
LOCK_KEYS = KEPT_KEYS + "ORDER BY selector FOR UPDATE"
#: Before another one may sign.
STOP_SIGNING = """
UPDATE vault.signing_key
SET state = CASE WHEN selector = ANY(%(retiring)s) THEN 'retiring' ELSE 'pending' END,
  retire_at = CASE WHEN selector = ANY(%(retiring)s)
    THEN coalesce(retire_at, now() + make_interval(secs => %(grace_s)s)) END
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s AND selector <> ALL(%(active)s)
"""
SIGN = """
UPDATE vault.signing_key SET state = 'active', retire_at = NULL
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s AND selector = ANY(%(active)s)
"""
DESTROY = """
DELETE FROM vault.signing_key
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s AND selector = ANY(%(retired)s)
"""
DUE = """
SELECT selector FROM vault.signing_key
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s
  AND state = 'retiring' AND retire_at <= now()
"""


def state_of(desk: Desk, domain_id: str) -> sending_domain.State:
    """The domain as its events tell it, whoever may see it."""
    found: sending_domain.State = desk.state(sending_domain, sending_domain.stream(domain_id))
    return found


def living(keys: Mapping[str, Key]) -> dict[str, Key]:
    """Those that have a record in DNS, or should have."""
    return {name: key for name, key in keys.items() if key.state is not KeyState.RETIRED}


def ensure(desk: Desk, domain_id: str) -> Decided:
    """A key of each algorithm that signs; what is there stays. Raises as the domain."""
    known, kept = state_of(desk, domain_id).keys, kept_keys(desk, domain_id)
    for algorithm in ALGORITHMS:
        selector = sending_domain.active_key(known, algorithm)
        if not selector or selector not in kept:  # the private half stayed in another installation
            selector = _unused(known, algorithm)
            _create(desk, domain_id, selector, algorithm)
            _decide(desk, domain_id, partial(sending_domain.activate_key, selector=selector))
    follow(desk, domain_id)
    return _decide(desk, domain_id, lambda _: ())


def create(desk: Desk, domain_id: str, algorithm: str) -> tuple[str, Decided]:
    """The key to sign with next; its selector. It signs nothing until it is activated.

    Raises NotFound, WrongState when one waits already.
    """
    state = state_of(desk, domain_id)
    selector = _unused(state.keys, algorithm)
    asked = partial(
        sending_domain.create_key, selector=selector, algorithm=algorithm, public_key="asked"
    )
    asked(state)  # refuses before a key is made for nothing
    return selector, _create(desk, domain_id, selector, algorithm)


def activate(desk: Desk, domain_id: str, selector: str) -> Decided:
    """Sign with it from now on; the dispatchers do within a minute. Raises NotFound, WrongState."""
    decided = _decide(desk, domain_id, partial(sending_domain.activate_key, selector=selector))
    follow(desk, domain_id)
    return decided


def retire(desk: Desk, domain_id: str, selector: str, reason: str) -> Decided:
    """Destroy a key that does not sign. Raises NotFound, WrongState for one that does."""
    decide = partial(sending_domain.retire_key, selector=selector, reason=reason)
    decided = _decide(desk, domain_id, decide)
    follow(desk, domain_id)
    return decided


def retire_due(desk: Desk, domain_id: str) -> list[str]:
    """Destroy the keys whose grace is over; their selectors."""
    follow(desk, domain_id)  # a switch that broke off half-way
    due = [str(row["selector"]) for row in desk.rows(DUE, domain_id=domain_id)]
    for selector in due:
        retire(desk, domain_id, selector, "its grace is over")
    return due


def follow(desk: Desk, domain_id: str) -> None:
    """Bring the private keys into the states that were decided. Safe to repeat.

    What was decided is read under the rows' lock, so that of two at once the later one counts.
    """
    with desk.transaction() as conn:
        names: dict[str, Any] = {"tenant_id": desk.tenant_id, "domain_id": domain_id}
        conn.execute(LOCK_KEYS, names)
        by_state: dict[str, list[str]] = {state.value: [] for state in KeyState}
        for selector, key in state_of(desk, domain_id).keys.items():
            by_state[key.state.value].append(selector)
        values = names | by_state | {"grace_s": KEY_GRACE_S}
        for statement in (DESTROY, STOP_SIGNING, SIGN):
            conn.execute(statement, values)


def kept_keys(desk: Desk, domain_id: str) -> dict[str, tuple[str, str]]:
    """By selector: algorithm and public key of those whose private half is here."""
    found = desk.rows(KEPT_KEYS, domain_id=domain_id)
    return {row["selector"]: (row["algorithm"], row["public_key"]) for row in found}


def _create(desk: Desk, domain_id: str, selector: str, algorithm: str) -> Decided:
    """A signing key under a selector; one that was there before stays. Raises as the domain."""
    kept = kept_keys(desk, domain_id)
    if selector not in kept:
        _keep(desk, domain_id, selector, algorithm)
        kept = kept_keys(desk, domain_id)
    algorithm, public = kept[selector]
    decide = partial(
        sending_domain.create_key, selector=selector, algorithm=algorithm, public_key=public
    )
    return _decide(desk, domain_id, decide)


def _keep(desk: Desk, domain_id: str, selector: str, algorithm: str) -> None:
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


def _unused(keys: Mapping[str, Key], algorithm: str) -> str:
    """A selector that no key of the domain ever had: pm1, pm2, ...; pme, pme2, ..."""
    first = FIRST[algorithm]
    if first not in keys:
        return first
    stem = first.rstrip("1")
    numbers = [re.fullmatch(rf"{stem}(\d+)", name) for name in keys]
    return f"{stem}{max([1, *(int(found[1]) for found in numbers if found)]) + 1}"


def _decide(desk: Desk, domain_id: str, decide: Any) -> Decided:
    return desk.decide(sending_domain, sending_domain.stream(domain_id), decide)
