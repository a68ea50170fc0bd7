"""Lets counts fade, by whole hours and in whole numbers: the same everywhere, to the last digit."""

from __future__ import annotations

from domain.reputation.weights import HALF_LIVES_H

_BITS = 32
_KEPT_PER_HOUR = {
    name: round(2**_BITS * 0.5 ** (1 / hours)) for name, hours in HALF_LIVES_H.items()
}


def hour_on(counts: dict[str, int]) -> dict[str, int]:
    """What is left of counts after an hour. A small rest goes on falling, to nothing."""
    faded = ((name, count * _KEPT_PER_HOUR[name] >> _BITS) for name, count in counts.items())
    return {name: left for name, left in faded if left}
