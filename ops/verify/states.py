"""Which state each send of a batch is in: `domain.sending.rank`, over sets of sends."""

from __future__ import annotations

from domain.sending import Outcome
from ops.verify import bits
from ops.verify.fold import Batch

STARTED, WAITING = "started", "waiting"
OPEN = (Outcome.DEFERRED.value, STARTED, WAITING)
#: Within one attempt, heaviest first, as domain.sending.rank weighs them.
_WITHIN = (
    Outcome.DEFERRED,
    Outcome.AMBIGUOUS,
    STARTED,
    Outcome.SUPPRESSED,
    Outcome.EXPIRED,
    Outcome.CANCELLED,
)


def states(batch: Batch) -> dict[str, int]:
    """State → the set of the batch's planned sends that are in it; every send is in exactly one."""
    found: dict[str, int] = {}
    rest = bits.up_to(batch.ids.size)
    for top in (Outcome.ACCEPTED, Outcome.REJECTED):
        rest = _move(found, top.value, rest, anywhere(batch, top))
    for n in sorted(batch.attempts, reverse=True):
        attempt = batch.attempts[n]
        for kind in _WITHIN:
            named = attempt.started if kind == STARTED else attempt.all_of(kind)
            rest = _move(found, str(kind), rest, named)
    _move(found, WAITING, rest, rest)
    return found


def _move(found: dict[str, int], state: str, rest: int, named: int) -> int:
    """Put what is named and still without a state into this one; the rest that remains."""
    if taken := rest & named:
        found[state] = found.get(state, 0) | taken
    return rest & ~named


def anywhere(batch: Batch, outcome: str) -> int:
    """Sends with this outcome at any attempt."""
    found = 0
    for attempt in batch.attempts.values():
        found |= attempt.all_of(outcome)
    return found
