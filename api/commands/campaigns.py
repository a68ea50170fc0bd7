"""Campaigns by command: draft, revise, schedule, launch, pause, resume, cancel, duplicate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from api import send_windows, workspaces
from api.commands import domains, segments, senders
from api.commands.audience import Audience, audience_of, days_of, egress_of
from api.commands.audience import told as audience_told
from api.commands.launch_checks import Block, blocks, let_ips_come, warnings
from api.desk import Desk
from domain import campaign, ip_pool, scheduling, sending_ip, template
from domain.campaign import CampaignDrafted, CampaignRevised, Status
from domain.event import Event
from domain.ports import Decided
from domain.refusals import Invalid, NotFound, Outdated, WrongState
from domain.windows import opening

EXPIRE_AFTER_S = 72 * 3600  # bulk mail is worth sending for three days (deliverability.md §7.3)
LABEL = """
INSERT INTO vault.label (tenant_id, id, kind, label)
VALUES (%(tenant_id)s, %(id)s, 'campaign', %(label)s)
ON CONFLICT (tenant_id, id) DO UPDATE SET label = excluded.label
"""
NAMED = "SELECT label FROM vault.label WHERE tenant_id = %(tenant_id)s AND id = %(id)s"
LISTS = """
SELECT list_id FROM vault.lead_list
WHERE tenant_id = %(tenant_id)s AND list_id = ANY(%(list_ids)s)
"""
VERSION = """
SELECT content_id FROM rm.template_version
WHERE tenant_id = %(tenant_id)s AND template_id = %(template_id)s AND template_version = %(version)s
"""

Decide = Callable[[campaign.State], Sequence[Event]]


class Blocked(Exception):  # noqa: N818 - an answer
    """The launch is refused; `reasons` are all that there are."""

    def __init__(self, reasons: Sequence[Block]) -> None:
        super().__init__("; ".join(f"{reason.detail}: {reason.cure}" for reason in reasons))
        self.reasons = tuple(reasons)


# ---- putting one together


def draft(desk: Desk, name: str, drafted: CampaignDrafted) -> Decided:
    """Keep a campaign that is not sent yet. Repeating changes nothing. Raises as the domain."""
    workspaces.place(desk, drafted.campaign_id, drafted.workspace_id)
    rename(desk, drafted.campaign_id, name)
    stream = campaign.stream(drafted.campaign_id)
    return desk.decide(campaign, stream, partial(campaign.draft, drafted=drafted))


def revise(desk: Desk, revised: CampaignDrafted, revision: int = 0) -> Decided:
    """Put a draft together anew. Raises as the domain."""
    plan = CampaignRevised(**asdict(revised))
    decide = partial(campaign.revise, revised=plan, revision=revision)
    return act(desk, revised.campaign_id, decide)


def rename(desk: Desk, campaign_id: str, name: str) -> None:
    """What people call it; that stays in Postgres."""
    desk.write(LABEL, id=campaign_id, label=name)


def name_of(desk: Desk, campaign_id: str) -> str:
    """What people call it; empty when nobody said."""
    found = desk.rows(NAMED, id=campaign_id)
    return str(found[0]["label"]) if found else ""


def known(desk: Desk, campaign_id: str) -> campaign.State:
    """A campaign of the tenant that the caller may see. Raises NotFound."""
    state: campaign.State = desk.state(campaign, campaign.stream(campaign_id))
    if state.drafted is None:
        raise NotFound("there is no such campaign")
    workspaces.require_visible(desk, campaign_id, "campaign")
    return state


def resolved(desk: Desk, drafted: CampaignDrafted, version: int | None = None) -> CampaignDrafted:
    """The draft with what follows from its parts: the sender's domain, the template's content.

    Content that is there already stays as it is. Raises NotFound for a part that is not there, or
    not the caller's.
    """
    _require_lists(desk, drafted.list_ids)
    if drafted.segment_id:
        segments.require(desk, drafted.segment_id)
    for ip in drafted.ips:
        if not desk.state(sending_ip, sending_ip.stream(ip)).ip:
            raise NotFound(f"ips: there is no sending IP {ip}; name one of yours")
    if drafted.pool_id:
        ip_pool.require_usable(desk.state(ip_pool, ip_pool.stream(drafted.pool_id)))
    content_id = drafted.content_id
    if drafted.template_id and not content_id:
        content_id = _content(desk, drafted.template_id, version)
    domain_id = mailbox_id = ""
    if drafted.sender_id:
        sender = senders.known(desk, drafted.sender_id)
        domain_id, mailbox_id = domains.id_of(desk, sender.domain), sender.mailbox_id
    return replace(drafted, content_id=content_id, domain_id=domain_id, mailbox_id=mailbox_id)


def _require_lists(desk: Desk, list_ids: Sequence[str]) -> None:
    there = {row["list_id"] for row in desk.rows(LISTS, list_ids=list(list_ids))}
    for list_id in list_ids:
        if list_id not in there:
            raise NotFound(f"list_ids: there is no lead list {list_id}; name one of yours")
        workspaces.require_visible(desk, list_id, "lead list")


def _content(desk: Desk, template_id: str, version: int | None) -> str:
    """The content of a template's version, or of its latest."""
    state: template.State = desk.state(template, template.stream(template_id))
    if not state.template_id:
        raise NotFound("template_id: there is no such template; create it first")
    workspaces.require_visible(desk, template_id, "template")
    if version in {None, state.template_version}:
        return state.content_id
    found = desk.rows(VERSION, template_id=template_id, version=version)
    if not found:
        raise NotFound(f"template_version: there is no version {version}; name a published one")
    return str(found[0]["content_id"])


def duplicate(desk: Desk, source_id: str, campaign_id: str, name: str) -> Decided:
    """A new draft like another campaign, whatever state that is in. Raises NotFound."""
    drafted = campaign.require(known(desk, source_id))
    return draft(desk, name, replace(drafted, campaign_id=campaign_id))


# ---- before the launch


@dataclass(frozen=True)
class Ready:
    """What a launch would take: IPs, the audience, and all that stands against it."""

    ips: list[str]
    found: Audience
    reasons: list[Block]


def made_ready(desk: Desk, drafted: CampaignDrafted, now: datetime) -> Ready:
    """Look at all that a launch needs; nothing is changed."""
    let_ips_come(desk, drafted)
    found = audience_of(desk, drafted)
    ips = list(egress_of(desk, drafted))
    return Ready(ips, found, blocks(desk, drafted, found, now))


def estimate(desk: Desk, campaign_id: str, now: datetime) -> dict[str, Any]:
    """Whom it would reach and in how many days; what stands against a launch, or warns of one."""
    drafted = campaign.require(known(desk, campaign_id))
    ready = made_ready(desk, drafted, now)
    days = days_of(desk, ready.found, ready.ips, now.date())
    reasons = [reason.told() for reason in ready.reasons]
    warned = [warning.told() for warning in warnings(desk, drafted)]
    first = {"opens_at": None if ready.reasons else opening(drafted.send_window, now)}
    return audience_told(ready.found, days) | first | {"blocked_by": reasons, "warnings": warned}


# ---- launching


def launch(desk: Desk, campaign_id: str, now: datetime) -> Decided:
    """Launch it if nothing stands against that. Repeating changes nothing.

    Raises Blocked with every reason, NotFound, WrongState, Outdated.
    """
    state = known(desk, campaign_id)
    if state.status in {Status.RUNNING, Status.PAUSED}:
        return start(desk, campaign_id, now)
    campaign.refuse_unless(state, "launch", Status.DRAFT, Status.SCHEDULED)
    drafted = campaign.require(state)
    ready = made_ready(desk, drafted, now)
    if ready.reasons:
        raise Blocked(ready.reasons)
    taken = partial(campaign.launch, now=now, list_ids=_lists(desk, drafted), ips=ready.ips)
    decide = partial(_as_checked, revision=state.revision, take=taken)
    return desk.decide(campaign, campaign.stream(campaign_id), decide)


def _lists(desk: Desk, drafted: CampaignDrafted) -> list[str]:
    """The lists of the audience; a segment's leads get one of their own."""
    of_segment = [segments.materialise(desk, drafted.segment_id)] if drafted.segment_id else []
    return [*drafted.list_ids, *of_segment]


def _as_checked(state: campaign.State, *, revision: int, take: Decide) -> Sequence[Event]:
    """Launch the plan that was checked, and no other."""
    if not state.launched and state.revision != revision:
        raise Outdated("revision: it was changed while it was checked; launch it again")
    return take(state)


def start(desk: Desk, campaign_id: str, now: datetime) -> Decided:
    """Launch what was checked already; one that was launched before stays as it is."""
    decide = partial(_launch_once, now=now)
    return desk.decide(campaign, campaign.stream(campaign_id), decide)


def _launch_once(state: campaign.State, *, now: datetime) -> tuple[Event, ...]:
    return () if state.launched else campaign.launch(state, now=now)


def launch_scheduled(desk: Desk, campaign_id: str, at: datetime, now: datetime) -> str:
    """Launch a campaign that was due at `at`, or record why not; what became of it.

    Repeating changes nothing: `gone` when it is not scheduled for that moment any more. A moment
    that is past by more than the time its mail may take was missed.
    """
    state: campaign.State = desk.state(campaign, campaign.stream(campaign_id))
    if not _still_due(state, at):
        return "gone"
    drafted = campaign.require(state)
    if (now - at).total_seconds() > drafted.expire_after_s:
        return _block(desk, campaign_id, at, ["window_missed"])
    try:
        ready = made_ready(desk, drafted, now)
        if ready.reasons:
            return _block(desk, campaign_id, at, [reason.code for reason in ready.reasons])
        lists = _lists(desk, drafted)
    except (NotFound, WrongState):  # its segment is gone, or put away
        return _block(desk, campaign_id, at, ["no_segment"])
    taken = partial(campaign.launch, now=now, list_ids=lists, ips=ready.ips)
    desk.decide(campaign, campaign.stream(campaign_id), partial(_if_still_due, at=at, take=taken))
    return "launched"


def _still_due(state: campaign.State, at: datetime) -> bool:
    return state.status is Status.SCHEDULED and state.scheduled_at == at


def _if_still_due(state: campaign.State, *, at: datetime, take: Decide) -> Sequence[Event]:
    return take(state) if _still_due(state, at) else ()


def _block(desk: Desk, campaign_id: str, at: datetime, codes: Sequence[str]) -> str:
    decide = partial(scheduling.block, at=at, reasons=codes)
    desk.decide(campaign, campaign.stream(campaign_id), decide)
    return "blocked"


def schedule(desk: Desk, campaign_id: str, at: datetime, zone: str, now: datetime) -> Decided:
    """Let it launch by itself at a moment to come. Raises Invalid, NotFound, WrongState."""
    if at <= now:
        raise Invalid("local: that moment is past; name one to come, or launch it")
    return act(desk, campaign_id, partial(scheduling.schedule, at=at, zone=zone))


# ---- while it runs


def act(desk: Desk, campaign_id: str, decide: Decide) -> Decided:
    """One decision about a campaign that the caller may see. Raises NotFound, WrongState."""
    known(desk, campaign_id)
    return desk.decide(campaign, campaign.stream(campaign_id), decide)


def pause(desk: Desk, campaign_id: str, reason: str) -> Decided:
    """Hold what was not claimed yet. Raises NotFound, WrongState."""
    return act(desk, campaign_id, partial(campaign.pause, reason=reason))


def resume(desk: Desk, campaign_id: str) -> Decided:
    """Go on after a pause. Raises NotFound, WrongState."""
    return act(desk, campaign_id, campaign.resume)


def cancel(desk: Desk, campaign_id: str, reason: str) -> Decided:
    """End what was not claimed yet. Raises NotFound, WrongState."""
    return act(desk, campaign_id, partial(campaign.cancel, reason=reason))


def told(desk: Desk, campaign_id: str, state: campaign.State) -> Mapping[str, Any]:
    """A campaign's plan as it is answered."""
    drafted = campaign.require(state)
    plan = asdict(drafted)
    plan.pop("tenant_id")
    return plan | {
        "send_window": send_windows.told(drafted.send_window),
        "object": "campaign_plan",
        "name": name_of(desk, campaign_id),
        "state": state.status.value,
        "revision": state.revision,
        "scheduled_at": state.scheduled_at,
        "zone": state.zone,
        "blocked_by": list(state.blocked),
    }
