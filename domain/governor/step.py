"""The governor: `step(state, input)` → the state after it, and the decisions taken in it.

Pure: time comes in the input, and the same inputs give the same state to the byte, in the agent, in
the simulator and in replay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import singledispatch
from typing import TypeVar

from domain.event import Event
from domain.governor import answers, breaker, plans, quota, rate
from domain.governor.draft import Draft, first_quota
from domain.governor.events import ReviewAsked
from domain.governor.inputs import (
    Action,
    Attempted,
    Bounced,
    Complained,
    DnsChecked,
    Input,
    ListingSeen,
    Overridden,
    PlanChosen,
    Scopes,
    SpamRateReported,
    Started,
    Ticked,
)
from domain.governor.parameters import CURRENT, Parameters
from domain.governor.state import (
    DAY_S,
    UNBOUND,
    Cell,
    Choice,
    Gate,
    Phase,
    State,
    Status,
    gate_key,
    gates_of,
)

S = TypeVar("S", Cell, Gate)


def step(
    state: State, event: Input, parameters: Parameters = CURRENT
) -> tuple[State, tuple[Event, ...]]:
    """Fold one input in. Repeating one counts it again: who feeds it keeps a cursor.

    A state goes on by the parameters that it began with; others make another history of it.
    """
    if isinstance(event, PlanChosen):
        state = _chosen(state, event, parameters)
    draft = Draft(state, event.at_s, parameters)
    _fold(event, draft)
    return draft.done()


@singledispatch
def _fold(event: object, _draft: Draft) -> None:
    raise TypeError(f"the governor knows no {type(event).__name__}")


@_fold.register
def _ticked(_event: Ticked, draft: Draft) -> None:
    today, round_s = draft.now_s // DAY_S, draft.rules.breaking.round_s
    for key, cell in _in_order(draft.cells):
        if cell.day < today or breaker.due(cell.breaker, draft.now_s, round_s):
            found = draft.cell_at(key)
            if found:
                _roll(draft, found)
    for _, gate in _in_order(_moving(draft.gates)):
        _gate(draft, gate.tenant_id, gate.kind, gate.owner)
    if draft.state.now_s // DAY_S < today:
        answers.forget(draft)


@_fold.register
def _started(event: Started, draft: Draft) -> None:
    cell = _cell(draft, event.scopes)
    rate.spend(cell.pace, draft.now_s, event.count, draft.rules.fast.per_h_min)
    domain = _domain(draft, event.scopes)
    for scope in (cell, domain):
        if scope is not None:
            _leave(draft, scope, event.count)
    for kind, owner in gates_of(event.scopes):
        known = draft.gates.get(gate_key(kind, owner))
        if known is not None and known.breaker.status is not Status.CLOSED:
            gate = _gate(draft, event.scopes.tenant_id, kind, owner)
            breaker.spend(gate.breaker, event.count)


def _leave(draft: Draft, cell: Cell, count: int) -> None:
    cell.started += count
    cell.used, cell.idle_days = True, 0
    breaker.spend(cell.breaker, count)
    if cell.phase is Phase.COLD:
        draft.phase(cell, Phase.WARMING, "first_mail")


@_fold.register
def _attempted(event: Attempted, draft: Draft) -> None:
    found, silent = answers.counted(event.findings)
    answers.of_cell(draft, _cell(draft, event.scopes), event, found, silent)
    domain = _domain(draft, event.scopes)
    if domain is not None:
        answers.of_domain(draft, domain, found, silent)
    unclear = sum(silent.values())
    for gate in _gates(draft, event.scopes):
        answers.fade(draft, gate)
        if gate.kind == "ip":
            answers.of_ip(draft, gate, event.scopes.provider, found, unclear)
        elif gate.kind == "campaign":
            answers.of_campaign(draft, gate, found, silent)
        else:
            answers.of_tenant(draft, gate, found)


@_fold.register
def _complained(event: Complained, draft: Draft) -> None:
    for cell in _cells(draft, event.scopes):
        cell.today.complaints += event.count
        if not cell.cool_days:
            cell.evidence.complaints += event.count
            quota.complained(draft, cell)


@_fold.register
def _bounced(event: Bounced, draft: Draft) -> None:
    for cell in _cells(draft, event.scopes):
        answers.bounced(cell, event.count)


@_fold.register
def _reported(event: SpamRateReported, draft: Draft) -> None:
    """A provider without feedback loop: the day's mail becomes evidence with the report alone."""
    for cell in _cells(draft, event.scopes):
        if cell.cool_days or draft.rules.profile(cell.provider).feedback:
            continue
        cell.evidence.accepted += event.messages
        cell.evidence.complaints += round(event.share * event.messages, 3)
        quota.complained(draft, cell)


@_fold.register
def _listed(event: ListingSeen, draft: Draft) -> None:
    if event.tier != draft.rules.breaking.tier_stops:
        return
    gate = _gate(draft, event.tenant_id, "ip", event.ip)
    is_first = event.listed and not gate.listed
    others = {zone for zone in gate.listed if zone != event.zone}
    gate.listed = tuple(sorted(others | {event.zone} if event.listed else others))
    if event.listed:
        breaker.block(draft, gate, "listed", {"tier": event.tier})
    if is_first:  # whether it goes into quarantine, a person decides
        draft.decide(ReviewAsked, gate, "listed", {"tier": event.tier})


@_fold.register
def _checked(event: DnsChecked, draft: Draft) -> None:
    if not event.passed:
        return
    for key, cell in _in_order(draft.cells):
        waits = cell.breaker.rule == "authentication" and cell.breaker.status is Status.OPEN
        if cell.kind == "domain" and cell.owner == event.domain_id and waits:
            found = draft.cell_at(key)
            if found:
                domain = _roll(draft, found)
                domain.unsigned = 0
                breaker.close(draft, domain, "records_found", {})


@_fold.register
def _plan_chosen(event: PlanChosen, draft: Draft) -> None:
    """The IP's cells follow the new plan from where they are; unused ones from its beginning."""
    for key, cell in _in_order(draft.cells):
        same = cell.kind == "cell" and cell.owner == event.ip
        own = not event.provider and f"{event.ip}:{cell.provider}" in draft.choices
        if same and event.provider in {"", cell.provider} and not own:
            found = draft.cell_at(key)
            if found:
                changed = _roll(draft, found)
                changed.plan, changed.curve = event.plan, event.curve
                changed.target = event.target
                if not changed.used:
                    quota.order(draft, changed, first_quota(changed, draft.rules), "plan")


@_fold.register
def _overridden(event: Overridden, draft: Draft) -> None:
    """A person's order. A listed IP stays blocked until it is delisted."""
    scope = _scope_at(draft, event.tenant_id, event.key)
    if event.action is Action.STOP:
        breaker.block(draft, scope, "ordered", {})
    elif event.action is Action.RESUME:
        _resume(draft, scope)
    elif isinstance(scope, Cell):
        _order(draft, scope, event)


def _resume(draft: Draft, scope: Cell | Gate) -> None:
    if scope.breaker.status is Status.CLOSED or (isinstance(scope, Gate) and scope.listed):
        return
    if scope.kind in {"cell", "ip"}:
        breaker.half_open(draft, scope, "ordered")
        return
    if isinstance(scope, Gate):
        scope.attempts = scope.hard = scope.content = 0
    breaker.close(draft, scope, "ordered", {})


def _order(draft: Draft, cell: Cell, event: Overridden) -> None:
    warm = event.action is Action.WARM
    whole = warm and cell.kind == "domain"
    quota.order(draft, cell, UNBOUND if whole else max(event.quota, 1), "ordered")
    if warm:
        cell.used, cell.recovering = True, False
        draft.phase(cell, Phase.WARM, "ordered")


# ---- scopes, brought up to now when a step first meets them


def _moving(gates: Mapping[str, Gate]) -> dict[str, Gate]:
    """Those whose breaker is not closed."""
    return {key: gate for key, gate in gates.items() if gate.breaker.status is not Status.CLOSED}


def _in_order(known: Mapping[str, S]) -> list[tuple[str, S]]:
    """By key: a state that was decoded lists its scopes otherwise than one that grew."""
    return sorted(known.items(), key=lambda item: item[0])


def _cells(draft: Draft, scopes: Scopes) -> list[Cell]:
    """The IP's, unless what is told is about a domain alone, and the domain's."""
    domain = _domain(draft, scopes)
    cells = [_cell(draft, scopes)] if scopes.ip else []
    return cells if domain is None else [*cells, domain]


def _cell(draft: Draft, scopes: Scopes) -> Cell:
    return _roll(draft, draft.cell(scopes.tenant_id, scopes.ip, scopes.provider))


def _domain(draft: Draft, scopes: Scopes) -> Cell | None:
    if not scopes.domain_id:
        return None
    return _roll(draft, draft.domain(scopes.tenant_id, scopes.domain_id, scopes.provider))


def _gates(draft: Draft, scopes: Scopes) -> list[Gate]:
    return [_gate(draft, scopes.tenant_id, kind, owner) for kind, owner in gates_of(scopes)]


def _gate(draft: Draft, tenant_id: str, kind: str, owner: str) -> Gate:
    gate, first = draft.gate(tenant_id, kind, owner)
    if first:
        breaker.pass_time(draft, gate)
    return gate


def _roll(draft: Draft, found: tuple[Cell, bool]) -> Cell:
    cell, first = found
    if first:
        breaker.pass_time(draft, cell)
        quota.pass_days(draft, cell)
    return cell


def _scope_at(draft: Draft, tenant_id: str, key: str) -> Cell | Gate:
    kind, _, rest = key.partition(":")
    if kind not in {"cell", "domain"}:
        return _gate(draft, tenant_id, kind, rest)
    owner, _, provider = rest.rpartition(":")
    make = draft.cell if kind == "cell" else draft.domain
    return _roll(draft, make(tenant_id, owner, provider))


def _chosen(state: State, event: PlanChosen, parameters: Parameters) -> State:
    plans.check(event.plan, event.curve, parameters.plans)
    whose = f"{event.ip}:{event.provider}" if event.provider else event.ip
    choice = Choice(event.plan, event.curve, event.target)
    return replace(state, choices=state.choices | {whose: choice})
