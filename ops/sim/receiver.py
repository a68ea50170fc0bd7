"""A simulated receiver at work, hour by hour: what it takes, defers, blocks, and thinks of us.

What it takes in an hour follows what it took lately (V) and reputation (R); who pushes loses
reputation, who pushes hard for hours is blocked for a day or so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from ops.sim.traits import Quality, Traits, seeded

DAY_H = 24
OPEN_H = 10  # hours over which yesterday's volume is thought to have come
VOLUME_WEIGHT = 0.5  # of the last day in V
RATES_KEPT = 0.7  # a day, of what its shares of complaints and unknown users are taken from
COMPLAINTS_FREE, UNKNOWN_FREE = 0.001, 0.02
PUSH_FREE = 1.3
PUSH_COUNTED_MAX = 3.0
LAG_H = (2, 48)  # after which complaints are told


@dataclass(slots=True)
class Verdict:
    """What became of attempts, in the order in which they were made."""

    accepted: int = 0
    hard: int = 0
    deferred: int = 0
    blocked: int = 0


class Receiver:
    """Call `begin`, any number of `take`, then `end` for each hour in turn."""

    def __init__(self, traits: Traits) -> None:
        self.traits = traits
        self.reputation = traits.start
        self.volume = 0.0
        self.blocks = 0
        self.room = 0  # what it still takes in this hour
        self._mood = seeded(traits.seed, "mood")  # drawn alike whatever a controller does
        self._people = seeded(traits.seed, "people")
        self._hour = 0
        self._allowed = self._offered = 0
        self._blocked_until = self._pushed_hours = 0
        self._today = 0
        self._unknown = 0.0  # part of a hard bounce that is due
        self._mailed = self._complained = self._missed = 0.0
        self._told: dict[int, int] = {}  # hour → complaints that are told then

    @property
    def blocking(self) -> bool:
        return self._hour < self._blocked_until

    def begin(self, hour: int) -> None:
        """A new hour: how much it takes is settled before anything comes."""
        self._hour, self._offered = hour, 0
        self._allowed = self.room = int(self._allowance())

    def _allowance(self) -> float:
        traits = self.traits
        trust = 0.25 + 0.75 * self.reputation
        known = traits.growth * self.volume / OPEN_H
        mood = math.exp(self._mood.gauss(0.0, traits.noise))
        tight = traits.tight if traits.tight_days.holds(self._hour // DAY_H) else 1.0
        return max(1.0, max(traits.per_h, known) * trust * mood * tight)

    def take(self, count: int) -> Verdict:
        """Answer attempts."""
        self._offered += count
        if self.blocking:
            return Verdict(blocked=count)
        let_in = min(count, self.room)
        self.room -= let_in
        hard = self._hard_among(let_in)
        accepted = let_in - hard
        self._today += accepted
        self._mailed += let_in
        self._missed += hard
        self._hear(accepted)
        return Verdict(accepted, hard, count - let_in, 0)

    def complaints(self) -> int:
        """Those that it tells us of in this hour."""
        return self._told.pop(self._hour, 0)

    def end(self) -> None:
        """The hour is over: judge how hard it was pushed."""
        if not self.blocking:
            self._judge_push(self._offered / max(1, self._allowed))
        self._relax()
        if self._hour % DAY_H == DAY_H - 1:
            self._end_day()

    # ---- what it thinks

    def _judge_push(self, ratio: float) -> None:
        traits = self.traits
        if ratio > PUSH_FREE:
            excess = min(ratio - PUSH_FREE, PUSH_COUNTED_MAX)
            self.reputation = max(0.0, self.reputation - traits.push_cost * excess)
        patience = traits.push_ratio * (0.6 + 0.4 * self.reputation)
        if ratio > patience:
            self._pushed_hours += 1
        elif self._offered:
            self._pushed_hours = 0
        if self._pushed_hours >= traits.push_hours:
            self.blocks += 1
            self._pushed_hours = 0
            self._blocked_until = self._hour + 1 + traits.block_hours

    def _relax(self) -> None:
        step = (self._deserved() - self.reputation) / (DAY_H * self.traits.relax_days)
        self.reputation = min(1.0, max(0.0, self.reputation + step))

    def _deserved(self) -> float:
        if self._mailed < 1.0:
            return self.traits.start
        traits = self.traits
        complaints = max(0.0, self._complained / self._mailed - COMPLAINTS_FREE)
        unknown = max(0.0, self._missed / self._mailed - UNKNOWN_FREE)
        lost = traits.complaint_slope * complaints + traits.unknown_slope * unknown
        return max(0.0, 1.0 - lost)

    def _end_day(self) -> None:
        self.volume = (1 - VOLUME_WEIGHT) * self.volume + VOLUME_WEIGHT * self._today
        self._today = 0
        self._mailed *= RATES_KEPT
        self._complained *= RATES_KEPT
        self._missed *= RATES_KEPT

    # ---- its people

    def _quality(self) -> Quality:
        traits = self.traits
        bad = traits.segment_days.holds(self._hour // DAY_H)
        return traits.segment if bad else traits.quality

    def _hard_among(self, count: int) -> int:
        self._unknown += count * self._quality().unknown
        hard = min(count, int(self._unknown))
        self._unknown -= hard
        return hard

    def _hear(self, accepted: int) -> None:
        """Some of them complain: it knows at once, we hours later."""
        expected = accepted * self._quality().complaints
        self._complained += expected
        count = poisson(self._people, expected)
        for _ in range(min(count, 20)):
            at = self._hour + self._people.randint(*LAG_H)
            self._told[at] = self._told.get(at, 0) + max(1, count // 20)


def poisson(dice: Random, mean: float) -> int:
    """A draw from a Poisson distribution; from 30 on by its normal limit."""
    if mean <= 0.0:
        return 0
    if mean > 30.0:  # noqa: PLR2004 - where the limit is close enough
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    left, count = math.exp(-mean), 0
    chance = dice.random()
    while chance > left:
        chance *= dice.random()
        count += 1
    return count
