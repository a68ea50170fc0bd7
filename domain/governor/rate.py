"""The fast loop: how fast mail leaves within the day's quota, over how many connections.

Additive-multiplicative as providers ask for (reference/deliverability.md §1.2, §1.4): up a little
after an hour without deferrals, at once down to what was taken when they come.
"""

from __future__ import annotations

from domain.governor.draft import Draft
from domain.governor.events import RateChanged
from domain.governor.inputs import Finding
from domain.governor.profiles import HOUR_S, profile_of
from domain.governor.state import DAY_S, Cell, Counts, Pace

WINDOW_ATTEMPTS, WINDOW_S = 50, 600  # whichever is reached first is judged
RAISE_EVERY_S, LOWER_EVERY_S = 3600, 600
QUIET_SHARE, LOUD_SHARE = 0.02, 0.10  # of deferrals
RAISE_JUDGED_MIN, LOWER_DEFERRED_MIN = 20, 5
RAISE = 1.15
LOWER = 0.95  # of what was taken
USED_MIN = 0.5  # of the rate: one that is not used proves nothing
RATE_MIN_PER_H = 1.0  # some receivers take no more from who has a bad name
HOURS_MIN = 12  # the rate never spends a day's quota in less
MEASURED_S = 300  # a shorter window does not tell how fast mail left
SESSION_FULL = 421


def burst(pace: Pace) -> float:
    """What may leave at once: a minute's worth."""
    return max(1.0, pace.per_h / 60)


def fill(pace: Pace, now_s: int) -> None:
    """Fill in the tokens of the time that passed."""
    if now_s > pace.at_s:
        pace.tokens = min(burst(pace), pace.tokens + pace.per_h * (now_s - pace.at_s) / HOUR_S)
        pace.at_s = now_s


def spend(pace: Pace, now_s: int, count: int) -> None:
    """Take tokens for messages that left. Tokens never fall below 0.

    What left beyond them is waited for: nothing is filled in for as long as it took to earn.
    """
    fill(pace, now_s)
    if not pace.seen.judged and not pace.since_s:
        pace.since_s = now_s
    owed = count - pace.tokens
    pace.tokens = max(0.0, -owed)
    if owed > 0:
        ahead = owed * HOUR_S / max(pace.per_h, RATE_MIN_PER_H)
        pace.at_s = int(min(pace.at_s + ahead, now_s + DAY_S))


def available(pace: Pace, now_s: int, until_s: int) -> int:
    """How many tokens there are from now until then."""
    filled = pace.tokens + pace.per_h * max(0, now_s - pace.at_s) / HOUR_S
    coming = pace.per_h * max(0, until_s - max(now_s, pace.at_s)) / HOUR_S
    return int(min(burst(pace), filled) + coming + 1e-9)


def observe(draft: Draft, cell: Cell, found: Counts, findings: tuple[Finding, ...]) -> None:
    """Count answers; judge the window when it is full."""
    pace = cell.pace
    seen = pace.seen
    seen.accepted += found.accepted
    seen.deferred += found.deferred
    seen.blocked += found.blocked
    seen.hard += found.hard
    before = _shape(pace)
    _connections(draft, cell, found, findings)
    rule = _judge(draft, cell)
    if rule or _shape(pace)[1:] != before[1:]:
        _tell(draft, cell, before, rule or "connections", seen)
    if rule is not None:
        pace.seen, pace.since_s = Counts(), 0


def scale(draft: Draft, cell: Cell, factor: float, rule: str) -> None:
    """Let the rate follow a change of the quota."""
    pace, before = cell.pace, _shape(cell.pace)
    fill(pace, draft.now_s)
    _set(cell, min(pace.per_h * factor, max(pace.per_h, _ceiling(cell))))
    if _shape(pace) != before:
        _tell(draft, cell, before, rule, pace.seen)


def _judge(draft: Draft, cell: Cell) -> str | None:
    """The rule that the window came to; empty: judged, nothing to change; None: go on counting."""
    pace, seen, now_s = cell.pace, cell.pace.seen, draft.now_s
    span_s = now_s - pace.since_s
    if not seen.judged or (seen.judged < WINDOW_ATTEMPTS and span_s < WINDOW_S):
        return None
    share = seen.deferred_share
    if share > LOUD_SHARE and seen.deferred >= LOWER_DEFERRED_MIN:
        if now_s - pace.lowered_s < LOWER_EVERY_S:
            return None
        pace.lowered_s = now_s
        _set(cell, LOWER * _left_per_h(pace, span_s) * (1.0 - share))
        return "deferred"
    if seen.judged < RAISE_JUDGED_MIN:
        return None
    used = seen.judged >= USED_MIN * pace.per_h * span_s / HOUR_S
    if share < QUIET_SHARE and used and now_s - pace.raised_s >= RAISE_EVERY_S:
        pace.raised_s = now_s
        before = pace.per_h
        _set(cell, max(before, min(before * RAISE, _ceiling(cell))))
        return "taken" if pace.per_h > before else ""
    return ""


def _left_per_h(pace: Pace, span_s: int) -> float:
    """How fast mail really left."""
    if span_s < MEASURED_S:
        return pace.per_h
    return min(pace.per_h, pace.seen.judged * HOUR_S / span_s)


def _ceiling(cell: Cell) -> float:
    return max(profile_of(cell.provider).rate_per_h, cell.quota / HOURS_MIN)


def _set(cell: Cell, per_h: float) -> None:
    pace = cell.pace
    pace.per_h = max(RATE_MIN_PER_H, per_h)
    pace.tokens = min(pace.tokens, burst(pace))


def _connections(draft: Draft, cell: Cell, found: Counts, findings: tuple[Finding, ...]) -> None:
    """One more after as many successes as there are; one less, for an hour, when told too many."""
    pace = cell.pace
    if any(_refused_session(finding, ("connect", "banner", "ehlo")) for finding in findings):
        pace.connections = max(1.0, float(int(pace.connections) - 1))
        pace.connections_held_s = draft.now_s + HOUR_S
    elif found.accepted and not found.deferred and draft.now_s >= pace.connections_held_s:
        most = profile_of(cell.provider).connections_max
        pace.connections = min(float(most), pace.connections + found.accepted / pace.connections)
    if any(_refused_session(finding, ("mail",)) for finding in findings):
        pace.per_connection = max(1, pace.per_connection * 4 // 5)


def _refused_session(finding: Finding, phases: tuple[str, ...]) -> bool:
    """A 421 that speaks of nothing else: too many connections, or messages in this one."""
    return finding.code == SESSION_FULL and finding.reason == "INFRA" and finding.phase in phases


def _shape(pace: Pace) -> tuple[int, int, int]:
    return round(pace.per_h), int(pace.connections), pace.per_connection


def _tell(draft: Draft, cell: Cell, before: tuple[int, int, int], rule: str, seen: Counts) -> None:
    after = _shape(cell.pace)
    if after == before:
        return
    counts = {"judged": seen.judged, "accepted": seen.accepted, "deferred": seen.deferred}
    draft.decide(
        RateChanged,
        cell,
        rule,
        counts | {"quota": cell.quota},
        old_per_h=before[0],
        new_per_h=after[0],
        connections=after[1],
        per_connection=after[2],
    )
