"""The folds that hear of a tenant's mail beside each other, each pure and kept as bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args

from domain import governor, reputation
from domain.event import Event
from domain.governor.inputs import Input
from domain.governor.waking import due_s
from domain.reputation.inputs import Told
from streams.volume import intake
from streams.volume.intake import Intake


@dataclass(frozen=True)
class Fold:
    """`step(state, input)` → the state after it, and what was decided. `hears`: kinds of input."""

    name: str
    version: int
    initial: Any
    step: Callable[[Any, Any], tuple[Any, tuple[Event, ...]]]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    due_s: Callable[[Any], int | None]
    hears: tuple[type[Any], ...]


GOVERNOR = Fold(
    "governor",
    governor.VERSION,
    governor.initial,
    governor.step,
    governor.encode,
    governor.decode,
    due_s,
    get_args(Input),
)
REPUTATION = Fold(
    "reputation",
    reputation.VERSION,
    reputation.initial,
    reputation.step,
    reputation.encode,
    reputation.decode,
    reputation.due_s,
    get_args(Told),
)
FOLDS = (GOVERNOR, REPUTATION)
#: Bytes of other rules are not read: the log is replayed instead.
RULES = ".".join(map(str, (intake.VERSION, *(fold.version for fold in FOLDS))))


@dataclass(frozen=True)
class TenantState:
    """All that volume control knows of a tenant; `states`: one for each of its folds."""

    intake: Intake
    states: tuple[Any, ...]

    @classmethod
    def initial(cls, folds: tuple[Fold, ...] = FOLDS) -> TenantState:
        return cls(Intake(), tuple(fold.initial for fold in folds))

    def told(
        self, inputs: tuple[Told, ...], folds: tuple[Fold, ...] = FOLDS
    ) -> tuple[TenantState, list[Event]]:
        """After the inputs, each fold by itself; and what they decided."""
        states, decided = list(self.states), list[Event]()
        for given in inputs:
            for number, fold in enumerate(folds):
                if isinstance(given, fold.hears):
                    states[number], events = fold.step(states[number], given)
                    decided += events
        return replace(self, states=tuple(states)), decided

    def due_s(self, folds: tuple[Fold, ...] = FOLDS) -> int | None:
        """When time alone has something to do."""
        moments = [fold.due_s(state) for fold, state in zip(folds, self.states, strict=True)]
        return min((moment for moment in moments if moment is not None), default=None)

    def encoded(self, folds: tuple[Fold, ...] = FOLDS) -> tuple[bytes, ...]:
        """The intake's bytes and each fold's."""
        states = zip(folds, self.states, strict=True)
        return (intake.encode(self.intake), *(fold.encode(state) for fold, state in states))

    @classmethod
    def decoded(cls, parts: tuple[bytes, ...], folds: tuple[Fold, ...] = FOLDS) -> TenantState:
        """The inverse. Raises ValueError for bytes of other rules."""
        own, *rest = parts
        states = tuple(fold.decode(data) for fold, data in zip(folds, rest, strict=True))
        return cls(intake.decode(own), states)
