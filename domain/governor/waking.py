"""When time alone changes something: what a timer has to know, so that it need not ask always."""

from __future__ import annotations

from domain.governor.parameters import CURRENT, Parameters
from domain.governor.state import DAY_S, UNBOUND, Breaker, Cell, State, Status


def due_s(state: State, parameters: Parameters = CURRENT) -> int | None:
    """The next moment at which Ticked has something to do; None: none, until something is told."""
    round_s = parameters.breaking.round_s
    breakers = [cell.breaker for cell in state.cells.values()]
    breakers += [gate.breaker for gate in state.gates.values()]
    moments = [_breaker_due(breaker, round_s) for breaker in breakers]
    moments += [_day_ends(cell) for cell in state.cells.values()]
    return min((moment for moment in moments if moment), default=None)


def _breaker_due(breaker: Breaker, round_s: int) -> int:
    if breaker.status is Status.OPEN:
        return breaker.until_s
    return breaker.probed_s + round_s if breaker.status is Status.HALF else 0


def _day_ends(cell: Cell) -> int:
    """A cell that nothing left from for a month is cold, and no day's end changes it."""
    waits = cell.used or cell.started or cell.today.judged
    return (cell.day + 1) * DAY_S if waits and cell.quota < UNBOUND else 0
