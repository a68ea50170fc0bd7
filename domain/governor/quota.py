"""The slow loop: what a day's end makes of the daily quota. The first rule that fits decides.

Growth is earned by a quota that was used and taken well; cuts follow evidence, not ratios; a quota
that nobody uses fades (reference/deliverability.md §1.4).
"""

from __future__ import annotations

from domain.governor import plans, posteriors, rate
from domain.governor.draft import QUOTA_MIN, Draft, first_quota
from domain.governor.events import QuotaSet
from domain.governor.state import DAY_S, UNBOUND, Cell, Counts, Phase, Status

COMPLAINTS_STOP, COMPLAINTS_CARE = 0.003, 0.001  # Google and Yahoo: stay below 0.1, never 0.3 %
HARD_STOP, HARD_CARE, HARD_FINE = 0.10, 0.05, 0.02
HALF_LIFE_COMPLAINTS_DAYS, HALF_LIFE_HARD_DAYS = 2, 3
CUT, THRESHOLD = 0.5, 0.7  # of the quota before
COOL_DAYS = 3  # complaints come up to so long after the mail
BLOCK_HOLD_DAYS, HARD_HOLD_DAYS = 2, 2
DEFERRED_CUT, DEFERRED_STAY, DEFERRED_FINE = 0.15, 0.08, 0.02
DEFERRED_KEEP = 0.8  # of the quota, at least
BLOCKED_FINE = 0.002
JUDGED_MIN = 20  # answers without which a day's shares say nothing
EARNED = 0.7  # of the quota, accepted: it must be used to grow
HEADROOM = 1.3  # of the target
CAREFUL = 1.15  # the factor where complaints or hard bounces come near their limits
DOMAIN_GROWTH, DOMAIN_GROWTH_ABOVE = 1.5, 2_000
IDLE_DAYS, IDLE_KEEP, COLD_DAYS = 7, 0.8, 30
WARM_DAYS = 7
PASSED = 1.5  # times the threshold: it hurts there no more


def pass_days(draft: Draft, cell: Cell) -> None:
    """End each day that passed since the cell was last looked at."""
    days = draft.now_s // DAY_S - cell.day
    for _ in range(min(days, COLD_DAYS + 1)):  # after so many idle ones, more change nothing
        _end_day(draft, cell)
        cell.started = cell.ambiguous = 0
        cell.today = Counts()
    cell.day = max(cell.day, draft.now_s // DAY_S)


def complained(draft: Draft, cell: Cell) -> None:
    """Look at complaints at once: the day's end would be late."""
    _cut_for_complaints(draft, cell)


def lower(draft: Draft, cell: Cell, factor: float, rule: str) -> None:
    """A breaker's cut, once a day."""
    if cell.lowered_day == cell.day or cell.quota >= UNBOUND:
        return
    cell.lowered_day = cell.day
    cell.threshold = max(QUOTA_MIN, int(THRESHOLD * cell.quota))
    _set(draft, cell, int(factor * cell.quota), rule)


def order(draft: Draft, cell: Cell, quota: int, rule: str) -> None:
    """Set what a person ordered."""
    _set(draft, cell, quota, rule)


def _end_day(draft: Draft, cell: Cell) -> None:
    _fade(cell)
    if cell.quota >= UNBOUND:
        return
    if not cell.started and not cell.today.judged:
        _idle(draft, cell)
    else:
        cell.idle_days = 0
        _count_warm(draft, cell)
        _judge(draft, cell)
    cell.cool_days = max(0, cell.cool_days - 1)


def _judge(draft: Draft, cell: Cell) -> None:
    """Rules 1 to 6, in their order."""
    if _cut_for_complaints(draft, cell) or _cut_for_hard_bounces(draft, cell):
        return
    today = cell.today
    share = today.deferred_share if today.judged >= JUDGED_MIN else 0.0
    if cell.lowered_day == cell.day:
        cell.hold_days = BLOCK_HOLD_DAYS if today.blocked else max(0, cell.hold_days - 1)
    elif share > DEFERRED_CUT:
        taken = max(DEFERRED_KEEP * cell.quota, 1.2 * today.accepted)
        cell.threshold = cell.quota
        _set(draft, cell, min(cell.quota, int(taken)), "deferred")
    elif share > DEFERRED_STAY or cell.hold_days or _hard_rate(cell) > HARD_CARE:
        cell.hold_days = max(0, cell.hold_days - 1)
    elif today.accepted >= EARNED * cell.quota and _unblocked(today):
        _grow(draft, cell, share)


def _unblocked(today: Counts) -> bool:
    """A private filter's refusal now and then is no block."""
    return today.blocked <= BLOCKED_FINE * today.judged


def _grow(draft: Draft, cell: Cell, deferred: float) -> None:
    if cell.curve:
        new = plans.next_on(cell.curve, cell.quota)
    else:
        new = max(cell.quota + 1, int(cell.quota * _factor(cell, deferred)))
        if cell.target:
            new = min(new, max(cell.quota, int(HEADROOM * cell.target)))
    if cell.quota >= cell.threshold:
        cell.recovering = False
    if cell.quota >= PASSED * cell.threshold:
        cell.threshold = 0
    _set(draft, cell, max(new, cell.quota), "earned")


def _factor(cell: Cell, deferred: float) -> float:
    """How much a good day is worth: the plan's factor, less what evidence takes from it."""
    factor = _top(cell)
    if deferred > DEFERRED_FINE:
        left = (DEFERRED_STAY - deferred) / (DEFERRED_STAY - DEFERRED_FINE)
        factor = 1.0 + (factor - 1.0) * left
    if cell.threshold and cell.quota >= cell.threshold:
        factor = 1.0 + (factor - 1.0) / 2
    complaints = posteriors.mean(
        cell.evidence.complaints, cell.evidence.accepted, posteriors.COMPLAINTS
    )
    near = (complaints - COMPLAINTS_CARE) / (COMPLAINTS_STOP - COMPLAINTS_CARE)
    if near > 0:
        factor = max(min(factor, CAREFUL), 1.0 + (factor - 1.0) * (1.0 - near))
    return min(factor, CAREFUL) if _hard_rate(cell) > HARD_FINE * 2 else factor


def _top(cell: Cell) -> float:
    top = plans.growth_of(plans.plan_of(cell.plan), cell.quota)
    domain = cell.kind == "domain" and cell.quota >= DOMAIN_GROWTH_ABOVE
    return min(top, DOMAIN_GROWTH) if domain else top


# ---- cuts


def _cut_for_complaints(draft: Draft, cell: Cell) -> bool:
    seen = cell.evidence
    crossed = posteriors.exceeds(
        seen.complaints, seen.accepted, COMPLAINTS_STOP, posteriors.COMPLAINTS
    )
    if cell.cool_days or not crossed:
        return False
    _cut(draft, cell, "complaints", plans.plan_of(cell.plan).hold_days)
    return True


def _cut_for_hard_bounces(draft: Draft, cell: Cell) -> bool:
    seen = cell.evidence
    crossed = posteriors.exceeds(seen.hard, seen.attempts, HARD_STOP, posteriors.HARD_BOUNCES)
    if cell.cool_days or not crossed:
        return False
    _cut(draft, cell, "hard_bounces", HARD_HOLD_DAYS)
    return True


def _cut(draft: Draft, cell: Cell, rule: str, hold_days: int) -> None:
    """Half, hold, cool; and judge anew by mail that leaves from now on."""
    old = cell.quota
    cell.hold_days, cell.cool_days = max(cell.hold_days, hold_days), COOL_DAYS
    cell.recovering = True
    if old < UNBOUND:
        cell.threshold = max(QUOTA_MIN, int(THRESHOLD * old))
        _set(draft, cell, int(CUT * old), rule)
        if cell.breaker.status is Status.CLOSED:
            draft.phase(cell, Phase.RECOVERING, rule)
    cell.evidence.complaints = cell.evidence.accepted = 0.0
    cell.evidence.hard = cell.evidence.attempts = 0.0


def _hard_rate(cell: Cell) -> float:
    return posteriors.mean(cell.evidence.hard, cell.evidence.attempts, posteriors.HARD_BOUNCES)


def _fade(cell: Cell) -> None:
    seen = cell.evidence
    kept = 0.5 ** (1 / HALF_LIFE_COMPLAINTS_DAYS)
    seen.accepted, seen.complaints = (
        round(seen.accepted * kept, 6),
        round(seen.complaints * kept, 6),
    )
    kept = 0.5 ** (1 / HALF_LIFE_HARD_DAYS)
    seen.attempts, seen.hard = round(seen.attempts * kept, 6), round(seen.hard * kept, 6)


# ---- idle and warm


def _idle(draft: Draft, cell: Cell) -> None:
    cell.idle_days += 1
    cell.hold_days = max(0, cell.hold_days - 1)
    cell.warm_days = 0
    first = first_quota(cell)
    if cell.idle_days == COLD_DAYS and cell.used:
        cell.used, cell.threshold, cell.recovering = False, 0, False
        _set(draft, cell, min(cell.quota, first), "cold")
        if cell.breaker.status is Status.CLOSED:
            draft.phase(cell, Phase.COLD, "idle")
    elif cell.idle_days > IDLE_DAYS and cell.quota > first:
        _set(draft, cell, max(first, int(IDLE_KEEP * cell.quota)), "idle")


def _count_warm(draft: Draft, cell: Cell) -> None:
    """Warm: a week of days with few deferrals on which the quota was no limit, or the target."""
    today = cell.today
    carries = cell.quota >= cell.target if cell.target else today.accepted < EARNED * cell.quota
    good = carries and today.judged >= JUDGED_MIN and today.deferred_share < DEFERRED_FINE
    cell.warm_days = cell.warm_days + 1 if good and not cell.recovering else 0
    if cell.breaker.status is not Status.CLOSED:
        return
    if cell.recovering:
        draft.phase(cell, Phase.RECOVERING, "below_threshold")
    elif cell.warm_days >= WARM_DAYS:
        draft.phase(cell, Phase.WARM, "carries_target")
    elif cell.phase is not Phase.WARM or not carries:
        draft.phase(cell, Phase.WARMING, "grows")


def _set(draft: Draft, cell: Cell, new: int, rule: str) -> None:
    """Change the quota; the rate follows it."""
    old, new = cell.quota, max(QUOTA_MIN, new)
    if new == old or (new > old and rule in {"deferred", "idle", "cold"}):
        return
    cell.quota = new
    today = cell.today
    counts = {
        "accepted": today.accepted,
        "deferred": today.deferred,
        "blocked": today.blocked,
        "hard": today.hard,
        "complaints": round(cell.evidence.complaints),
        "complaints_among": round(cell.evidence.accepted),
        "hard_bounces": round(cell.evidence.hard),
        "hard_bounces_among": round(cell.evidence.attempts),
        "hold_days": cell.hold_days,
    }
    draft.decide(QuotaSet, cell, rule, counts, old=old, new=new)
    if cell.kind == "cell" and old < UNBOUND and new < UNBOUND:
        rate.scale(draft, cell, new / old, rule)
