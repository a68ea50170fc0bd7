"""Which of several IPs mail should leave from: the better regarded one, then the emptier one.

For whoever releases (streams/releasing): it keeps the scores of `ReputationScored` of scope cell as
rows and sorts its candidates by `preference`, or by the same in SQL:
`ORDER BY band DESC, headroom DESC, ip`. It binds no volume: quotas, rates and breakers are the
governor's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.reputation.weights import band

UNKNOWN_BAND = band(70)  # a new IP is no worse than a fair one, and no better


@dataclass(frozen=True, slots=True)
class Candidate:
    """An IP that mail may leave from now."""

    ip: str
    score: int | None  # towards the provider in question
    headroom: int  # messages that may still leave


def preference(candidate: Candidate) -> tuple[int, int, str]:
    """A sort key, the best first. Scores of one band count alike, so that mail is spread."""
    place = UNKNOWN_BAND if candidate.score is None else band(candidate.score)
    return -place, -candidate.headroom, candidate.ip


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those with headroom, the best first."""
    return sorted((each for each in candidates if each.headroom > 0), key=preference)
