"""What answers of receivers mean for breakers, quota and rate; each scope by its own rules."""

from __future__ import annotations

from domain.governor import breaker, posteriors, quota, rate
from domain.governor.draft import Draft
from domain.governor.events import ReviewAsked
from domain.governor.inputs import Attempted, Finding
from domain.governor.parameters import Parameters
from domain.governor.state import DAY_S, Cell, Counts, Gate, Status

#: OutcomeClass → what it is counted as. Others say nothing about the sender.
KINDS = {
    "ACCEPTED": "accepted",
    "REPUTATION_DEFER": "deferred",
    "REPUTATION_BLOCK": "blocked",
    "INVALID_RECIPIENT": "hard",
    "BAD_DOMAIN": "hard",
    "INACTIVE": "hard",
}
SESSION = frozenset({"", "connect", "banner", "ehlo", "mail"})  # before a recipient was named
PERMANENT = 500
FOR_GOOD = (0, 0)  # until a person, or a check, ends it


def counted(findings: tuple[Finding, ...]) -> tuple[Counts, dict[str, int]]:
    """Answers by kind, and those that say nothing about the sender by class."""
    found, silent = Counts(), dict[str, int]()
    for finding in findings:
        kind = KINDS.get(finding.reason)
        if kind is None or (kind == "hard" and 0 < finding.code < PERMANENT):
            silent[finding.reason] = silent.get(finding.reason, 0) + finding.count
        else:
            setattr(found, kind, getattr(found, kind) + finding.count)
    return found, silent


def of_cell(
    draft: Draft, cell: Cell, event: Attempted, found: Counts, silent: dict[str, int]
) -> None:
    """Count, then breakers, then the rate."""
    _count(draft, cell, found)
    cell.ambiguous += silent.get("AMBIGUOUS", 0)
    if not _trip_cell(draft, cell, event, found, sum(silent.values())):
        _trip_unclear(draft, cell, event, found, silent)
    if cell.breaker.status is Status.CLOSED:
        rate.observe(draft, cell, found, event.findings)
        quota.earn_early(draft, cell)


def of_domain(draft: Draft, domain: Cell, found: Counts, silent: dict[str, int]) -> None:
    """Mail that is not authenticated stops until the domain's records are right."""
    _count(draft, domain, found)
    quota.earn_early(draft, domain)
    unsigned = silent.get("AUTH_FAIL", 0)
    domain.unsigned = max(0, domain.unsigned + unsigned - found.accepted)
    if unsigned and domain.unsigned >= draft.rules.breaking.unsigned_min:
        counts = {"refused": domain.unsigned, "accepted_today": domain.today.accepted}
        breaker.trip(draft, domain, "authentication", FOR_GOOD, counts)


def of_ip(draft: Draft, gate: Gate, provider: str, found: Counts, silent: int) -> None:
    """Blocked by several providers within hours, the IP itself is what they refuse."""
    span = _blocked_span(draft.rules, provider)
    if breaker.probed(draft, gate, found, silent):
        breaker.trip(draft, gate, "probe_refused", span, {"level": 0})
    if not found.blocked:
        return
    breaking = draft.rules.breaking
    gate.blocked_at[provider] = draft.now_s
    fresh = [at for at in gate.blocked_at.values() if draft.now_s - at < breaking.ip_window_s]
    if len(fresh) >= breaking.ip_providers:
        counts = {"providers": len(fresh), "window_s": breaking.ip_window_s}
        breaker.trip(draft, gate, "blocked_by_several", span, counts)


def of_campaign(draft: Draft, gate: Gate, found: Counts, silent: dict[str, int]) -> None:
    """Refused for its content, or mailing addresses that are not there."""
    breaking, content = draft.rules.breaking, silent.get("CONTENT", 0)
    gate.content += content
    gate.hard += found.hard
    gate.attempts += found.judged + content
    counts = {"content": gate.content, "hard": gate.hard, "attempts": gate.attempts}
    many = gate.content >= breaking.content_share * gate.attempts
    if gate.attempts >= breaking.content_min and many:
        breaker.trip(draft, gate, "content", FOR_GOOD, counts)
    elif _above(draft, gate, breaking.hard_stop):
        breaker.trip(draft, gate, "hard_bounces", FOR_GOOD, counts)


def of_tenant(draft: Draft, gate: Gate, found: Counts) -> None:
    """Ask for a review once: its lists may be bought."""
    gate.hard += found.hard
    gate.attempts += found.judged
    if gate.review_asked or not _above(draft, gate, draft.rules.breaking.hard_review):
        return
    gate.review_asked = True
    draft.decide(ReviewAsked, gate, "hard_bounces", {"hard": gate.hard, "attempts": gate.attempts})


def _above(draft: Draft, gate: Gate, limit: float) -> bool:
    evidence = draft.rules.evidence
    return posteriors.exceeds(
        gate.hard, gate.attempts, limit, evidence.hard_prior, evidence.certainty
    )


def fade(draft: Draft, gate: Gate) -> None:
    """What a tenant did long ago counts less. A campaign is one act."""
    day = draft.now_s // DAY_S
    if gate.kind == "tenant" and gate.day:
        kept = 0.5 ** (max(0, day - gate.day) / draft.rules.evidence.tenant_half_life_days)
        gate.attempts, gate.hard = int(gate.attempts * kept), int(gate.hard * kept)
    gate.day = max(gate.day, day)


def forget(draft: Draft) -> None:
    """Drop campaigns that nothing was heard of for a month, unless something stops them."""
    last = draft.now_s // DAY_S - draft.rules.breaking.forget_days
    draft.gates = {
        key: gate
        for key, gate in draft.gates.items()
        if gate.kind != "campaign" or gate.day > last or gate.breaker.status is not Status.CLOSED
    }


def bounced(cell: Cell, count: int) -> None:
    """Mail that was accepted came back: the attempt was counted when it was accepted."""
    cell.today.hard += count
    if not cell.cool_days:
        cell.evidence.hard += count


def _count(draft: Draft, cell: Cell, found: Counts) -> None:
    today, evidence = cell.today, cell.evidence
    today.accepted += found.accepted
    today.deferred += found.deferred
    today.blocked += found.blocked
    today.hard += found.hard
    if cell.cool_days:
        return
    evidence.attempts += found.accepted + found.hard
    evidence.hard += found.hard
    if draft.rules.profile(cell.provider).feedback:
        evidence.accepted += found.accepted


def _trip_cell(draft: Draft, cell: Cell, event: Attempted, found: Counts, silent: int) -> bool:
    """Blocks and heavy deferrals open the cell and cut its quota, once a day."""
    profile, seen = draft.rules.profile(cell.provider), cell.pace.seen
    breaking = draft.rules.breaking
    deferred, judged = seen.deferred + found.deferred, seen.judged + found.judged
    counts = {"judged": judged, "deferred": deferred, "blocked": seen.blocked + found.blocked}
    failed = breaker.probed(draft, cell, found, silent)
    if _is_block(draft, event, found, counts) or (failed and found.blocked):
        quota.lower(draft, cell, breaking.blocked_keep, "blocked")
        span = (profile.blocked_open_s, profile.blocked_open_max_s)
        return breaker.trip(draft, cell, "blocked", span, counts)
    many = deferred >= breaking.deferred_open_share * judged
    loud = many and deferred >= breaking.deferred_open_min
    if failed or (loud and found.deferred and cell.breaker.status is Status.CLOSED):
        quota.lower(draft, cell, breaking.deferred_keep, "deferred")
        if loud:
            rate.opened(draft, cell, deferred / judged)
        span = (profile.deferred_open_s, profile.deferred_open_max_s)
        opened = breaker.trip(draft, cell, "deferred", span, counts)
        cell.pace.seen, cell.pace.since_s = Counts(), 0
        return opened
    return False


def _is_block(draft: Draft, event: Attempted, found: Counts, counts: dict[str, int]) -> bool:
    if not found.blocked:
        return False
    at_once = any(
        finding.phase in SESSION and KINDS.get(finding.reason) == "blocked"
        for finding in event.findings
    )
    breaking, blocked_so_far = draft.rules.breaking, counts["blocked"]
    share = breaking.blocked_share * counts["judged"]
    return at_once or blocked_so_far >= max(breaking.blocked_min, share)


def _trip_unclear(
    draft: Draft, cell: Cell, event: Attempted, found: Counts, silent: dict[str, int]
) -> None:
    """Connections that fail, and mail whose fate nobody knows."""
    failed = sum(
        finding.count
        for finding in event.findings
        if finding.reason == "INFRA" and finding.phase == "connect" and not finding.code
    )
    breaking = draft.rules.breaking
    cell.unreached = 0 if found.judged else cell.unreached + failed
    judged = cell.today.judged
    if cell.unreached >= breaking.unreached_min and draft.rules.profile(cell.provider).one_site:
        counts = {"failed": cell.unreached}
        cell.unreached = 0
        span = (breaking.unreached_s, breaking.unreached_max_s)
        breaker.trip(draft, cell, "unreachable", span, counts)
    elif silent.get("AMBIGUOUS") and judged >= breaking.ambiguous_min:
        counts = {"ambiguous": cell.ambiguous, "judged": judged}
        if cell.ambiguous > breaking.ambiguous_share * judged:
            cell.ambiguous = 0
            span = (breaking.ambiguous_s, breaking.ambiguous_s)
            breaker.trip(draft, cell, "ambiguous", span, counts)


def _blocked_span(rules: Parameters, provider: str) -> tuple[int, int]:
    profile = rules.profile(provider)
    return profile.blocked_open_s, profile.blocked_open_max_s
