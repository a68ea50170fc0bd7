"""What is known of mailbox providers before the first mail: start values and manners, as data.

Sources: reference/deliverability.md §1.2 and §1.4 (providers' postmaster pages, KumoMTA's shaping
files). They are where a cell starts; from then on its own evidence decides. Names as in
`adapters/mailbox_providers.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Profile:
    """One provider. Times are those of the first opening; each further one doubles them."""

    quota: int  # messages on the first day
    rate_per_h: float  # messages an hour at the start
    connections_max: int
    per_connection: int  # messages
    feedback: bool = False  # complaints come by a feedback loop, so their absence says something
    one_site: bool = True  # one operator answers for all of it: its failures are one thing's
    deferred_open_s: int = HOUR_S // 2  # open after deferrals by reputation
    deferred_open_max_s: int = 8 * HOUR_S
    blocked_open_s: int = 2 * HOUR_S  # open after a 5xx block
    blocked_open_max_s: int = 24 * HOUR_S


OTHER = Profile(200, 25, 2, 50, one_site=False)
PROFILES = {
    "gmail": Profile(300, 40, 5, 50),
    "yahoo": Profile(
        200, 50, 3, 20, feedback=True, deferred_open_s=2 * HOUR_S, deferred_open_max_s=24 * HOUR_S
    ),
    "outlook": Profile(150, 25, 5, 50, feedback=True),
    "icloud": Profile(100, 15, 2, 5),
    "gmx": Profile(200, 25, 4, 20),
    "orange": Profile(100, 15, 2, 100),
}


def profile_of(provider: str) -> Profile:
    """The provider's profile, or that of those which nothing is known of."""
    return PROFILES.get(provider, OTHER)
