"""What a folded log proves: counts per campaign, and everything that does not hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from domain.sending import ENDS, Outcome
from ops.verify import bits
from ops.verify.fold import Batch, Campaign, LogFold
from ops.verify.report import CampaignReport, Report, Violation, Violations
from ops.verify.states import OPEN, anywhere, states

OPEN_LISTED_MAX = 20
Wanted = Callable[[Campaign], bool]


def judge(fold: LogFold, wanted: Wanted = lambda _: True) -> Report:
    """The report on the wanted campaigns. What concerns no campaign is always in it."""
    found = Violations()
    campaigns = [campaign for campaign in fold.campaigns.values() if wanted(campaign)]
    repeated = _planned_twice(fold, wanted, found)
    reports = [_campaign(campaign, repeated, found) for campaign in campaigns]
    _caps(fold, {campaign.campaign_id for campaign in campaigns}, found)
    for unread in fold.unread:
        detail = f"{unread.where}: {unread.reason}"
        found.add(Violation("undecodable", detail, tenant_id=unread.tenant_id))
    return Report(
        campaigns=sorted(reports, key=lambda report: report.campaign_id),
        violations=found.listed,
        kinds=dict(found.kinds),
        records=fold.records,
        sends=sum(report.requested for report in reports),
    )


# ---- the whole log


def _planned_twice(fold: LogFold, wanted: Wanted, found: Violations) -> Counter[str]:
    """Tell sends that were planned in two places; how many too many, by campaign."""
    suspects = fold.seen_ids.repeated()
    too_many: Counter[str] = Counter()
    if not suspects:
        return too_many
    places: dict[str, list[Batch]] = defaultdict(list)
    for batch in fold.batches.values():
        for send_id in batch.ids:
            if hash(send_id) in suspects:
                places[send_id].append(batch)
    for send_id, batches in places.items():
        for batch in batches[1:]:
            too_many[batch.campaign.campaign_id] += 1
            if wanted(batch.campaign):
                detail = "in " + " and ".join(each.batch_id for each in batches)
                found.add(_about(batch.campaign, "planned_twice", detail, send_id))
    return too_many


def _caps(fold: LogFold, campaigns: set[str], found: Violations) -> None:
    for excess in fold.caps.excesses():
        if touched := sorted(excess.campaigns & campaigns):
            ip, provider, day = excess.cell
            campaign = fold.campaigns[touched[0]]
            found.add(
                Violation(
                    "cap_exceeded",
                    excess.detail,
                    campaign_id=touched[0] if len(excess.campaigns) == 1 else "",
                    tenant_id=campaign.tenant_id,
                    cell=f"{ip}/{provider}/{day.isoformat()}",
                )
            )


# ---- one campaign


def _campaign(campaign: Campaign, repeated: Counter[str], found: Violations) -> CampaignReport:
    report = CampaignReport(campaign.campaign_id, campaign.tenant_id)
    report.finished = campaign.finished is not None
    counts: Counter[str] = Counter()
    upgraded: Counter[str] = Counter()
    for batch in campaign.batches:
        state_sets = states(batch)
        for state, members in state_sets.items():
            counts["open" if state in OPEN else state] += members.bit_count()
            upgraded[state] += (members & anywhere(batch, Outcome.AMBIGUOUS)).bit_count()
        _list_open(report, batch, state_sets)
        _batch(batch, found)
        if campaign.finished:
            _open_in_finished(batch, state_sets, found)
    planned = sum(batch.ids.size for batch in campaign.batches)
    report.requested = planned - repeated[campaign.campaign_id]
    for state, number in counts.items():
        setattr(report, state, number)
    _plan(campaign, found)
    if campaign.finished:
        _finish(campaign, planned, counts, upgraded, found)
    return report


def _list_open(report: CampaignReport, batch: Batch, state_sets: dict[str, int]) -> None:
    for state in OPEN:
        for index in bits.each(state_sets.get(state, 0)):
            if len(report.open_sends) >= OPEN_LISTED_MAX:
                return
            report.open_sends.append({"send_id": batch.ids[index], "state": state})


def _open_in_finished(batch: Batch, state_sets: dict[str, int], found: Violations) -> None:
    for state in OPEN:
        _tell(found, batch, "open_in_finished", state_sets.get(state, 0), f"its state is {state}")


def _plan(campaign: Campaign, found: Violations) -> None:
    """AudiencePlanned against what was planned, per step."""
    for step, audience in campaign.audiences.items():
        batches = [batch for batch in campaign.batches if batch.step == step and batch.ids.size]
        sends = sum(batch.ids.size for batch in batches)
        if (audience.total, audience.batches) != (sends, len(batches)):
            detail = (
                f"step {step}: AudiencePlanned says {audience.total} sends in {audience.batches} "
                f"batches, planned are {sends} in {len(batches)}"
            )
            found.add(_about(campaign, "plan_differs", detail))
    if campaign.finished and not campaign.audiences:
        found.add(_about(campaign, "plan_differs", "finished without AudiencePlanned"))


def _finish(
    campaign: Campaign,
    planned: int,
    counts: Counter[str],
    upgraded: Counter[str],
    found: Violations,
) -> None:
    """CampaignFinished against the log. Evidence after it may have settled ambiguous sends."""
    told = campaign.finished
    assert told is not None  # noqa: S101 - asked by the caller
    if told.requested != planned:
        detail = f"CampaignFinished says {told.requested} requested, planned are {planned}"
        found.add(_about(campaign, "counts_differ", detail))
    for outcome in ENDS:
        now, then = counts[outcome], told.outcomes.get(outcome, 0)
        settled = sum(upgraded.values()) - upgraded[outcome] if outcome == Outcome.AMBIGUOUS else 0
        low = now - (0 if outcome == Outcome.AMBIGUOUS else upgraded[outcome])
        if not low <= then <= now + settled:
            detail = f"CampaignFinished says {then} {outcome}, the log says {now}"
            found.add(_about(campaign, "counts_differ", detail))


# ---- one batch


def _batch(batch: Batch, found: Violations) -> None:
    planned = bits.up_to(batch.ids.size)
    _tell(found, batch, "two_ends", _two_ends(batch), "")
    accepted = 0
    for n, attempt in sorted(batch.attempts.items()):
        taken = attempt.all_of(Outcome.ACCEPTED)
        named = attempt.started
        for members in (*attempt.outcomes.values(), *attempt.resolved.values()):
            named |= members
        _tell(found, batch, "not_requested", named & ~planned, f"attempt {n}")
        _tell(found, batch, "started_twice", attempt.started_twice, f"attempt {n}")
        twice = attempt.accepted_twice | accepted & taken
        _tell(found, batch, "accepted_twice", twice, f"the second time in attempt {n}")
        _tell(found, batch, "accepted_unstarted", taken & ~attempt.started, f"attempt {n}")
        accepted |= taken & ~attempt.resent  # which may arrive twice, and says so
    for n, members in _unfounded(batch):
        _tell(found, batch, "attempt_before_outcome", members, f"attempt {n}")
    _tell(found, batch, "resent_wrongly", _resent_wrongly(batch), "")
    if batch.changed:
        found.add(_about(batch.campaign, "batch_changed", batch.batch_id))


def _unfounded(batch: Batch) -> Iterator[tuple[int, int]]:
    """(n, sends started for the nth time that attempt n-1 did not definitely defer)."""
    for n, attempt in batch.attempts.items():
        before = batch.attempts.get(n - 1)
        founded = before.all_of(Outcome.DEFERRED) if before else 0
        if n > 1 and (members := attempt.started & ~founded):
            yield n, members


def _resent_wrongly(batch: Batch) -> int:
    """Sends that policy let be tried again though it does not let these."""
    once = wrong = 0
    for attempt in batch.attempts.values():
        if attempt.resent:
            wrong |= attempt.resent & ~attempt.all_of(Outcome.AMBIGUOUS) | once & attempt.resent
            once |= attempt.resent
    return wrong if batch.transactional else once


def _two_ends(batch: Batch) -> int:
    """Sends with two different definite ends, but for those that policy let be tried again."""
    once = twice = 0
    for end in ENDS:
        if end is not Outcome.AMBIGUOUS:
            members = anywhere(batch, end)
            twice |= once & members
            once |= members
    for attempt in batch.attempts.values():
        twice &= ~attempt.resent
    return twice


def _tell(found: Violations, batch: Batch, kind: str, members: int, detail: str) -> None:
    """One violation per send in the set, as many as are listed."""
    told = 0
    for index in bits.each(members) if members else ():
        if not found.room(kind):
            break
        text = f"{batch.batch_id}[{index}] {detail}".rstrip()
        found.add(_about(batch.campaign, kind, text, batch.ids[index]))
        told += 1
    if members:
        found.count(kind, members.bit_count() - told)


def _about(campaign: Campaign, kind: str, detail: str, send_id: str = "") -> Violation:
    return Violation(kind, detail, campaign.campaign_id, campaign.tenant_id, send_id)
