"""One turn of volume control as a pure function: facts in the order of their time, then ticks.

The agent takes turns as records come; a replay takes the same ones, as VolumeAdvanced tells them,
and comes to the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.event import Event
from domain.governor.inputs import Ticked
from domain.refusals import Refused
from streams.volume.folds import FOLDS, Fold, TenantState
from streams.volume.inputs import MAKES_KNOWN, Fact, heard

#: Faults of a fact. The fact is left out then, in the agent and in each replay.
FAULTS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    Refused,
)


@dataclass(frozen=True)
class Turn:
    """What is folded together. `refused`: places of facts that are left out."""

    facts: Sequence[Fact]
    ticked: Sequence[str] = ()
    at: datetime | None = None  # of the ticks
    refused: frozenset[str] = frozenset()

    def tenants(self) -> set[str]:
        """Those whose states the turn may change."""
        return {fact.tenant_id for fact in self.facts} | set(self.ticked)


@dataclass
class Turned:
    """What a turn came to: the states that it changed, what was decided, what could not be."""

    states: dict[str, TenantState] = field(default_factory=dict)
    decided: list[tuple[str, Event]] = field(default_factory=list)  # in order, with their tenant
    counted: list[Fact] = field(default_factory=list)  # that were a matter of volume control
    refused: dict[str, str] = field(default_factory=dict)  # place → why


def take(turn: Turn, states: Mapping[str, TenantState], folds: tuple[Fold, ...] = FOLDS) -> Turned:
    """Fold a turn into the states of its tenants, which stay as they are."""
    turned = Turned()
    for fact in sorted(turn.facts, key=lambda fact: fact.order):
        if fact.place not in turn.refused:
            _fold(fact, turned, states, folds)
    for tenant_id in turn.ticked:
        _tick(tenant_id, turn, turned, states, folds)
    return turned


def _fold(
    fact: Fact, turned: Turned, states: Mapping[str, TenantState], folds: tuple[Fold, ...]
) -> None:
    known = turned.states.get(fact.tenant_id) or states.get(fact.tenant_id)
    if known is None:
        if not isinstance(fact.event, MAKES_KNOWN):
            return
        known = TenantState.initial(folds)
    draft = TenantState(known.intake.copied(), known.states)
    try:
        inputs = heard(draft.intake, fact)
        if inputs is None:
            return
        after, decided = draft.told(inputs, folds)
    except FAULTS as error:
        turned.refused[fact.place] = repr(error)
        return
    turned.states[fact.tenant_id] = after
    turned.counted.append(fact)
    turned.decided += [(fact.tenant_id, event) for event in decided]


def _tick(
    tenant_id: str,
    turn: Turn,
    turned: Turned,
    states: Mapping[str, TenantState],
    folds: tuple[Fold, ...],
) -> None:
    known = turned.states.get(tenant_id) or states.get(tenant_id)
    place = tick_place(tenant_id)
    if known is None or turn.at is None or place in turn.refused:
        return
    turned.states[tenant_id] = known
    try:
        after, decided = known.told((Ticked(int(turn.at.timestamp())),), folds)
    except FAULTS as error:
        turned.refused[place] = repr(error)
        return
    turned.states[tenant_id] = after
    turned.decided += [(tenant_id, event) for event in decided]


def tick_place(tenant_id: str) -> str:
    """What a tick is called among what was refused."""
    return f"tick/{tenant_id}"


def levelled(stamps: Iterable[int]) -> list[int]:
    """Times of a partition's records in the order of their offsets, none below one before it.

    A broker's clock may go back; a release's start must not come after its outcomes for that.
    """
    found, most = list[int](), 0
    for stamp in stamps:
        most = max(most, stamp)
        found.append(most)
    return found
