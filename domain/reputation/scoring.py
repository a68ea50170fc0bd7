"""A score and what it is made of: 100 points less the penalties of its components.

In whole tenths of points, so that the components add up to the score exactly. An IP's, a domain's
and the tenant's penalties are the means of their tracks', weighted by mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

from domain.reputation import weights
from domain.reputation.events import Component
from domain.reputation.state import Owner, Track
from domain.reputation.weights import MILLION, TENTHS, WHOLE, Rate


@dataclass(frozen=True, slots=True)
class Score:
    """`points`: 0 to 100, or None while there is too little evidence."""

    points: int | None
    components: tuple[Component, ...]
    evidence: int  # attempts, faded


@dataclass(frozen=True, slots=True)
class Rated:
    """A track's penalties, and its weight in a mean (attempts, faded, in millionths)."""

    components: tuple[Component, ...]
    attempts: int

    @property
    def known(self) -> bool:
        return self.attempts >= weights.EVIDENCE_MIN

    @property
    def tenths(self) -> int:
        return max(0, WHOLE - sum(part["penalty"] for part in self.components))


def of_track(rated: Rated) -> Score:
    """A cell's score."""
    return _score(rated.components, rated.attempts)


def of_owner(rated: Sequence[Rated]) -> Score:
    """The mean of tracks, at most 20 points above the worst of those that are known.

    So no provider that thinks little of an IP is hidden behind much mail to others.
    """
    attempts = sum(track.attempts for track in rated)
    parts = _mean(rated, attempts) if attempts else ()
    mean = max(0, WHOLE - sum(part["penalty"] for part in parts))
    known = [track.tenths for track in rated if track.known]
    over = mean - min(known) - weights.LEEWAY if known else 0
    if over > 0:
        worst = _component("worst_provider", min(known) * MILLION // TENTHS, over, len(known))
        parts = (*parts, worst)
    return _score(parts, attempts)


def _score(parts: tuple[Component, ...], attempts: int) -> Score:
    evidence = attempts // MILLION
    if attempts < weights.EVIDENCE_MIN:
        return Score(None, parts, evidence)
    left = max(0, WHOLE - sum(part["penalty"] for part in parts))
    return Score((left + TENTHS // 2) // TENTHS, parts, evidence)


def _mean(rated: Sequence[Rated], attempts: int) -> tuple[Component, ...]:
    names = sorted({part["signal"] for track in rated for part in track.components})
    found = []
    for name in names:
        told = [
            (track.attempts, part)
            for track in rated
            for part in track.components
            if part["signal"] == name
        ]
        value, penalty = (
            (sum(weight * figure for weight, figure in figures) + attempts // 2) // attempts
            for figures in (
                [(weight, part["value_ppm"]) for weight, part in told],
                [(weight, part["penalty"]) for weight, part in told],
            )
        )
        found.append(_component(name, value, penalty, sum(part["events"] for _, part in told)))
    return tuple(found)


# ---- the penalties of one track


def rated(track: Track, owner: Owner) -> Rated:
    """What its signals take, and those of its IP or domain. Those that saw nothing are left out."""
    parts = [
        *(_rate(name, rate, track.counts) for name, rate in weights.RATES.items()),
        _rate("unaligned", weights.UNALIGNED, owner.counts),
        _listed(owner),
        _traps(track),
        _engagement(track),
        _jump(track),
        _flag("address_name", weights.NAME_WEIGHT, seen=owner.nameless),
        _flag("unverified", weights.UNVERIFIED_WEIGHT, seen=owner.unverified),
    ]
    told = tuple(part for part in parts if part["penalty"] or part["events"])
    return Rated(told, track.counts.get("attempts", 0))


def _rate(name: str, rate: Rate, counts: dict[str, int]) -> Component:
    found = counts.get(rate.found, 0)
    among = counts.get(rate.among, 0) or (counts.get("accepted", 0) if found else 0)
    value = _posterior(found, among, rate)
    penalty = _between(value, rate.green_ppm, rate.red_ppm, rate.weight)
    return _component(name, value, penalty, found // MILLION)


def _posterior(found: int, among: int, rate: Rate) -> int:
    """The mean of Beta(a + found, b + among - found), in parts of a million.

    Its prior, Beta(a, b), has its mean at green and is worth `rate.prior` mails.
    """
    a = rate.prior * rate.green_ppm  # millionths of a mail
    return (a + found) * MILLION // (rate.prior * MILLION + max(found, among))


def _between(value: int, green: int, red: int, weight: int) -> int:
    """None of the weight at green, all of it at red; tenths of points."""
    return min(max(value - green, 0), red - green) * weight * TENTHS // (red - green)


def _listed(owner: Owner) -> Component:
    points = sum(weights.listing_weight(zone, tier) for zone, tier in owner.listings.items())
    lists = len(owner.listings)
    return _component("listings", lists * MILLION, min(points, weights.LISTING_MAX) * TENTHS, lists)


def _traps(track: Track) -> Component:
    hits = track.counts.get("traps", 0)
    penalty = _between(hits, 0, weights.TRAPS_RED * MILLION, weights.TRAPS_WEIGHT)
    return _component("traps", hits, penalty, hits // MILLION)


def _engagement(track: Track) -> Component:
    """Against the scope's own median day: what people make of mail differs by kind of mail."""
    shares = [
        engaged * MILLION // accepted
        for accepted, engaged in track.days
        if accepted >= weights.ENGAGEMENT_DAY_MIN
    ]
    usual = median_low(shares) if len(shares) >= weights.ENGAGEMENT_DAYS_MIN else 0
    if not usual:
        return _component("engagement", MILLION, 0, 0)
    engaged, reached = track.counts.get("engaged", 0), track.counts.get("reached", 0)
    share = (weights.ENGAGEMENT_PRIOR * usual + engaged) * MILLION
    ratio = share // (weights.ENGAGEMENT_PRIOR * MILLION + reached) * MILLION // usual
    lost = MILLION - min(ratio, MILLION)
    penalty = _between(lost, 0, MILLION - weights.ENGAGEMENT_RED, weights.ENGAGEMENT_WEIGHT)
    return _component("engagement", ratio, penalty, engaged // MILLION)


def _jump(track: Track) -> Component:
    ratio = track.counts.get("jump", 0)
    penalty = _between(ratio, weights.JUMP_GREEN, weights.JUMP_RED, weights.JUMP_WEIGHT)
    return _component("volume_jump", ratio, penalty, 0)


def _flag(name: str, weight: int, *, seen: bool) -> Component:
    return _component(name, seen * MILLION, seen * weight * TENTHS, int(seen))


def _component(signal: str, value_ppm: int, penalty: int, events: int) -> Component:
    return Component(signal=signal, value_ppm=value_ppm, penalty=penalty, events=events)
