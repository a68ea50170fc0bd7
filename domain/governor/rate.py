"""The fast loop: how fast mail leaves within the day's quota, over how many connections.

Additive-multiplicative as providers ask for (reference/deliverability.md §1.2, §1.4): up a little
after an hour without deferrals, at once down to what was taken when they come.
"""

from __future__ import annotations

from domain.governor import posteriors
from domain.governor.draft import Draft
from domain.governor.events import RateChanged
from domain.governor.inputs import Finding
from domain.governor.parameters import CURRENT
from domain.governor.profiles import HOUR_S
from domain.governor.state import DAY_S, Cell, Counts, Pace

SESSION_FULL = 421


def burst(pace: Pace) -> float:
    """What may leave at once: a minute's worth."""
    return max(1.0, pace.per_h / 60)


def fill(pace: Pace, now_s: int) -> None:
    """Fill in the tokens of the time that passed."""
    if now_s > pace.at_s:
        pace.tokens = min(burst(pace), pace.tokens + pace.per_h * (now_s - pace.at_s) / HOUR_S)
        pace.at_s = now_s


def spend(pace: Pace, now_s: int, count: int, per_h_min: float = CURRENT.fast.per_h_min) -> None:
    """Take tokens for messages that left. Tokens never fall below 0.

    What left beyond them is waited for: nothing is filled in for as long as it took to earn.
    """
    fill(pace, now_s)
    if not pace.seen.judged and not pace.since_s:
        pace.since_s = now_s
    owed = count - pace.tokens
    pace.tokens = max(0.0, -owed)
    if owed > 0:
        ahead = owed * HOUR_S / max(pace.per_h, per_h_min)
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
    before = shape(pace)
    _connections(draft, cell, found, findings)
    rule = _judge(draft, cell)
    if rule or shape(pace)[1:] != before[1:]:
        _tell(draft, cell, before, rule or "connections", seen)
    if rule is not None:
        pace.seen, pace.since_s = Counts(), 0


def scale(draft: Draft, cell: Cell, factor: float, rule: str) -> None:
    """Let the rate follow a change of the quota."""
    pace, before = cell.pace, shape(cell.pace)
    fill(pace, draft.now_s)
    _set(draft, cell, min(pace.per_h * factor, max(pace.per_h, _ceiling(draft, cell))))
    if shape(pace) != before:
        _tell(draft, cell, before, rule, pace.seen)


def opened(draft: Draft, cell: Cell, share: float) -> None:
    """Deferrals open the cell: once it closes, no faster than what was taken, and less.

    All deferred may be an hour's fault of theirs: so it never falls below a part of what it was.
    """
    fast = draft.rules.fast
    if fast.opened < 1.0:
        _turn(draft, cell, max(fast.opened_floor, fast.opened * (1.0 - share)), "deferred")


def reopened(draft: Draft, cell: Cell, rule: str) -> None:
    """Its probes were taken: that says nothing yet of the rate before."""
    if draft.rules.fast.reopened < 1.0:
        _turn(draft, cell, draft.rules.fast.reopened, rule)


def slacken(draft: Draft, cell: Cell) -> None:
    """At a day's end: a receiver bears what it is used to, and forgets that within days.

    So the rate follows a fall of what was taken, and rises again with what is, hour by hour.
    """
    fast, taken = draft.rules.fast, cell.today.accepted
    fell = taken < fast.slack_used * cell.usual
    cell.usual = round((cell.usual + taken) / 2, 3)
    least = max(_start(draft, cell), fast.slack_floor * cell.quota / fast.hours_min)
    if fell and fast.slack_keep < 1.0 and cell.pace.per_h > least:
        _turn(draft, cell, max(fast.slack_keep, least / cell.pace.per_h), "slack")


def _turn(draft: Draft, cell: Cell, factor: float, rule: str) -> None:
    before = shape(cell.pace)
    fill(cell.pace, draft.now_s)
    _set(draft, cell, cell.pace.per_h * factor)
    _tell(draft, cell, before, rule, cell.pace.seen)


def _is_poor(draft: Draft, cell: Cell) -> bool:
    """What its mail is known for, or was cut for, likely costs it the patience of receivers."""
    fast, rules, seen = draft.rules.fast, draft.rules.evidence, cell.evidence
    complaints = posteriors.mean(seen.complaints, seen.accepted, rules.complaints_prior)
    hard = posteriors.mean(seen.hard, seen.attempts, rules.hard_prior)
    return cell.cool_days > 0 or complaints > fast.poor_complaints or hard > fast.poor_hard


def _judge(draft: Draft, cell: Cell) -> str | None:
    """The rule that the window came to; empty: judged, nothing to change; None: go on counting."""
    pace, seen, now_s, fast = cell.pace, cell.pace.seen, draft.now_s, draft.rules.fast
    span_s = now_s - pace.since_s
    if not seen.judged or (seen.judged < fast.window_attempts and span_s < fast.window_s):
        return None
    share, poor = seen.deferred_share, _is_poor(draft, cell)
    few = fast.poor_deferred_min if poor else fast.lower_deferred_min
    if share > fast.loud_share and seen.deferred >= few:
        if now_s - pace.lowered_s < fast.lower_every_s:
            return None
        pace.lowered_s = now_s
        kept = fast.poor_lowered if poor else fast.lowered
        _set(draft, cell, kept * _left_per_h(draft, pace, span_s) * (1.0 - share))
        return "deferred"
    if seen.judged < fast.raise_judged_min:
        return None
    used = seen.judged >= fast.used_min * pace.per_h * span_s / HOUR_S
    every = fast.poor_raise_every_s if poor else fast.raise_every_s
    if share < fast.quiet_share and used and now_s - pace.raised_s >= every:
        pace.raised_s = now_s
        before = pace.per_h
        _set(draft, cell, max(before, min(before * fast.raised, _ceiling(draft, cell))))
        return "taken" if pace.per_h > before else ""
    return ""


def _left_per_h(draft: Draft, pace: Pace, span_s: int) -> float:
    """How fast mail really left."""
    if span_s < draft.rules.fast.measured_s:
        return pace.per_h
    return min(pace.per_h, pace.seen.judged * HOUR_S / span_s)


def _ceiling(draft: Draft, cell: Cell) -> float:
    """The rate never spends a day's quota in less than so many hours."""
    return max(_start(draft, cell), cell.quota / draft.rules.fast.hours_min)


def _start(draft: Draft, cell: Cell) -> float:
    return draft.rules.profile(cell.provider).rate_per_h


def _set(draft: Draft, cell: Cell, per_h: float) -> None:
    pace = cell.pace
    pace.per_h = max(draft.rules.fast.per_h_min, per_h)
    pace.tokens = min(pace.tokens, burst(pace))


def _connections(draft: Draft, cell: Cell, found: Counts, findings: tuple[Finding, ...]) -> None:
    """One more after as many successes as there are; one less, for an hour, when told too many."""
    pace = cell.pace
    if any(_refused_session(finding, ("connect", "banner", "ehlo")) for finding in findings):
        pace.connections = max(1.0, float(int(pace.connections) - 1))
        pace.connections_held_s = draft.now_s + HOUR_S
    elif found.accepted and not found.deferred and draft.now_s >= pace.connections_held_s:
        most = draft.rules.profile(cell.provider).connections_max
        pace.connections = min(float(most), pace.connections + found.accepted / pace.connections)
    if any(_refused_session(finding, ("mail",)) for finding in findings):
        pace.per_connection = max(1, pace.per_connection * 4 // 5)


def _refused_session(finding: Finding, phases: tuple[str, ...]) -> bool:
    """A 421 that speaks of nothing else: too many connections, or messages in this one."""
    return finding.code == SESSION_FULL and finding.reason == "INFRA" and finding.phase in phases


def shape(pace: Pace) -> tuple[int, int, int]:
    """What is told of it: messages an hour, connections, messages in each."""
    return round(pace.per_h), int(pace.connections), pace.per_connection


def _tell(draft: Draft, cell: Cell, before: tuple[int, int, int], rule: str, seen: Counts) -> None:
    after = shape(cell.pace)
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
