"""Which limits there are: pure, over one look at the rows. Which one binds: binding.py.

Read from top to bottom: what holds for everybody, then for a campaign, then towards a provider,
then from a sending IP to a provider. A limit with nothing `left` binds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from domain.authority import NOT_HELD
from domain.governor.state import UNBOUND
from domain.windows import is_open, next_close, next_open
from projections.whynot.rows import Breaker, Campaign, Cell, Ip, Snapshot, Stage, Wait

#: From what holds for most to what holds for least; of equals the first binds.
ORDER = (
    *("authority", "gate", "schedule", "releaser", "tenant", "campaign", "planning", "parked"),
    *(
        "ips",
        "mailbox",
        "breaker",
        "cap",
        "quota",
        "plan",
        "daily_limit",
        "rate",
        "window",
        "fatigue",
    ),
    *("retry", "suppression", "lane", "worker", "ambiguous", "ended", "demand"),
)
SCHEDULE_MAX_S = 10.0  # design-fixes.md 14


@dataclass(frozen=True)
class Limit:
    """One limit. `left`: messages that it still lets through; 0: it binds."""

    limit: str
    scope: str
    scope_id: str
    provider: str
    rule: str
    evidence: dict[str, Any]
    detail: str
    cure: str = ""
    lifts_at: datetime | None = None  # None: not by time alone
    left: int = 0

    @property
    def binds(self) -> bool:
        return self.left < 1

    @property
    def place(self) -> int:
        return ORDER.index(self.limit)


# ---- for everybody


def of_stage(stage: Stage) -> Iterator[Limit]:
    """Gate and authority, a schedule that is behind, no releaser."""
    if not stage.open:
        authority = stage.reason.startswith((NOT_HELD, "nobody holds send authority"))
        evidence = {"reason": stage.reason, "since": stage.changed_at, "epoch": stage.epoch}
        yield Limit(
            "authority" if authority else "gate", "stack", stage.holder, "",
            "not_held" if authority else "closed", evidence,
            stage.reason or "the gate is closed",
            "`penguin authority show`, then `take`" if authority else "`penguin doctor`",
        )  # fmt: skip
    age_s = stage.schedule_age_s
    if age_s is None or age_s > SCHEDULE_MAX_S:
        late = {"age_s": age_s, "limit_s": SCHEDULE_MAX_S, "lag_records": stage.lag_records}
        yield Limit(
            "schedule", "stack", "", "", "stale", late,
            "the schedule is behind the log", "`penguin status`: does `schedule` run?",
        )  # fmt: skip
    if not stage.releaser:
        yield Limit(
            "releaser", "stack", "", "", "not_running", {"active": 0},
            "no releaser is active", "`penguin status`: does `release` run?",
        )  # fmt: skip


# ---- for a campaign

_HELD = {
    "launching": ("the schedule has not read the launch yet", "wait a moment; `penguin status`"),
    "draft": ("the campaign is a draft", "launch it"),
    "scheduled": ("the campaign launches by itself later", "launch it now, or wait"),
    "paused": ("the campaign is paused", "`penguin campaign resume`"),
    "cancelled": ("the campaign is cancelled", "duplicate it"),
    "finished": ("every send of the campaign has its end", ""),
}

_BEFORE_AND_AFTER = frozenset({"draft", "scheduled", "finished"})


def of_campaign(campaign: Campaign, waits: Sequence[Wait], *, moves: bool) -> Iterator[Limit]:
    """Tenant, the campaign's own state; and planning or poison, where nothing moves or may."""
    if not campaign.may_send:
        yield Limit(
            "tenant", "tenant", campaign.tenant_id, "", "suspended", {},
            "the tenant is suspended", "staff restore it: `penguin tenants restore`",
        )  # fmt: skip
    name = campaign.campaign_id
    if campaign.state in _HELD:
        detail, cure = _HELD[campaign.state]
        evidence = {"state": campaign.state, "reason": campaign.reason}
        yield Limit(
            "campaign", "campaign", name, "", campaign.state, evidence, detail, cure,
            campaign.scheduled_at if campaign.state == "scheduled" else None,
        )  # fmt: skip
    if moves or any(wait.sends for wait in waits) or campaign.state in _BEFORE_AND_AFTER:
        return
    if parked := sum(wait.parked for wait in waits):
        why = next((wait.parked_why for wait in waits if wait.parked_why), "")
        yield Limit(
            "parked", "campaign", name, "", "poison", {"sends": parked, "reason": why},
            "a record could not be read; see doctor", "`penguin doctor`; docs: poison",
        )  # fmt: skip
    elif campaign.total is None and campaign.state == "running":
        yield Limit(
            "planning", "campaign", name, "", "not_planned", {},
            "the audience is being planned", "wait; `penguin status`: does `planner` run?",
        )  # fmt: skip


def of_ips(campaign: Campaign, ips: Sequence[Ip]) -> Iterator[Limit]:
    """None of the campaign's sending IPs is left."""
    own = [ip for ip in ips if ip.ip in campaign.ips]
    if any(not ip.out for ip in own):
        return
    outs = sorted({ip.out for ip in own})
    evidence = {"named": len(campaign.ips), "known": len(own), "out": outs}
    yield Limit(
        "ips", "campaign", campaign.campaign_id, "", outs[-1] if len(outs) == 1 else "none_usable",
        evidence, "none of its sending IPs is there, or nothing may leave from any",
        "release one from quarantine, or duplicate the campaign with another IP",
    )  # fmt: skip


# ---- towards a provider, whatever the IP


def of_provider(snap: Snapshot, campaign: Campaign, wait: Wait) -> Iterator[Limit]:
    """Mailbox, breakers of campaign, tenant and domain, plan, daily limits, window."""
    if campaign.mailbox_id and not campaign.mailbox_may_send:
        yield Limit(
            "mailbox", "mailbox", campaign.mailbox_id, "", "paused", {},
            "the mailbox that it is sent from is paused", "resume the mailbox",
        )  # fmt: skip
    wider = {("campaign", campaign.campaign_id), ("tenant", campaign.tenant_id)}
    for breaker in snap.breakers:
        domain = ("domain", campaign.domain_id, wait.provider)
        of_domain = (breaker.scope, breaker.scope_id, breaker.provider) == domain
        if of_domain or (breaker.scope, breaker.scope_id) in wider:
            yield of_breaker(breaker)
    yield from _plan(snap.stage, campaign, wait)
    yield from _daily_limits(snap, campaign)
    yield from _window(snap.stage, campaign, wait)


def _plan(stage: Stage, campaign: Campaign, wait: Wait) -> Iterator[Limit]:
    """What the tenant's plan covers a month. Retries are free: it holds back first attempts."""
    covers, used = campaign.sends_per_month, campaign.used_of_plan
    if covers is None or not wait.firsts:
        return
    today = stage.now.astimezone(UTC).date()
    month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    evidence = {"sends_per_month": covers, "used": used, "first_attempts": wait.firsts}
    yield Limit(
        "plan", "tenant", campaign.tenant_id, "", "sends_per_month", evidence,
        f"{used} of the {covers} sends that the plan covers this month are used",
        "take a larger plan, or wait for the next month",
        datetime.combine(month, time(), UTC), max(0, covers - used) + wait.sends - wait.firsts,
    )  # fmt: skip


def _daily_limits(snap: Snapshot, campaign: Campaign) -> Iterator[Limit]:
    why = {"reason": campaign.tenant_daily_limit_reason}
    for scope, name, limit, more in (
        ("tenant", campaign.tenant_id, campaign.tenant_daily_limit, why),
        ("campaign", campaign.campaign_id, campaign.daily_limit, {}),
        ("mailbox", campaign.mailbox_id, campaign.mailbox_daily_limit, {}),
    ):
        if limit is None or not name:
            continue
        used = snap.used.get((scope, name, ""), 0)
        about = ("daily_limit", scope, name, "", f"{scope}_daily_limit")
        said = f"the {scope}'s daily limit", _RAISED[scope]
        yield _of_day(snap.stage, about, ("daily_limit", limit, used), said, **more)


_RAISED = {
    "tenant": "wait for the next UTC day; staff raise it: `penguin tenants limit`",
    "campaign": "raise the campaign's daily limit",
    "mailbox": "raise the mailbox's daily limit",
}


def _window(stage: Stage, campaign: Campaign, wait: Wait) -> Iterator[Limit]:
    window: Any = campaign.window
    if not window:
        return
    theirs = wait.zone if window["zone_of"] == "recipient" else ""
    zone = theirs or window["zone"]
    shut = not is_open(window, stage.now, zone)
    opens = next_open(window, stage.now, zone) if shut else None
    closes = None if shut else next_close(window, stage.now, zone)
    evidence = {"window": window, "zone": zone, "closes_at": closes}
    yield Limit(
        "window", "campaign", campaign.campaign_id, wait.provider, "send_window", evidence,
        f"outside its sending window in {zone}" if shut else f"its window in {zone} is open",
        "wait, or duplicate the campaign with another window", opens, 0 if shut else wait.sends,
    )  # fmt: skip


# ---- from an IP to a provider


def of_domain(snap: Snapshot, campaign: Campaign, cell: Cell) -> Iterator[Limit]:
    """The quota of the sending domain: it binds what leaves through governed cells."""
    for quota in snap.quotas if cell.governed else ():
        if (quota.domain_id, quota.provider) == (campaign.domain_id, cell.provider):
            about = ("domain", quota.domain_id, quota.provider)
            decided = quota.rule, quota.decided_at, quota.counts
            used = snap.used.get(about, 0)
            yield from _quota(snap.stage, about, quota.quota, used, decided)


def of_cell(snap: Snapshot, ip: Ip, provider: str) -> Iterator[Limit]:
    """IP out of use; breakers of IP and cell; cap, quota, rates of the cell; its lane."""
    cell, name = snap.cell(ip.ip, provider), ip.ip
    if ip.out:
        yield Limit("ips", "ip", name, "", ip.out, {}, _OUT[ip.out], _BACK[ip.out])
    for breaker in snap.breakers:
        here = breaker.scope_id == name and breaker.provider in {"", provider}
        if here and (cell.governed or breaker.status == "blocked"):
            yield of_breaker(breaker)
    about = ("cell", name, provider)
    if cell.cap_per_day is not None:
        yield _of_day(
            snap.stage,
            ("cap", *about, "cap_per_day"),
            ("cap_per_day", cell.cap_per_day, cell.used),
            ("the cap of today", "raise the cap of the sending IP"),
            started=cell.started,
            reserved=cell.reserved,
            reason=cell.cap_reason,
        )
    if cell.governed and cell.quota is not None:
        decided = cell.quota_rule or "start", cell.quota_at, cell.quota_counts
        yield from _quota(snap.stage, about, cell.quota, cell.used, decided, plan=cell.plan)
    yield from _rates(snap.stage, cell)
    if ip.released >= snap.lane_depth:
        evidence = {"released": ip.released, "lane_depth": snap.lane_depth}
        yield Limit(
            "lane", "ip", name, "", "lane_full", evidence,
            f"{ip.released} released sends wait for a worker",
            "`penguin status`: does `dispatcher` run? add another",
        )  # fmt: skip


_OUT = {
    "retired": "the sending IP is retired",
    "quarantined": "the sending IP is in quarantine",
    "vps_not_serving": "the VPS of the sending IP does not serve",
}
_BACK = {
    "retired": "add another IP",
    "quarantined": "release it from quarantine",
    "vps_not_serving": "end the maintenance of its VPS",
}


def _rates(stage: Stage, cell: Cell) -> Iterator[Limit]:
    static = cell.rate_per_s, float(cell.burst), cell.tokens, cell.refilled_at
    if static[0] is not None:
        yield _rate(stage, cell, static, "rate_per_s", "set_by_hand", {})
    per_h = cell.per_h
    if cell.governed and per_h is not None:
        own = per_h / 3600, max(1.0, per_h / 60), cell.own_tokens, cell.own_refilled_at
        evidence = {"rate_per_h": round(per_h), "counts": cell.rate_counts}
        yield _rate(stage, cell, own, "rate_per_h", cell.rate_rule or "start", evidence)


def _rate(
    stage: Stage, cell: Cell, bucket: tuple[Any, ...], name: str, rule: str, more: dict[str, Any]
) -> Limit:
    per_s, burst, stored, filled_at = bucket
    elapsed_s = max(0.0, (stage.now - filled_at).total_seconds()) if filled_at else 0.0
    tokens = burst if stored is None else min(burst, stored + elapsed_s * per_s)
    wait_s = (1.0 - tokens) / per_s
    known = {"rate_per_s": per_s} if name == "rate_per_s" else {}
    evidence = known | more | {"burst": burst, "tokens": round(tokens, 3)}
    return Limit(
        "rate", "cell", cell.ip, cell.provider, rule, evidence,
        f"the rate to {cell.provider} is used up for a moment" if tokens < 1 else
        f"the rate to {cell.provider} lets {int(tokens)} go at once",
        "wait; the rate follows what the provider answers" if name == "rate_per_h" else
        "raise the rate of the sending IP",
        stage.now + timedelta(seconds=wait_s) if tokens < 1 else None, int(tokens),
    )  # fmt: skip


def of_breaker(breaker: Breaker) -> Limit:
    """One that is not closed; half open it lets probes through."""
    left = breaker.probes - breaker.probes_used if breaker.status == "half" else 0
    evidence = {
        "status": breaker.status,
        "since": breaker.since,
        "counts": breaker.counts,
        "probes": breaker.probes,
        "probes_used": breaker.probes_used,
    }
    towards = f" towards {breaker.provider}" if breaker.provider else ""
    detail = f"the breaker of the {breaker.scope}{towards} is {_STATUS[breaker.status]}"
    return Limit(
        "breaker", breaker.scope, breaker.scope_id, breaker.provider, breaker.rule, evidence,
        f"{detail}: {breaker.rule}", _CURES[breaker.status],
        breaker.until if breaker.status == "open" else None, max(0, left),
    )  # fmt: skip


_STATUS = {"open": "open", "half": "half open, for probes", "blocked": "open until someone ends it"}
_CURES = {
    "open": "wait: probes leave then; look at what the provider answers",
    "half": "wait for the answers to its probes",
    "blocked": "mend what the rule names, then `penguin warmup order resume`",
}


def _quota(
    stage: Stage,
    about: tuple[str, str, str],
    quota: int,
    used: int,
    decided: tuple[str, datetime | None, dict[str, Any]],
    **more: Any,
) -> Iterator[Limit]:
    if quota >= UNBOUND:
        return
    rule, at, counts = decided
    more = {"decided_at": at, "counts": counts} | more
    detail = f"the quota of today of the {about[0]}"
    cure = "wait: it grows with mail that is taken well; or order a quota"
    yield _of_day(stage, ("quota", *about, rule), ("quota", quota, used), (detail, cure), **more)


def _of_day(
    stage: Stage,
    about: tuple[str, str, str, str, str],
    use: tuple[str, int, int],
    said: tuple[str, str],
    **more: Any,
) -> Limit:
    """A number of messages per UTC day: it lifts when the day ends.

    `about`: limit, scope, its id, provider and rule; `use`: the number's name, it, what is used.
    """
    (name, allowed, used), (detail, cure) = use, said
    left = max(0, allowed - used)
    day = stage.now.astimezone(UTC).date()
    evidence = {name: allowed, "used": used, "left": left, "day": day.isoformat()} | more
    tomorrow = datetime.combine(day + timedelta(days=1), time(), UTC)
    towards = f" for {about[3]}" if about[3] else ""
    detail += f" leaves {left}{towards}" if left else f" is used up{towards}"
    return Limit(*about, evidence, detail, cure, None if left else tomorrow, left)
