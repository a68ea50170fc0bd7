"""The slow loop: what a day's end makes of the daily quota. The first rule that fits decides.

Growth is earned by a quota that was used and taken well; cuts follow evidence, not ratios; a quota
that nobody uses fades (reference/deliverability.md §1.4).
"""

from __future__ import annotations

from domain.governor import plans, posteriors, rate
from domain.governor.draft import Draft, first_quota
from domain.governor.events import QuotaSet
from domain.governor.state import DAY_S, UNBOUND, Cell, Counts, Phase, Status


def pass_days(draft: Draft, cell: Cell) -> None:
    """End each day that passed since the cell was last looked at."""
    days = draft.now_s // DAY_S - cell.day
    for _ in range(
        min(days, draft.rules.slow.cold_days + 1)
    ):  # after so many idle ones, more change nothing
        _end_day(draft, cell)
        cell.started = cell.ambiguous = 0
        cell.today = Counts()
    cell.day = max(cell.day, draft.now_s // DAY_S)


def complained(draft: Draft, cell: Cell) -> None:
    """Look at complaints at once: the day's end would be late.

    Too few for a cut, they may still say that what was earned early on this day was not earned.
    """
    early = cell.early_from if cell.early_day == cell.day else 0
    if _cut_for_complaints(draft, cell) or not early:
        return
    if _complaint_rate(draft, cell) > draft.rules.slow.complaints_care:
        cell.early_from = 0
        _set(draft, cell, min(early, cell.quota), "taken_back")


def earn_early(draft: Draft, cell: Cell) -> None:
    """Let a day's quota grow once before the day's end, when it was used up and taken well.

    It takes more to earn than at the day's end: hardly a deferral, nothing that hurt before.
    """
    slow, today = draft.rules.slow, cell.today
    used = today.accepted >= slow.early_used * cell.quota and today.judged >= slow.judged_min
    if not used or today.blocked or not _may_grow_early(draft, cell):
        return
    new = int(cell.quota * min(slow.early_growth, _factor(draft, cell, today.deferred_share)))
    if cell.target:
        new = min(new, int(slow.headroom * cell.target))
    if new > cell.quota:
        cell.early_day, cell.early_from = cell.day, cell.quota
        _set(draft, cell, new, "earned_early")


def _may_grow_early(draft: Draft, cell: Cell) -> bool:
    slow = draft.rules.slow
    bound = cell.curve or cell.quota >= UNBOUND or slow.early_growth <= 1.0
    done = cell.day in {cell.early_day, cell.lowered_day}
    hurt = cell.threshold or cell.hold_days or cell.cool_days or cell.recovering
    if bound or done or hurt or cell.today.deferred_share > slow.early_deferred:
        return False
    return _complaint_rate(draft, cell) <= slow.complaints_care


def lower(draft: Draft, cell: Cell, factor: float, rule: str) -> None:
    """A breaker's cut, once a day."""
    if cell.lowered_day == cell.day or cell.quota >= UNBOUND:
        return
    cell.lowered_day = cell.day
    _cut_to(draft, cell, factor, rule)


def order(draft: Draft, cell: Cell, quota: int, rule: str) -> None:
    """Set what a person ordered."""
    cell.early_from = 0
    _set(draft, cell, quota, rule)


def _end_day(draft: Draft, cell: Cell) -> None:
    _fade(draft, cell)
    if cell.quota >= UNBOUND:
        return
    if cell.kind == "cell":
        rate.slacken(draft, cell)
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
    today, slow = cell.today, draft.rules.slow
    share = today.deferred_share if today.judged >= slow.judged_min else 0.0
    if cell.lowered_day == cell.day:
        cell.hold_days = slow.block_hold_days if today.blocked else max(0, cell.hold_days - 1)
    elif share > slow.deferred_cut:
        taken = max(slow.deferred_keep * cell.quota, slow.deferred_above * today.accepted)
        cell.threshold = cell.quota
        _set(draft, cell, min(cell.quota, int(taken)), "deferred")
    elif share > slow.deferred_stay or cell.hold_days or _hard_rate(draft, cell) > slow.hard_stay:
        cell.hold_days = max(0, cell.hold_days - 1)
    elif today.accepted >= slow.earned * cell.quota and _unblocked(draft, today):
        _grow(draft, cell, share)


def _unblocked(draft: Draft, today: Counts) -> bool:
    """A private filter's refusal now and then is no block."""
    return today.blocked <= draft.rules.slow.blocked_fine * today.judged


def _grow(draft: Draft, cell: Cell, deferred: float) -> None:
    if cell.curve:
        new = plans.next_on(cell.curve, cell.quota)
    else:
        new = max(cell.quota + 1, int(cell.quota * _factor(draft, cell, deferred)))
        if cell.target:
            new = min(new, max(cell.quota, int(draft.rules.slow.headroom * cell.target)))
    if cell.quota >= cell.threshold:
        cell.recovering = False
    if cell.quota >= draft.rules.slow.passed * cell.threshold:
        cell.threshold = 0
    _set(draft, cell, max(new, cell.quota), "earned")


def _factor(draft: Draft, cell: Cell, deferred: float) -> float:
    """How much a good day is worth: the plan's factor, less what evidence takes from it."""
    slow = draft.rules.slow
    factor = _top(draft, cell)
    if deferred > slow.deferred_fine:
        left = (slow.deferred_stay - deferred) / (slow.deferred_stay - slow.deferred_fine)
        factor = 1.0 + (factor - 1.0) * left
    if cell.threshold and cell.quota >= cell.threshold:
        factor = 1.0 + (factor - 1.0) * slow.again
    complaints = _complaint_rate(draft, cell)
    near = (complaints - slow.complaints_care) / (slow.complaints_stop - slow.complaints_care)
    if near > 0:
        factor = max(min(factor, slow.careful), 1.0 + (factor - 1.0) * (1.0 - near))
    return min(factor, slow.careful) if _hard_rate(draft, cell) > slow.hard_careful else factor


def _top(draft: Draft, cell: Cell) -> float:
    slow = draft.rules.slow
    top = plans.growth_of(draft.rules.plan(cell.plan), cell.quota)
    domain = cell.kind == "domain" and cell.quota >= slow.domain_growth_above
    return min(top, slow.domain_growth) if domain else top


# ---- cuts


def _cut_for_complaints(draft: Draft, cell: Cell) -> bool:
    seen, rules = cell.evidence, draft.rules
    crossed = posteriors.exceeds(
        seen.complaints,
        seen.accepted,
        rules.slow.complaints_stop,
        rules.evidence.complaints_prior,
        rules.evidence.certainty,
    )
    if cell.cool_days or not crossed:
        return False
    _cut(draft, cell, "complaints", rules.plan(cell.plan).hold_days)
    return True


def _cut_for_hard_bounces(draft: Draft, cell: Cell) -> bool:
    seen, rules = cell.evidence, draft.rules
    crossed = posteriors.exceeds(
        seen.hard,
        seen.attempts,
        rules.slow.hard_stop,
        rules.evidence.hard_prior,
        rules.evidence.certainty,
    )
    if cell.cool_days or not crossed:
        return False
    _cut(draft, cell, "hard_bounces", rules.slow.hard_hold_days)
    return True


def _cut(draft: Draft, cell: Cell, rule: str, hold_days: int) -> None:
    """Half, hold, cool; and judge anew by mail that leaves from now on."""
    old = cell.quota
    cell.hold_days, cell.cool_days = max(cell.hold_days, hold_days), draft.rules.slow.cool_days
    cell.recovering = True
    if old < UNBOUND:
        _cut_to(draft, cell, draft.rules.slow.cut, rule)
        if cell.breaker.status is Status.CLOSED:
            draft.phase(cell, Phase.RECOVERING, rule)
    cell.evidence.complaints = cell.evidence.accepted = 0.0
    cell.evidence.hard = cell.evidence.attempts = 0.0


def _cut_to(draft: Draft, cell: Cell, factor: float, rule: str) -> None:
    """Cut what the day began with: what was earned early on a day that hurts was not earned.

    So it is the same whether, within a moment, the good or the bad news came first. Above the
    threshold growth is careful from now on.
    """
    slow = draft.rules.slow
    early = cell.early_day == cell.day and cell.early_from
    old, cell.early_from = early or cell.quota, 0
    cell.threshold = max(slow.quota_min, int(slow.threshold * old))
    _set(draft, cell, int(factor * old), rule)


def _complaint_rate(draft: Draft, cell: Cell) -> float:
    prior = draft.rules.evidence.complaints_prior
    return posteriors.mean(cell.evidence.complaints, cell.evidence.accepted, prior)


def _hard_rate(draft: Draft, cell: Cell) -> float:
    prior = draft.rules.evidence.hard_prior
    return posteriors.mean(cell.evidence.hard, cell.evidence.attempts, prior)


def _fade(draft: Draft, cell: Cell) -> None:
    seen, rules = cell.evidence, draft.rules.evidence
    kept = 0.5 ** (1 / rules.complaints_half_life_days)
    seen.accepted, seen.complaints = (
        round(seen.accepted * kept, 6),
        round(seen.complaints * kept, 6),
    )
    kept = 0.5 ** (1 / rules.hard_half_life_days)
    seen.attempts, seen.hard = round(seen.attempts * kept, 6), round(seen.hard * kept, 6)


# ---- idle and warm


def _idle(draft: Draft, cell: Cell) -> None:
    cell.idle_days += 1
    cell.hold_days = max(0, cell.hold_days - 1)
    cell.warm_days = 0
    slow = draft.rules.slow
    first = first_quota(cell, draft.rules)
    if cell.idle_days == slow.cold_days and cell.used:
        cell.used, cell.threshold, cell.recovering = False, 0, False
        _set(draft, cell, min(cell.quota, first), "cold")
        if cell.breaker.status is Status.CLOSED:
            draft.phase(cell, Phase.COLD, "idle")
    elif cell.idle_days > slow.idle_days and cell.quota > first:
        _set(draft, cell, max(first, int(slow.idle_keep * cell.quota)), "idle")


def _count_warm(draft: Draft, cell: Cell) -> None:
    """Warm: a week of days with few deferrals on which the quota was no limit, or the target."""
    today, slow = cell.today, draft.rules.slow
    unused = today.accepted < slow.earned * cell.quota
    carries = cell.quota >= cell.target if cell.target else unused
    quiet = today.judged >= slow.judged_min and today.deferred_share < slow.deferred_fine
    good = carries and quiet
    cell.warm_days = cell.warm_days + 1 if good and not cell.recovering else 0
    if cell.breaker.status is not Status.CLOSED:
        return
    if cell.recovering:
        draft.phase(cell, Phase.RECOVERING, "below_threshold")
    elif cell.warm_days >= slow.warm_days:
        draft.phase(cell, Phase.WARM, "carries_target")
    elif cell.phase is not Phase.WARM or not carries:
        draft.phase(cell, Phase.WARMING, "grows")


def _set(draft: Draft, cell: Cell, new: int, rule: str) -> None:
    """Change the quota; the rate follows it."""
    old, new = cell.quota, max(draft.rules.slow.quota_min, new)
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
