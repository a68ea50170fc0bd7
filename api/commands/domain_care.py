"""What domains need by the clock: a look at their DNS, and the end of keys whose grace is over."""

from __future__ import annotations

from adapters.dns import Unanswered
from api.commands import domain_keys, domains
from api.desk import Desk
from domain import sending_domain

#: Between looks at a domain that is not verified yet, then at any (deliverability.md §5.2).
WAITING_S = (60.0, 300.0, 900.0, 3600.0)
EVERY_S = 6 * 3600.0
#: After a first look that missed something, then while a domain is degraded.
DOUBTFUL_S, DEGRADED_S = 300.0, 3600.0
SILENT_S = 900.0
MISSES_MAX = 2  # looks in a row: one alone may have asked a server that lags behind
BROKEN_AFTER_S = 24 * 3600.0

MISSES = """
SELECT misses, coalesce(extract(epoch FROM now() - missing_since), 0)::float8 AS missing_for_s
FROM vault.domain_care WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s
"""
PUT_OFF = """
UPDATE vault.domain_care SET due_at = now() + make_interval(secs => %(after_s)s)
WHERE tenant_id = %(tenant_id)s AND domain_id = %(domain_id)s
"""


def tend(desk: Desk, domain_id: str, dns: domains.Dns) -> str:
    """Do what is due for a domain, and say when it is due again; returns what became of it.

    Where no name server answers nothing is known, and nothing changes. Raises as the store.
    """
    put_off(desk, domain_id, SILENT_S)
    state = domain_keys.state_of(desk, domain_id)
    if not state.domain_id or state.removed:
        desk.write(domains.NOT_LOOKED_AT, domain_id=domain_id)
        return "gone"
    domain_keys.retire_due(desk, domain_id)
    try:
        found = domains.look_at(desk, domain_keys.state_of(desk, domain_id), dns)
    except Unanswered:
        return "silent"
    return _judge(desk, state, found)


def put_off(desk: Desk, domain_id: str, after_s: float) -> None:
    """Look at it no sooner than that."""
    desk.write(PUT_OFF, domain_id=domain_id, after_s=after_s)


def _judge(desk: Desk, state: sending_domain.State, found: domains.Checked) -> str:
    before = desk.rows(MISSES, domain_id=state.domain_id)
    misses = int(before[0]["misses"]) + 1 if before else 1
    missing_for_s = float(before[0]["missing_for_s"]) if before else 0.0
    if _counts(state, found, misses):
        domains.record(desk, state.domain_id, found)
    if found.missing and state.degraded and missing_for_s >= BROKEN_AFTER_S:
        stream = sending_domain.stream(state.domain_id)
        desk.decide(sending_domain, stream, sending_domain.give_up)
    after_s = _again_after_s(state, found, misses)
    domains.looked_at(desk, state.domain_id, missing=bool(found.missing), after_s=after_s)
    return domain_keys.state_of(desk, state.domain_id).condition


def _counts(state: sending_domain.State, found: domains.Checked, misses: int) -> bool:
    """Whether the finding is told: not that a new domain's records are not there yet."""
    if not found.missing:
        return True
    return state.condition != "pending" and (not state.verified or misses >= MISSES_MAX)


def _again_after_s(state: sending_domain.State, found: domains.Checked, misses: int) -> float:
    if not found.missing:
        return EVERY_S
    if state.verified:
        return DOUBTFUL_S if misses < MISSES_MAX else DEGRADED_S
    if state.degraded:
        return DEGRADED_S
    return WAITING_S[misses] if misses < len(WAITING_S) else EVERY_S
