"""Limits of what waits by itself: its next attempt, or its contact, has a time. Pure."""

from __future__ import annotations

from domain.fatigue import REASON as FATIGUE
from projections.whynot.limits import Limit
from projections.whynot.rows import Campaign, Wait


def of_retry(campaign: Campaign, wait: Wait) -> Limit:
    """Nothing of it is due yet: its next attempt, or its first; a contact's sake is no retry."""
    first, reason = wait.n == 1, str(wait.why.get("reason") or "next_attempt")
    evidence = {"sends": wait.later, "n": wait.n} | wait.why
    if reason == FATIGUE and not first:
        allowed = {"per_day": campaign.fatigue_per_day, "gap_h": campaign.fatigue_gap_h}
        return Limit(
            "fatigue", "tenant", campaign.tenant_id, wait.provider, FATIGUE, evidence | allowed,
            "its contact got as much mail as it may" if wait.send_id else
            "their contacts got as much mail as they may",
            "wait; or change the tenant's limit to contacts' mail", wait.next_due_at,
        )  # fmt: skip
    return Limit(
        "retry", "send" if wait.send_id else "campaign", wait.send_id or wait.campaign_id,
        wait.provider, "first_attempt" if first else reason,
        evidence, "nothing of it is due yet" if first else "deferred sends wait",
        "wait until it is due" if first else "wait for the next attempt", wait.next_due_at,
    )  # fmt: skip
