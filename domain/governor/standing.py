"""What a state means for what may leave, beside what was told of it: the decisions in between.

For states that were not stepped to but folded anew, by other rules than those that decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from domain.event import Event
from domain.governor.draft import Draft, Scope, fresh, moment
from domain.governor.events import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    PhaseChanged,
    QuotaSet,
    RateChanged,
)
from domain.governor.rate import shape
from domain.governor.state import Cell, Phase, State, Status, choice_of

RULE = "rules_changed"
Key = tuple[str, str, str, str]  # what, scope, scope's id, provider
_WHAT = {
    QuotaSet: "quota",
    RateChanged: "rate",
    PhaseChanged: "phase",
    BreakerOpened: "breaker",
    BreakerHalfOpened: "breaker",
    BreakerClosed: "breaker",
}


def last_told(events: Iterable[Any]) -> dict[Key, Event]:
    """The last decision about each thing, of a tenant's decisions in their order."""
    found: dict[Key, Event] = {}
    for event in events:
        if what := _WHAT.get(type(event)):
            found[what, event.scope, event.scope_id, event.provider] = event
    return found


def corrections(state: State, told: Mapping[Key, Any]) -> tuple[Event, ...]:
    """What has to be decided so that what was told comes to this state."""
    draft = Draft(state, state.now_s)
    for _, cell in sorted(state.cells.items()):
        _quota(draft, cell, told)
        if cell.kind == "cell":
            _rate(draft, cell, told)
        _breaker(draft, cell, told)
        _phase(draft, cell, told)
    for _, gate in sorted(state.gates.items()):
        _breaker(draft, gate, told)
    return tuple(draft.decided)


def _about(what: str, scope: Scope, told: Mapping[Key, Any]) -> Any:
    return told.get((what, scope.kind, scope.owner, scope.provider))


def _first(draft: Draft, cell: Cell) -> Cell:
    choice = choice_of(draft.state, cell.owner, cell.provider)
    return fresh(cell.tenant_id, cell.kind, cell.owner, cell.provider, choice, draft.rules)


def _quota(draft: Draft, cell: Cell, told: Mapping[Key, Any]) -> None:
    last = _about("quota", cell, told)
    old = last.new if last else _first(draft, cell).quota
    if old != cell.quota:
        draft.decide(QuotaSet, cell, RULE, {}, old=old, new=cell.quota)


def _rate(draft: Draft, cell: Cell, told: Mapping[Key, Any]) -> None:
    last, now = _about("rate", cell, told), shape(cell.pace)
    before = (last.new_per_h, last.connections, last.per_connection) if last else None
    before = before or shape(_first(draft, cell).pace)
    if before != now:
        per_h, connections, per_connection = now
        more = {"connections": connections, "per_connection": per_connection}
        draft.decide(RateChanged, cell, RULE, {}, old_per_h=before[0], new_per_h=per_h, **more)


def _phase(draft: Draft, cell: Cell, told: Mapping[Key, Any]) -> None:
    last = _about("phase", cell, told)
    old = last.new if last else Phase.COLD.value
    if old != cell.phase.value:
        draft.decide(PhaseChanged, cell, RULE, {}, old=old, new=cell.phase.value)


def _breaker(draft: Draft, scope: Scope, told: Mapping[Key, Any]) -> None:
    last, breaker = _about("breaker", scope, told), scope.breaker
    until = moment(breaker.until_s) if breaker.until_s else None
    match breaker.status:
        case Status.CLOSED:
            if last is not None and not isinstance(last, BreakerClosed):
                draft.decide(BreakerClosed, scope, RULE, {})
        case Status.HALF:
            if not isinstance(last, BreakerHalfOpened):
                draft.decide(BreakerHalfOpened, scope, RULE, {}, probes=breaker.probes)
        case Status.OPEN | Status.BLOCKED:
            if not isinstance(last, BreakerOpened) or last.until != until:
                level = breaker.level
                draft.decide(BreakerOpened, scope, breaker.rule, {}, until=until, level=level)
