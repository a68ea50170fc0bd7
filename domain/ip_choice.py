"""Which sending IP mail leaves from, of those that may: by what is left of each, and its score.

Pure. An IP's share is what it may still carry today times its score: mail goes where both are high.
A bad one comes last: it gets what no better one of the mail's IPs takes at that moment, and no
excess of others. Who may carry at all is not decided here: a score opens no way, a block shuts one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf

WHOLE = 100
BAD_BELOW = 50  # points: the two lowest bands (domain/reputation/weights.py)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An IP towards a provider. `score` None: unknown, which is held against nobody."""

    left: float  # messages until a cap or quota of today binds; inf: none does
    score: int | None = None

    @property
    def bad(self) -> bool:
        return is_bad(self.score)

    @property
    def points(self) -> int:
        """At least one: of bad IPs alone the one with more left is taken all the same."""
        return WHOLE if self.score is None else max(1, self.score)

    def rank(self, room: float) -> tuple[bool, float, float]:
        """The highest is taken; `room` of its lane decides where nothing else does."""
        return not self.bad, self.left * self.points, room * self.points


def is_bad(score: int | None) -> bool:
    """Whether it stands in the two lowest bands. Unknown is not bad."""
    return score is not None and score < BAD_BELOW


def shares(found: Sequence[Candidate]) -> list[float]:
    """The part of the mail that each gets while there is enough of it; together 1, or all 0.

    Those that nothing binds share all of it by their scores; bad ones get none while others can.
    """
    able = [one for one in found if one.left > 0]
    chosen = [one for one in able if not one.bad] or able
    unbound = any(isinf(one.left) for one in chosen)
    bad = all(one.bad for one in chosen)
    weights = [_weight(one, unbound=unbound, bad=bad) for one in found]
    total = sum(weights)
    return [round(weight / total, 6) if total else 0.0 for weight in weights]


def _weight(one: Candidate, *, unbound: bool, bad: bool) -> float:
    if one.bad is not bad or one.left <= 0:
        return 0.0
    if unbound:
        return float(one.points) if isinf(one.left) else 0.0
    return one.left * one.points
