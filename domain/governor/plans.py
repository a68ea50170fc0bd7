"""Warm-up plans: how fast a quota may grow at best. Evidence decides whether it does.

A plan never raises anything by the calendar: its next step is taken at the end of a day whose quota
was used and taken well (reference/deliverability.md §1.1, §1.4 rule 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.refusals import Invalid

CURVE_DAYS_MAX = 365
CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Plan:
    """`growth`: (below this quota, at most this factor a day), rising; the last one has no end."""

    name: str
    start: float  # of the provider's first quota
    growth: tuple[tuple[float, float], ...]
    hold_days: int  # after a cut for complaints


END = float("inf")
PLANS = {
    plan.name: plan
    for plan in (
        Plan("conservative", 0.5, ((2_000, 1.5), (20_000, 1.3), (END, 1.15)), 7),
        Plan("standard", 1.0, ((10_000, 2.0), (50_000, 1.6), (250_000, 1.35), (END, 1.15)), 3),
        Plan("fast", 1.5, ((20_000, 2.5), (100_000, 2.0), (250_000, 1.5), (END, 1.25)), 2),
    )
}
STANDARD = PLANS["standard"]


def plan_of(name: str) -> Plan:
    """The plan of this name; a custom curve keeps the manners of the standard one."""
    return PLANS.get(name, STANDARD)


def growth_of(plan: Plan, quota: float) -> float:
    """The factor by which a quota of this size may grow in a day at most."""
    return next(factor for below, factor in plan.growth if quota < below)


def next_on(curve: tuple[int, ...], quota: int) -> int:
    """The first step of a curve above the quota; its last step when there is none."""
    return next((step for step in curve if step > quota), curve[-1])


def planned(name: str, curve: tuple[int, ...], quota: int, days: int) -> list[int]:
    """What the plan comes to when every day earns its step: the line to compare a cell with."""
    series = [curve[0] if curve else quota]
    while len(series) < days:
        last = series[-1]
        series.append(next_on(curve, last) if curve else _grown(plan_of(name), last))
    return series[:days]


def _grown(plan: Plan, quota: int) -> int:
    return max(quota + 1, int(quota * growth_of(plan, quota)))


def check(name: str, curve: tuple[int, ...], plans: Mapping[str, Plan] = PLANS) -> None:
    """Raises Invalid for a plan that there is not."""
    if name != CUSTOM and name not in plans:
        known = ", ".join((*plans, CUSTOM))
        raise Invalid(f"plan: {name!r} is unknown; use one of {known}")
    if (name == CUSTOM) != bool(curve):
        raise Invalid("curve: give messages per day with the plan custom, and with no other")
    if len(curve) > CURVE_DAYS_MAX or any(step < 1 for step in curve):
        raise Invalid(f"curve: give 1 to {CURVE_DAYS_MAX} numbers of messages, each 1 or more")
    if list(curve) != sorted(curve):
        raise Invalid("curve: it falls; give numbers that rise, cuts follow from evidence")
