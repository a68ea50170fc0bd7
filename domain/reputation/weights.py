"""What a score is made of, as data: signals, their half-lives, limits and weights.

Source: reference/deliverability.md §2. Up to `green` a signal takes nothing, from `red` on all of
its weight. Rates are means of Beta posteriors whose prior has its mean at `green`: what nothing is
known of is held against nobody, and a few mails prove little.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 1  # of all that stands here; in every score
MILLION = 1_000_000  # counts are kept in millionths, shares told in parts of a million
TENTHS = 10  # of a point: what penalties are counted in
WHOLE = 100 * TENTHS
EVIDENCE_MIN = 200 * MILLION  # attempts, faded, below which a score is not known
BANDS = (90, 70, 50, 30)
TOLD_CHANGE = 2  # points that are worth telling
LEEWAY = 20 * TENTHS  # an IP is at most so much better than at its worst provider

HOUR_S, DAY_H = 3_600, 24


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of mail: `found` among `among`, both names of counts."""

    found: str
    among: str
    green_ppm: int
    red_ppm: int
    weight: int  # points
    prior: int  # mails that the prior is worth


RATES = {
    "complaints": Rate("complaints", "told", 500, 3_000, 30, 500),
    "hard_bounces": Rate("hard", "hard_of", 5_000, 50_000, 20, 50),
    "blocks": Rate("blocked", "blocked_of", 2_000, 50_000, 20, 100),
    "deferrals": Rate("deferred", "deferred_of", 20_000, 300_000, 10, 50),
}
#: Of a From domain: mail that was not authenticated as it. Green is 99 % aligned, red 90 %.
UNALIGNED = Rate("unaligned", "reported", 10_000, 100_000, 10, 100)

#: Count → hours in which it fades to half. `attempts` is the evidence that a score rests on.
HALF_LIVES_H = {
    "attempts": 7 * DAY_H,
    "accepted": 7 * DAY_H,
    "complaints": 7 * DAY_H,
    "told": 7 * DAY_H,  # accepted mail of which complaints would be told
    "hard": 3 * DAY_H,
    "hard_of": 3 * DAY_H,
    "blocked": 1 * DAY_H,
    "blocked_of": 1 * DAY_H,
    "deferred": DAY_H // 2,
    "deferred_of": DAY_H // 2,
    "traps": 30 * DAY_H,
    "unaligned": 3 * DAY_H,
    "reported": 3 * DAY_H,
    "engaged": 14 * DAY_H,
    "reached": 14 * DAY_H,  # mail that could be engaged with
    "jump": 7 * DAY_H,  # the steepest growth from one day with mail to the next, as a ratio
}

TRAPS_RED, TRAPS_WEIGHT = 3, 15
LISTING_WEIGHTS = {1: 40, 2: 15, 3: 4}  # by tier
#: An address range where no mail server is expected: a fault of the IP's kind, not of its mail.
LISTING_WEIGHTS_OF = {"pbl.spamhaus.org": 25}
LISTING_MAX = 40
JUMP_GREEN, JUMP_RED, JUMP_WEIGHT = 2 * MILLION, 5 * MILLION, 5
JUMP_FLOOR = 200  # messages a day: growth from less than this says nothing
ENGAGEMENT_RED, ENGAGEMENT_WEIGHT = 300_000, 10  # of the scope's own median
ENGAGEMENT_PRIOR = 200  # mails
ENGAGEMENT_DAYS, ENGAGEMENT_DAYS_MIN, ENGAGEMENT_DAY_MIN = 30, 7, 50
NAME_WEIGHT = 25
UNVERIFIED_WEIGHT = 10  # as no mail aligned: records that prove a domain are gone


def listing_weight(zone: str, tier: int) -> int:
    """Points that a listing takes."""
    return LISTING_WEIGHTS_OF.get(zone) or LISTING_WEIGHTS.get(tier, 0)


def band(score: int | None) -> int:
    """0 to 4, the higher the better; -1: not known."""
    return -1 if score is None else sum(score >= edge for edge in BANDS)
