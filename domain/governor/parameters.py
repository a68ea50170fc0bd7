"""The governor's numbers as data: limits, factors and times, each with its unit and its source.

A set is a value: `step(state, input, parameters)` runs by it, and a recorded history can be run
again by another one (`penguin whatif`, `penguin sim --parameters FILE`). `parameters_file.py` reads
a set from JSON. The texts behind `Of` are what `penguin rules parameters` shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from domain.governor.plans import PLANS, STANDARD, Plan
from domain.governor.posteriors import CERTAINTY, COMPLAINTS, HARD_BOUNCES, Prior
from domain.governor.profiles import HOUR_S, OTHER, PROFILES, Profile

_PAPER = "reference/deliverability.md §1.4"
_LIMITS = "Google and Yahoo sender guidelines: below 0.1 %, never 0.3 % (§1.2)"
_SIMULATED = "the simulation (docs/warmup.md)"


@dataclass(frozen=True, slots=True)
class Of:
    """A number's unit, its source, and between what it makes sense, both included."""

    unit: str
    source: str
    low: float = 0.0
    high: float = 1.0


_share = "share"
_DAYS = Of("days", _PAPER, 0, 365)
_KEPT = Of("of the value before", _SIMULATED, 0.05, 1)


@dataclass(frozen=True, slots=True)
class Evidence:
    """When a rate counts as known, and how long what was counted counts."""

    certainty: Annotated[float, Of("P(rate > limit) that crosses it", _PAPER, 0.5, 0.9999)] = (
        CERTAINTY
    )
    complaints_prior: Prior = COMPLAINTS
    hard_prior: Prior = HARD_BOUNCES
    complaints_half_life_days: Annotated[float, Of("days", _SIMULATED, 0.25, 90)] = 2
    hard_half_life_days: Annotated[float, Of("days", _PAPER, 0.25, 90)] = 3
    tenant_half_life_days: Annotated[float, Of("days", _PAPER, 0.25, 90)] = 3


@dataclass(frozen=True, slots=True)
class Slow:
    """The daily quota: what lets it grow, what cuts it."""

    complaints_stop: Annotated[float, Of(_share, _LIMITS)] = 0.003
    complaints_care: Annotated[float, Of(_share, _LIMITS)] = 0.001
    hard_stop: Annotated[float, Of(_share, f"{_PAPER}; Amazon SES pauses at 10 %")] = 0.10
    hard_stay: Annotated[float, Of(_share, f"{_PAPER}; Amazon SES reviews at 5 %")] = 0.05
    hard_careful: Annotated[float, Of(_share, _SIMULATED)] = 0.04
    cut: Annotated[float, Of("of the quota before", _PAPER, 0.05, 1)] = 0.5
    threshold: Annotated[float, Of("of the quota before a cut", _PAPER, 0.05, 1)] = 0.7
    cool_days: Annotated[int, Of("days in which complaints are still late", _PAPER, 0, 60)] = 3
    block_hold_days: Annotated[int, _DAYS] = 2
    hard_hold_days: Annotated[int, _DAYS] = 2
    deferred_cut: Annotated[float, Of("share of a day's answers", _PAPER)] = 0.15
    deferred_stay: Annotated[float, Of("share of a day's answers", _PAPER)] = 0.08
    deferred_fine: Annotated[float, Of("share of a day's answers", _PAPER)] = 0.02
    deferred_keep: Annotated[float, _KEPT] = 0.8
    deferred_above: Annotated[float, Of("of what was accepted", _PAPER, 0.1, 5)] = 1.2
    blocked_fine: Annotated[float, Of("share of a day's answers", _SIMULATED)] = 0.002
    judged_min: Annotated[int, Of("answers a day", _PAPER, 1, 100_000)] = 20
    earned: Annotated[float, Of("of the quota, accepted", f"{_PAPER}; SparkPost: 90 %")] = 0.7
    early_growth: Annotated[
        float, Of("growth within a day, once, at best; 1: none", _SIMULATED, 1, 5)
    ] = 2.0
    early_used: Annotated[float, Of("of the quota, accepted", _SIMULATED, 0.1, 1)] = 0.9
    early_deferred: Annotated[float, Of("share of a day's answers", _SIMULATED)] = 0.02
    headroom: Annotated[float, Of("of the target", _PAPER, 1, 10)] = 1.3
    careful: Annotated[float, Of("growth a day near a limit", _PAPER, 1, 3)] = 1.15
    again: Annotated[float, Of("of the growth, where it hurt before", _PAPER)] = 0.5
    passed: Annotated[float, Of("times the threshold", _SIMULATED, 1, 10)] = 1.5
    domain_growth: Annotated[float, Of("growth a day", "Postmark: +20 to 50 % (§1.1)", 1, 5)] = 1.5
    domain_growth_above: Annotated[int, Of("messages a day", _PAPER, 0, 10**9)] = 2_000
    domain_quota: Annotated[
        int, Of("messages on the first day", "Postmark: 100 to 500 (§1.1)", 1, 10**9)
    ] = 300
    quota_min: Annotated[int, Of("messages a day, below which no cut goes", _PAPER, 1, 10**6)] = 20
    idle_days: Annotated[int, _DAYS] = 7
    idle_keep: Annotated[float, _KEPT] = 0.8
    cold_days: Annotated[int, Of("days", f"{_PAPER}; SendGrid: 30 days (§1.1)", 1, 365)] = 30
    warm_days: Annotated[int, _DAYS] = 7


@dataclass(frozen=True, slots=True)
class Fast:
    """The rate within a day: how it follows answers."""

    window_attempts: Annotated[int, Of("answers", _PAPER, 1, 100_000)] = 50
    window_s: Annotated[int, Of("seconds", _PAPER, 1, 86_400)] = 600
    raise_every_s: Annotated[int, Of("seconds", f"{_PAPER}; Momentum: 1 h", 0, 86_400)] = 3600
    lower_every_s: Annotated[int, Of("seconds", _PAPER, 0, 86_400)] = 600
    quiet_share: Annotated[float, Of("share of deferrals", _PAPER)] = 0.02
    loud_share: Annotated[float, Of("share of deferrals", _PAPER)] = 0.10
    raise_judged_min: Annotated[int, Of("answers", _PAPER, 1, 100_000)] = 20
    lower_deferred_min: Annotated[int, Of("deferrals", _SIMULATED, 1, 100_000)] = 2
    raised: Annotated[float, Of("of the rate before", _SIMULATED, 1, 5)] = 1.15
    lowered: Annotated[float, Of("of what was taken", _SIMULATED, 0.05, 1)] = 0.95
    used_min: Annotated[float, Of("of the rate, that really left", _SIMULATED)] = 0.5
    opened: Annotated[
        float, Of("of what was taken, once deferrals open; 1: as it was", _SIMULATED, 0.05, 1)
    ] = 0.7
    opened_floor: Annotated[float, Of("of the rate before", _SIMULATED, 0.01, 1)] = 0.2
    reopened: Annotated[float, Of("of the rate before", _PAPER, 0.05, 1)] = 0.5
    slack_used: Annotated[
        float, Of("of what is taken a day of late, below which a day is slack", _SIMULATED)
    ] = 0.5
    slack_keep: Annotated[float, _KEPT] = 0.5
    slack_floor: Annotated[float, Of("of the rate that spends the quota", _SIMULATED)] = 0.5
    poor_complaints: Annotated[float, Of(_share, _SIMULATED)] = 0.002
    poor_hard: Annotated[float, Of(_share, _SIMULATED)] = 0.05
    poor_lowered: Annotated[float, Of("of what was taken", _SIMULATED, 0.05, 1)] = 0.7
    poor_deferred_min: Annotated[int, Of("deferrals", _SIMULATED, 1, 100_000)] = 1
    poor_raise_every_s: Annotated[int, Of("seconds", _SIMULATED, 0, 864_000)] = 6 * HOUR_S
    per_h_min: Annotated[float, Of("messages an hour", _SIMULATED, 0.1, 10_000)] = 1.0
    hours_min: Annotated[float, Of("hours that a quota is spread over", _SIMULATED, 0.1, 24)] = 12
    measured_s: Annotated[int, Of("seconds", _SIMULATED, 1, 86_400)] = 300


@dataclass(frozen=True, slots=True)
class Breaking:
    """What opens breakers, for how long, and what their probes are."""

    probes: Annotated[tuple[int, ...], Of("messages by round", _PAPER, 1, 1_000)] = (1, 5)
    round_s: Annotated[int, Of("seconds until probes are thought lost", _PAPER, 60, 86_400)] = 3600
    level_max: Annotated[int, Of("doublings", _PAPER, 0, 20)] = 10
    deferred_open_share: Annotated[float, Of("share of a window", _SIMULATED, 0.01, 1)] = 0.6
    deferred_open_min: Annotated[int, Of("deferrals", _SIMULATED, 1, 100_000)] = 10
    deferred_keep: Annotated[float, Of("of the quota before", _PAPER, 0.05, 1)] = 0.7
    blocked_min: Annotated[int, Of("refusals after RCPT", _SIMULATED, 1, 100_000)] = 5
    blocked_share: Annotated[float, Of("of a window's answers", _SIMULATED, 0.001, 1)] = 0.10
    blocked_keep: Annotated[float, Of("of the quota before", _PAPER, 0.05, 1)] = 0.5
    ip_providers: Annotated[int, Of("providers that block an IP", _PAPER, 1, 100)] = 2
    ip_window_s: Annotated[int, Of("seconds", _PAPER, 60, 30 * 86_400)] = 6 * HOUR_S
    tier_stops: Annotated[int, Of("tier of blocklists, and those before it", _PAPER, 0, 3)] = 1
    unsigned_min: Annotated[int, Of("refusals for authentication", _SIMULATED, 1, 100_000)] = 3
    content_share: Annotated[float, Of("share of a campaign's answers", _PAPER, 0.001, 1)] = 0.05
    content_min: Annotated[int, Of("answers", _PAPER, 1, 100_000)] = 50
    hard_stop: Annotated[float, Of("share of a campaign's answers", _PAPER, 0.001, 1)] = 0.10
    hard_review: Annotated[float, Of("share of a tenant's answers", _PAPER, 0.001, 1)] = 0.05
    ambiguous_share: Annotated[float, Of("share of a day's answers", _PAPER, 0.001, 1)] = 0.01
    ambiguous_min: Annotated[int, Of("answers", _PAPER, 1, 100_000)] = 200
    ambiguous_s: Annotated[int, Of("seconds", _PAPER, 1, 86_400)] = 900
    unreached_min: Annotated[int, Of("failed connections in a row", _PAPER, 1, 1_000)] = 5
    unreached_s: Annotated[int, Of("seconds", _PAPER, 1, 86_400)] = 300
    unreached_max_s: Annotated[int, Of("seconds", _PAPER, 1, 7 * 86_400)] = HOUR_S
    forget_days: Annotated[int, Of("days without news of a campaign", _SIMULATED, 1, 3_650)] = 30


@dataclass(frozen=True, slots=True)
class Parameters:
    """All numbers that `step` goes by. Immutable; two equal sets decide alike.

    `version` stands in every decision; 0 is a set that is not one of ours.
    """

    version: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    slow: Slow = field(default_factory=Slow)
    fast: Fast = field(default_factory=Fast)
    breaking: Breaking = field(default_factory=Breaking)
    plans: Mapping[str, Plan] = field(default_factory=lambda: PLANS)
    profiles: Mapping[str, Profile] = field(default_factory=lambda: PROFILES)
    other: Profile = OTHER  # providers that nothing is known of

    def plan(self, name: str) -> Plan:
        """The plan of this name; a custom curve keeps the manners of the standard one."""
        return self.plans.get(name, STANDARD)

    def profile(self, provider: str) -> Profile:
        """The provider's profile, or that of those which nothing is known of."""
        return self.profiles.get(provider, self.other)


#: Up to version 2 the rate forgot what opened a cell, and poor mail was paced like any other.
_FAST_2 = Fast(
    lower_deferred_min=5,
    opened=1.0,
    reopened=1.0,
    slack_keep=1.0,
    poor_lowered=0.95,
    poor_deferred_min=5,
    poor_raise_every_s=3600,
)
#: Each set by its version: what decisions of that version in a log were taken by.
#: 2: a quota that is used up and taken well grows once before the day's end.
#: 3: the rate remembers why a cell opened, follows a fall of what is taken, and spares poor mail.
RECORDED: dict[int, Parameters] = {
    1: Parameters(version=1, slow=Slow(early_growth=1.0), fast=_FAST_2),
    2: Parameters(version=2, fast=_FAST_2),
    3: Parameters(version=3),
}
CURRENT = RECORDED[3]
