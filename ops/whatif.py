"""Recorded history through another governor: the decisions that it would have taken otherwise.

Both run over the same inputs, turn by turn. What receivers answered is what they answered to the
mail that left then; to other mail they might have answered otherwise, and nobody knows how.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters import codec
from domain import governor
from domain.event import Event
from domain.governor.advances import VolumeAdvanced
from domain.governor.inputs import Input, PlanChosen
from domain.governor.parameters import CURRENT, RECORDED, Parameters
from domain.governor.parameters_file import parsed
from domain.refusals import Invalid
from ops.errors import Usage
from ops.volume_replay import Reading, replay
from streams.volume.folds import GOVERNOR, Fold
from streams.volume.sifting import Place
from streams.volume.turn import Turn, Turned

LABEL = (
    "Recorded replies are not those that the counterfactual would have got: receivers answered the"
    " mail that left then. Decisions that follow from other mail are not in here."
)
SAME = frozenset({"governor"})  # says which rules decided, not what


@dataclass(frozen=True)
class Counterfactual:
    """Who decides instead: another set of numbers, or the same with a plan for every IP."""

    name: str
    parameters: Parameters
    plan: str = ""


def named(new: str) -> Counterfactual:
    """A warm-up plan's name, a version of the rules, or a JSON file of parameters. Raises Usage."""
    if new in CURRENT.plans:
        return Counterfactual(new, CURRENT, new)
    if new.isdigit() and int(new) in RECORDED:
        return Counterfactual(new, RECORDED[int(new)])
    path = Path(new).expanduser()
    if not path.is_file():
        plans, versions = ", ".join(CURRENT.plans), ", ".join(map(str, RECORDED))
        raise Usage(
            f"--governor {new}: give a plan ({plans}), a version of the rules ({versions}), or a"
            " JSON file of parameters"
        )
    try:
        return Counterfactual(path.name, parsed(path.read_text()))
    except (Invalid, OSError, UnicodeDecodeError) as refusal:
        raise Usage(f"--governor {new}: {refusal}") from refusal


class _Both:
    """The governor as it was recorded, and beside it the other one from a moment on."""

    def __init__(self, other: Counterfactual, since_s: int) -> None:
        self._other, self._since_s = other, since_s
        self.recorded = CURRENT  # of the turn at hand
        self.decided: list[Event] = []  # by the other one, in the turn at hand

    def folds(self) -> tuple[Fold, Fold]:
        """Two folds of which only the first tells; what the other decided is in `decided`."""
        return replace(GOVERNOR, step=self._as_recorded), replace(
            GOVERNOR, name="counterfactual", initial=_Branch(), step=self._otherwise
        )

    def _as_recorded(self, state: Any, told: Input) -> tuple[Any, tuple[Event, ...]]:
        return governor.step(state, told, self.recorded)

    def _otherwise(self, branch: _Branch, told: Input) -> tuple[_Branch, tuple[Event, ...]]:
        if told.at_s < self._since_s and not branch.left:
            state, decided = governor.step(branch.state, told, self.recorded)
            self.decided += decided
            return _Branch(state), ()
        if not branch.left:
            branch = self._leave(branch)
        given = replace(told, plan=self._plan(told)) if isinstance(told, PlanChosen) else told
        state, decided = governor.step(branch.state, given, self._other.parameters)
        self.decided += decided
        return _Branch(state, left=True), ()

    def _plan(self, told: PlanChosen) -> str:
        return told.plan if told.curve or not self._other.plan else self._other.plan

    def _leave(self, branch: _Branch) -> _Branch:
        """From here on by the other one: each IP that follows a plan of a name follows its."""
        state = branch.state
        for whose, choice in sorted(state.choices.items()) if self._other.plan else ():
            ip, _, provider = whose.partition(":")
            if choice.curve:
                continue
            tenant_id = next((cell.tenant_id for cell in state.cells.values()), "")
            chosen = PlanChosen(
                self._since_s, tenant_id, ip, self._other.plan, (), choice.target, provider
            )
            state, decided = governor.step(state, chosen, self._other.parameters)
            self.decided += decided
        return _Branch(state, left=True)


@dataclass(frozen=True)
class _Branch:
    """The other one's state, and whether it has left the recorded way."""

    state: Any = governor.initial
    left: bool = False


@dataclass
class Found:
    """What differs, and how much was looked at."""

    differences: list[dict[str, Any]] = field(default_factory=list)
    recorded: Counter[str] = field(default_factory=Counter)
    counterfactual: Counter[str] = field(default_factory=Counter)
    same: int = 0
    turns: int = 0

    def turn(
        self, at: datetime, recorded: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]
    ) -> None:
        """Compare what both decided in a turn."""
        self.turns += 1
        self.recorded.update(one["type"] for one in recorded)
        self.counterfactual.update(one["type"] for one in other)
        for ours, theirs in _paired(recorded, other):
            if ours == theirs:
                self.same += 1
            else:
                self.differences.append(_difference(at, ours, theirs))


async def compare(
    reading: Reading,
    places: Sequence[Place],
    other: Counterfactual,
    since: datetime,
    *,
    prefix: str = "",
    tenant: str = "",
) -> Found:
    """Replay the whole history, and from `since` on also by the other governor."""
    both, found = _Both(other, int(since.timestamp())), Found()

    def before(advance: VolumeAdvanced) -> None:
        both.recorded = RECORDED.get(advance.governor, CURRENT)
        both.decided = []

    def watch(advance: VolumeAdvanced, _turn: Turn, turned: Turned) -> None:
        if advance.at >= since:
            recorded = [event for _, event in turned.decided]
            ours, theirs = (_plain(told, tenant, since) for told in (recorded, both.decided))
            found.turn(advance.at, ours, theirs)

    await replay(reading, places, prefix, folds=both.folds(), watch=watch, before=before)
    return found


def as_json(
    found: Found, other: Counterfactual, since: datetime, difference_max: int
) -> dict[str, Any]:
    """The answer; `truncated` when more differs than is listed."""
    shown = found.differences[:difference_max]
    return {
        "object": "whatif",
        "label": LABEL,
        "governor": other.name,
        "since": since.isoformat(),
        "turns": found.turns,
        "totals": {
            "recorded": dict(sorted(found.recorded.items())),
            "counterfactual": dict(sorted(found.counterfactual.items())),
            "same": found.same,
            "differ": len(found.differences),
            "scopes": len({_scope(one) for one in found.differences}),
        },
        "differences": shown,
        "truncated": len(shown) < len(found.differences),
    }


def _scope(told: dict[str, Any]) -> tuple[Any, ...]:
    return told["tenant_id"], told["scope"], told["scope_id"], told["provider"]


def _plain(events: Iterable[Any], tenant: str, since: datetime) -> list[dict[str, Any]]:
    found = []
    for event in events:
        told = json.loads(codec.encode(event))
        if tenant in {"", told["tenant_id"]} and event.decided_at >= since:
            kept = {name: value for name, value in told.items() if name not in SAME}
            found.append({"type": type(event).event_type.name} | kept)
    return found


def _paired(
    recorded: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any] | None, dict[str, Any] | None]]:
    """Decisions of one kind about one scope beside each other, in their order."""

    def key(told: dict[str, Any]) -> tuple[Any, ...]:
        return told["type"], *_scope(told)

    for each in dict.fromkeys(map(key, [*recorded, *other])):
        ours = [one for one in recorded if key(one) == each]
        theirs = [one for one in other if key(one) == each]
        for number in range(max(len(ours), len(theirs))):
            yield (
                ours[number] if number < len(ours) else None,
                theirs[number] if number < len(theirs) else None,
            )


def _difference(
    at: datetime, ours: dict[str, Any] | None, theirs: dict[str, Any] | None
) -> dict[str, Any]:
    about = ours or theirs or {}
    names = ("type", "tenant_id", "scope", "scope_id", "provider")
    told = {name: about[name] for name in names}
    moment = about.get("decided_at") or at.isoformat()
    return told | {
        "at": moment,
        "recorded": _rest(ours, names),
        "counterfactual": _rest(theirs, names),
    }


def _rest(told: dict[str, Any] | None, names: Sequence[str]) -> dict[str, Any] | None:
    return told and {name: value for name, value in told.items() if name not in names}
