"""What a simulated receiver is like, and what is mailed to it: drawn from a seed, hidden from all.

Ranges follow reference/deliverability.md §1.5; they are invented, and were fixed before any
controller was tuned on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

KINDS = ("clean", "mediocre", "clean", "bad", "clean")  # of lists, in turn: 3 of 5 are clean
PROVIDERS = ("yahoo", "outlook", "gmx", "gmail", "icloud", "other")
SEGMENT_EVERY = 3  # of the clean lists has a bad segment
TIGHTENS = 0.35  # of the receivers do, for some days
#: Complaints per accepted mail, unknown users per mail: (lowest, highest).
COMPLAINTS = {
    "clean": (0.0001, 0.0008),
    "mediocre": (0.0013, 0.0017),
    "bad": (0.0035, 0.007),
    "segment": (0.004, 0.008),
}
UNKNOWN = {
    "clean": (0.002, 0.015),
    "mediocre": (0.02, 0.04),
    "bad": (0.06, 0.10),
    "segment": (0.06, 0.12),
}


@dataclass(frozen=True, slots=True)
class Quality:
    """Of addresses that are mailed: shares, 0 to 1."""

    complaints: float
    unknown: float


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` on, before `end`. None when they are equal."""

    first: int = 0
    end: int = 0

    def holds(self, day: int) -> bool:
        return self.first <= day < self.end


@dataclass(frozen=True, slots=True)
class Traits:
    """One receiver and the list that is mailed to it."""

    name: str
    seed: str
    provider: str
    kind: str
    quality: Quality
    segment: Quality  # of the bad segment
    segment_days: Span
    demand_per_day: int
    per_h: float  # what it takes from a stranger
    growth: float  # how much more than yesterday's it takes
    noise: float  # of its hourly mood, as the sigma of a lognormal
    start: float  # reputation of an IP that it never saw
    complaint_slope: float  # reputation lost per share of complaints above 0.1 %
    unknown_slope: float  # and per share of unknown users above 2 %
    relax_days: float  # in which reputation follows
    push_cost: float  # reputation lost in an hour of pushing, per share above 1.3
    push_ratio: float  # attempts to what it takes, from which it blocks
    push_hours: int  # of pushing until it does
    block_hours: int
    tight: float  # factor on what it takes, while it tightens
    tight_days: Span


def seeded(seed: str, what: str) -> Random:
    """Dice of one purpose: what else is drawn from the seed changes nothing here."""
    return Random(f"{seed}/{what}")  # noqa: S311 - a simulation, not a secret


def drawn(receivers: int, days: int, seed: int, scale: float = 1.0) -> list[Traits]:
    """Receivers of a seed: the same ones each time. `scale` makes what is mailed to them less."""
    return [_one(number, days, f"{seed}/{number}", scale) for number in range(receivers)]


def _one(number: int, days: int, seed: str, scale: float) -> Traits:
    dice = seeded(seed, "traits")
    kind = KINDS[number % len(KINDS)]
    provider = dice.choice(PROVIDERS)
    segment_days = _days(dice, days, (0.40, 0.55), (3, 4))
    tight_days = _days(dice, days, (0.30, 0.80), (4, 8))
    has_segment = kind == "clean" and _clean_number(number) % SEGMENT_EVERY == SEGMENT_EVERY - 1
    return Traits(
        name=f"r{number:03d}-{provider}-{kind}",
        seed=seed,
        provider=provider,
        kind=kind,
        quality=_quality(dice, kind),
        segment=_quality(dice, "segment"),
        segment_days=segment_days if has_segment else Span(),
        demand_per_day=max(1, int(scale * 10 ** dice.uniform(3.5, 5.0))),
        per_h=dice.uniform(20, 80),
        growth=dice.uniform(1.6, 3.5),
        noise=dice.uniform(0.05, 0.20),
        start=dice.uniform(0.7, 1.0),
        complaint_slope=dice.uniform(100, 200),
        unknown_slope=dice.uniform(4, 8),
        relax_days=dice.uniform(5, 9),
        push_cost=dice.uniform(0.005, 0.02),
        push_ratio=dice.uniform(2.0, 3.0),
        push_hours=dice.choice((2, 3, 4, 6, 8)),
        block_hours=dice.choice((12, 24, 48)),
        tight=dice.uniform(0.35, 0.7),
        tight_days=tight_days if dice.random() < TIGHTENS else Span(),
    )


def _clean_number(number: int) -> int:
    """How many clean lists came before it."""
    whole, rest = divmod(number, len(KINDS))
    return whole * KINDS.count("clean") + KINDS[:rest].count("clean")


def _quality(dice: Random, kind: str) -> Quality:
    return Quality(dice.uniform(*COMPLAINTS[kind]), dice.uniform(*UNKNOWN[kind]))


def _days(dice: Random, days: int, starts: tuple[float, float], lengths: tuple[int, int]) -> Span:
    first = int(days * dice.uniform(*starts))
    return Span(first, first + dice.randint(*lengths))
