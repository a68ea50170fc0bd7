"""Receivers that are harder than those of the evaluation, to show where the governor is weak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ops.sim.traits import Traits

VARIANTS: dict[str, Callable[[Traits], Traits]] = {
    "as drawn": lambda traits: traits,
    "bears little growth (1.2 to 1.6)": lambda traits: replace(
        traits, growth=1.2 + 0.4 * (traits.growth - 1.6) / 1.9
    ),
    "moods twice as wild": lambda traits: replace(traits, noise=2 * traits.noise),
    "blocks after one hour of pushing": lambda traits: replace(traits, push_hours=1),
    "takes a quarter from strangers": lambda traits: replace(traits, per_h=traits.per_h / 4),
    "trusts no stranger (reputation 0.3)": lambda traits: replace(traits, start=0.3),
}
