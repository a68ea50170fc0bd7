"""Judges a rate by what is known of it: Beta posteriors, so that few mails prove little.

A ratio of 1 complaint in 100 mails says nothing about 0.3 %; 22 in 5000 do. Priors and the level of
certainty: reference/deliverability.md §1.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

CERTAINTY = 0.9  # P(rate > limit) above which a limit counts as crossed
_STEPS_MAX = 300  # of the continued fraction; it needs about sqrt(a + b) at worst
_EPSILON = 1e-12
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Prior:
    """What a rate is believed to be before any mail left: Beta(a, b), of mean a / (a + b)."""

    a: float
    b: float


COMPLAINTS = Prior(0.5, 500.0)  # a mean of 0.1 %, worth 500 mails
HARD_BOUNCES = Prior(1.0, 49.0)  # a mean of 2 %, worth 50 mails


def exceeds(
    found: float, among: float, limit: float, prior: Prior, certainty: float = CERTAINTY
) -> bool:
    """Whether the rate is above `limit`, so certainly, after `found` among `among` mails."""
    if (prior.a + found) < limit * (prior.a + prior.b + among):
        return False  # not even the mean is above it
    return probability_above(found, among, limit, prior) > certainty


def mean(found: float, among: float, prior: Prior) -> float:
    """The rate to expect."""
    return (prior.a + found) / (prior.a + prior.b + max(among, found))


def probability_above(found: float, among: float, limit: float, prior: Prior) -> float:
    """P(rate > limit) after `found` among `among` mails."""
    missed = max(0.0, among - found)
    return 1.0 - _beta_cdf(round(prior.a + found, 3), round(prior.b + missed, 3), limit)


@lru_cache(maxsize=4096)
def _beta_cdf(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function (Abramowitz and Stegun 26.5.8)."""
    if not 0.0 < x < 1.0:
        return float(x >= 1.0)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1.0 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Its continued fraction by Lentz's method."""
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _STEPS_MAX):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            d = 1.0 / _away(1.0 + term * d)
            c = _away(1.0 + term / c)
            change = c * d
            value *= change
        if abs(change - 1.0) < _EPSILON:
            break
    return value


def _away(value: float) -> float:
    """Kept from zero: it is divided by."""
    return value if abs(value) > _TINY else _TINY
