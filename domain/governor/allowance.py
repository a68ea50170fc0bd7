"""How much may leave now: the least that any scope of a message allows, and which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.governor import breaker, rate
from domain.governor.draft import fresh
from domain.governor.inputs import Scopes
from domain.governor.parameters import CURRENT, Parameters
from domain.governor.state import (
    DAY_S,
    UNBOUND,
    Cell,
    Gate,
    State,
    Status,
    cell_key,
    choice_of,
    domain_key,
    gate_key,
    gates_of,
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """`count` messages; `scope` and `rule` bind it until `lifts_s` (0: not by time alone)."""

    count: int
    scope: str
    rule: str
    lifts_s: int = 0


def allowance(
    state: State, scopes: Scopes, until_s: int = 0, parameters: Parameters = CURRENT
) -> Allowance:
    """What may leave from the state's own time until `until_s` (at least at once).

    It looks at what was folded so far: a breaker whose time is over opens with the next step.
    """
    return min(limits(state, scopes, until_s, parameters), key=lambda found: found.count)


def limits(
    state: State, scopes: Scopes, until_s: int = 0, parameters: Parameters = CURRENT
) -> Iterator[Allowance]:
    """What each limit of each scope allows by itself."""
    yield from _cell_limits(state, _cell(state, "cell", scopes, parameters), until_s)
    if scopes.domain_id:
        yield from _cell_limits(state, _cell(state, "domain", scopes, parameters), until_s)
    for kind, owner in gates_of(scopes):
        gate = state.gates.get(gate_key(kind, owner))
        if gate is not None and gate.breaker.status is not Status.CLOSED:
            yield _by_breaker(gate)


def _cell(state: State, kind: str, scopes: Scopes, parameters: Parameters) -> Cell:
    owner = scopes.ip if kind == "cell" else scopes.domain_id
    key = (cell_key if kind == "cell" else domain_key)(owner, scopes.provider)
    choice = choice_of(state, owner, scopes.provider)
    known = state.cells.get(key)
    return known or fresh(scopes.tenant_id, kind, owner, scopes.provider, choice, parameters)


def _cell_limits(state: State, cell: Cell, until_s: int) -> Iterator[Allowance]:
    left = UNBOUND if cell.quota >= UNBOUND else max(0, cell.quota - cell.started)
    yield Allowance(left, cell.kind, "quota", (cell.day + 1) * DAY_S)
    if cell.breaker.status is not Status.CLOSED:
        yield _by_breaker(cell)
    if cell.kind == "cell":
        count = rate.available(cell.pace, state.now_s, max(until_s, state.now_s))
        yield Allowance(count, cell.kind, "rate", state.now_s + 60)


def _by_breaker(scope: Cell | Gate) -> Allowance:
    found = scope.breaker
    return Allowance(breaker.allowed(found) or 0, scope.kind, found.rule, found.until_s)
