"""One step at work: copies each scope before it is changed and gathers what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain.event import Event
from domain.governor.events import PhaseChanged
from domain.governor.parameters import CURRENT, Parameters
from domain.governor.state import (
    DAY_S,
    Cell,
    Choice,
    Gate,
    State,
    cell_key,
    choice_of,
    domain_key,
    gate_key,
)

Scope = Cell | Gate


class Draft:
    """What `step` works on. The State that it began with stays as it is."""

    def __init__(self, state: State, at_s: int, rules: Parameters = CURRENT) -> None:
        self.state = state
        self.rules = rules
        self.now_s = max(state.now_s, at_s)  # a clock that went back moves nothing
        self.cells = dict(state.cells)
        self.gates = dict(state.gates)
        self.choices = state.choices
        self.changed: dict[str, Scope] = {}
        self.decided: list[Event] = []

    def cell(self, tenant_id: str, ip: str, provider: str) -> tuple[Cell, bool]:
        """The cell, made when it is new; and whether this step sees it for the first time."""
        key = cell_key(ip, provider)
        return self._own_cell(key) or self._add_cell(key, tenant_id, "cell", ip, provider)

    def domain(self, tenant_id: str, domain_id: str, provider: str) -> tuple[Cell, bool]:
        """As `cell`, for a From domain."""
        key = domain_key(domain_id, provider)
        return self._own_cell(key) or self._add_cell(key, tenant_id, "domain", domain_id, provider)

    def cell_at(self, key: str) -> tuple[Cell, bool] | None:
        """A cell that is known by this key."""
        return self._own_cell(key)

    def gate(self, tenant_id: str, kind: str, owner: str) -> tuple[Gate, bool]:
        """An IP's, tenant's or campaign's gate, made when it is new."""
        key = gate_key(kind, owner)
        found = self.changed.get(key)
        if isinstance(found, Gate):
            return found, False
        known = self.gates.get(key)
        gate = known.copied() if known else Gate(tenant_id, kind, owner)
        self.gates[key] = self.changed[key] = gate
        return gate, True

    def decide(
        self, made: type[Any], scope: Scope, rule: str, counts: Mapping[str, int], **more: Any
    ) -> None:
        """Note a decision about a scope."""
        self.decided.append(
            made(
                tenant_id=scope.tenant_id,
                scope=scope.kind,
                scope_id=scope.owner,
                provider=scope.provider,
                decided_at=moment(self.now_s),
                rule=rule,
                counts=dict(counts),
                governor=self.rules.version,
                **more,
            )
        )

    def phase(self, cell: Cell, new: Any, rule: str) -> None:
        """Move a cell to a phase, and tell it when it is another one."""
        if new is not cell.phase:
            old, cell.phase = cell.phase, new
            counts = {"quota": cell.quota, "threshold": cell.threshold, "warm_days": cell.warm_days}
            self.decide(PhaseChanged, cell, rule, counts, old=old.value, new=new.value)

    def done(self) -> tuple[State, tuple[Event, ...]]:
        """The state after the step, and what was decided in it."""
        return State(self.now_s, self.cells, self.gates, self.choices), tuple(self.decided)

    def _own_cell(self, key: str) -> tuple[Cell, bool] | None:
        found = self.changed.get(key)
        if isinstance(found, Cell):
            return found, False
        known = self.cells.get(key)
        if known is None:
            return None
        cell = known.copied()
        self.cells[key] = self.changed[key] = cell
        return cell, True

    def _add_cell(
        self, key: str, tenant_id: str, kind: str, owner: str, provider: str
    ) -> tuple[Cell, bool]:
        choice = choice_of(self.state, owner, provider)
        cell = fresh(tenant_id, kind, owner, provider, choice, self.rules)
        cell.day, cell.pace.at_s = self.now_s // DAY_S, self.now_s
        self.cells[key] = self.changed[key] = cell
        return cell, True


def fresh(
    tenant_id: str,
    kind: str,
    owner: str,
    provider: str,
    choice: Choice | None,
    rules: Parameters = CURRENT,
) -> Cell:
    """A cell that nothing left from yet."""
    profile = rules.profile(provider)
    cell = Cell(tenant_id, kind, owner, provider)
    if choice is not None:
        cell.plan, cell.curve, cell.target = choice.plan, choice.curve, choice.target
    cell.quota = first_quota(cell, rules)
    cell.pace.per_h = profile.rate_per_h
    cell.pace.tokens = max(1.0, profile.rate_per_h / 60)
    cell.pace.per_connection = profile.per_connection
    return cell


def first_quota(cell: Cell, rules: Parameters = CURRENT) -> int:
    """What the plan allows on the first day."""
    if cell.curve:
        return cell.curve[0]
    domain = cell.kind == "domain"
    start = rules.slow.domain_quota if domain else rules.profile(cell.provider).quota
    return max(rules.slow.quota_min, int(start * rules.plan(cell.plan).start))


def moment(at_s: int) -> datetime:
    """A second as events tell it."""
    return datetime.fromtimestamp(at_s, UTC)
