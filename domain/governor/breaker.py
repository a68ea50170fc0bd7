"""Breakers: nothing leaves while one is open; then rounds of probes, and how they fare decides."""

from __future__ import annotations

from collections.abc import Mapping

from domain.governor import rate
from domain.governor.draft import Draft, Scope, moment
from domain.governor.events import BreakerClosed, BreakerHalfOpened, BreakerOpened
from domain.governor.state import DAY_S, Breaker, Cell, Counts, Phase, Status


def trip(
    draft: Draft, scope: Scope, rule: str, span_s: tuple[int, int], counts: Mapping[str, int]
) -> bool:
    """Open for span_s[0] · 2^level seconds, at most span_s[1]; 0: until a person ends it.

    Does nothing, and says so, while it is open or blocked already.
    """
    breaker = scope.breaker
    if breaker.status in {Status.OPEN, Status.BLOCKED}:
        return False
    breaker.level = _level(draft, breaker)
    span = min(span_s[0] << breaker.level, span_s[1])
    breaker.status, breaker.rule = Status.OPEN, rule
    breaker.until_s = draft.now_s + span if span else 0
    _told_open(draft, scope, counts)
    return True


def block(draft: Draft, scope: Scope, rule: str, counts: Mapping[str, int]) -> None:
    """Stop until a person resumes it. Repeating it changes nothing."""
    if scope.breaker.status is Status.BLOCKED:
        return
    scope.breaker.status, scope.breaker.rule, scope.breaker.until_s = Status.BLOCKED, rule, 0
    _told_open(draft, scope, counts)


def close(draft: Draft, scope: Scope, rule: str, counts: Mapping[str, int]) -> None:
    """Let mail leave again; a cell at half its rate, and as one that recovers."""
    breaker = scope.breaker
    if breaker.status is Status.CLOSED:
        return
    breaker.status, breaker.until_s, breaker.closed_s = Status.CLOSED, 0, draft.now_s
    breaker.probes = breaker.round = breaker.good = 0
    draft.decide(BreakerClosed, scope, rule, counts)
    if isinstance(scope, Cell):
        scope.recovering = True
        if scope.kind == "cell":
            rate.reopened(draft, scope, rule)
        _follow(draft, scope, rule)


def half_open(draft: Draft, scope: Scope, rule: str) -> None:
    """Let the first probe leave."""
    scope.breaker.status, scope.breaker.until_s = Status.HALF, 0
    _begin(draft, scope, 0, rule)


def due(breaker: Breaker, now_s: int, round_s: int) -> bool:
    """Whether time alone moves it."""
    if breaker.status is Status.OPEN:
        return 0 < breaker.until_s <= now_s
    return breaker.status is Status.HALF and now_s - breaker.probed_s >= round_s


def pass_time(draft: Draft, scope: Scope) -> None:
    """Half open one whose time is over; send probes anew that nobody answered."""
    breaker = scope.breaker
    if not due(breaker, draft.now_s, draft.rules.breaking.round_s):
        return
    if breaker.status is Status.OPEN:
        half_open(draft, scope, "time_over")
    else:
        breaker.probes = draft.rules.breaking.probes[breaker.round] - breaker.good
        breaker.probed_s = draft.now_s
        _tell_half(draft, scope, "probes_unanswered")


def probed(draft: Draft, scope: Scope, found: Counts, silent: int) -> bool:
    """Judge the answers to probes; `silent` are those that say nothing. True: a probe failed."""
    breaker = scope.breaker
    if breaker.status is not Status.HALF:
        return False
    if found.deferred or found.blocked:
        return True
    rounds = draft.rules.breaking.probes
    left = breaker.probes
    breaker.good += found.accepted + found.hard
    breaker.probes = min(breaker.probes + silent, rounds[breaker.round] - breaker.good)
    if breaker.good >= rounds[breaker.round]:
        counts = {"round": breaker.round + 1, "taken": breaker.good}
        if breaker.round + 1 == len(rounds):
            close(draft, scope, "probes_taken", counts)
        else:
            _begin(draft, scope, breaker.round + 1, "probes_taken")
    elif breaker.probes > left:
        _tell_half(draft, scope, "probes_silent")
    breaker.probes = max(0, breaker.probes)
    return False


def allowed(breaker: Breaker) -> int | None:
    """How many may leave; None: no limit of its own."""
    if breaker.status is Status.CLOSED:
        return None
    return breaker.probes if breaker.status is Status.HALF else 0


def spend(breaker: Breaker, count: int) -> None:
    """Note that messages left."""
    breaker.probes = max(0, breaker.probes - count)


def _begin(draft: Draft, scope: Scope, number: int, rule: str) -> None:
    breaker = scope.breaker
    breaker.round, breaker.good, breaker.probed_s = number, 0, draft.now_s
    breaker.probes = draft.rules.breaking.probes[number]
    _tell_half(draft, scope, rule)
    if isinstance(scope, Cell):
        _follow(draft, scope, rule)


def _tell_half(draft: Draft, scope: Scope, rule: str) -> None:
    """So many probes may leave from now on: what left before counts no more."""
    breaker = scope.breaker
    counts = {"round": breaker.round + 1, "level": breaker.level}
    draft.decide(BreakerHalfOpened, scope, rule, counts, probes=breaker.probes)


def _level(draft: Draft, breaker: Breaker) -> int:
    """One more after a failed probe, or when it had closed less than a day ago."""
    again = breaker.closed_s and draft.now_s - breaker.closed_s < DAY_S
    if breaker.status is Status.HALF or again:
        return min(breaker.level + 1, draft.rules.breaking.level_max)
    return 0


def _told_open(draft: Draft, scope: Scope, counts: Mapping[str, int]) -> None:
    breaker = scope.breaker
    breaker.probes = breaker.round = breaker.good = 0
    until = moment(breaker.until_s) if breaker.until_s else None
    draft.decide(BreakerOpened, scope, breaker.rule, counts, until=until, level=breaker.level)
    if isinstance(scope, Cell):
        _follow(draft, scope, breaker.rule)


def _follow(draft: Draft, cell: Cell, rule: str) -> None:
    """The phase that the breaker's status means."""
    phases = {
        Status.OPEN: Phase.OPEN,
        Status.HALF: Phase.OPEN,
        Status.BLOCKED: Phase.BLOCKED,
        Status.CLOSED: Phase.RECOVERING,
    }
    draft.phase(cell, phases[cell.breaker.status], rule)
