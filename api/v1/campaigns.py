"""Campaigns: put one together, launch it, hold or end it; its counters and who got the mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field, StringConstraints
from starlette.responses import Response

from api import send_windows, shapes
from api import shapes_campaigns as told_shapes
from api.answers import Json, listed
from api.bodies import Body, IdPath, IdText, Name, Reason
from api.callers import Caller
from api.commands import campaigns as commands
from api.desk import Desk
from api.etags import IfMatch, etag, revision_of
from api.problems import Problem, not_found
from api.send_windows import Window
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may
from domain import campaign, scheduling, tenant
from domain.campaign import CampaignDrafted, Status
from domain.ports import Decided
from domain.refusals import Invalid
from domain.sending import Outcome
from projections.campaign_counters import queries as campaigns
from projections.campaign_counters.queries import Only
from projections.reads import Bound, freshness
from projections.send_ledger import queries as ledger

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])
LEDGER = "send_ledger"
STATES = ("waiting", "started", *(outcome.value for outcome in Outcome))
STATUSES = tuple(status.value for status in Status if status is not Status.MISSING)
EXPIRE_MIN_S, EXPIRE_MAX_S = 60, 30 * 24 * 3600
LISTS_MAX, IPS_MAX = 50, 200

Reader = Annotated[Caller, may("campaigns:read")]
Looker = Annotated[Desk, at_desk("campaigns:read")]
Writer = Annotated[Desk, at_desk("campaigns:write")]
Launcher = Annotated[Desk, at_desk("campaigns:write", sends=True)]
StateQuery = Annotated[
    str, Query(pattern=f"^({'|'.join(STATES)})?$", description="only sends in this state")
]
StatusQuery = Annotated[
    str, Query(pattern=f"^({'|'.join(STATUSES)})?$", description="only campaigns in this state")
]
ProviderQuery = Annotated[str, Query(max_length=200, description="only this mailbox provider")]
WorkspaceQuery = Annotated[
    str | None,
    Query(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$", description="only this workspace's"),
]
SinceQuery = Annotated[AwareDatetime | None, Query(description="drafted at this moment or later")]
UntilQuery = Annotated[AwareDatetime | None, Query(description="drafted before this moment")]
ListIds = Annotated[list[IdText], Field(max_length=LISTS_MAX)]
Ips = Annotated[list[IdText], Field(max_length=IPS_MAX)]
PoolId = Annotated[IdText, Field(description="instead of `ips`: those of this IP pool")]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="of the template; else the latest")]
ExpireAfter = Annotated[int, Field(ge=EXPIRE_MIN_S, le=EXPIRE_MAX_S, examples=[259200])]
DailyLimit = Annotated[
    int | None,
    Field(ge=1, le=2**31 - 1, description="messages per UTC day; null: none binds"),
]
PriorityName = Literal["high", "normal", "low"]
ClassName = Literal["bulk", "transactional"]
SignName = Literal["none", "ed25519", "rsa", "both"]


#: Of a request, what no campaign's plan holds as it was told.
READ_ELSEWHERE = {"name", "template_version", "send_window"}


class NewCampaign(Body):
    """A draft. What is left out can follow; the launch says what is missing."""

    name: Name
    template_id: IdText = ""
    template_version: Version | None = None
    list_ids: ListIds = Field(default_factory=list)
    segment_id: IdText = ""
    sender_id: IdText = ""
    ips: Ips = Field(default_factory=list)
    pool_id: PoolId = ""
    priority: PriorityName = "normal"
    message_class: ClassName = "bulk"
    sign: SignName = "rsa"
    expire_after_s: ExpireAfter = commands.EXPIRE_AFTER_S
    send_window: Window | None = None
    workspace_id: IdText = ""
    daily_limit: DailyLimit = None


class CampaignChange(Body):
    """What is to be otherwise in a draft; what is left out stays."""

    name: Name | None = None
    template_id: IdText | None = None
    template_version: Version | None = None
    list_ids: ListIds | None = None
    segment_id: IdText | None = None
    sender_id: IdText | None = None
    ips: Ips | None = None
    pool_id: PoolId | None = None
    priority: PriorityName | None = None
    message_class: ClassName | None = None
    sign: SignName | None = None
    expire_after_s: ExpireAfter | None = None
    send_window: Annotated[Window | None, Field(description="null: at any hour")] = None
    daily_limit: DailyLimit = None


class Why(Body):
    """Why it is held or ended."""

    reason: Reason


class Copy(Body):
    """What the copy is called; left out, as the original."""

    name: Name | None = None


LocalTime = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$"),
    Field(description="as clocks in `zone` show it, without offset", examples=["2026-03-02T09:00"]),
]


class Moment(Body):
    """When it launches by itself."""

    local: LocalTime
    zone: Annotated[
        str,
        Field(max_length=64, description="IANA name; left out, the tenant's", examples=["UTC"]),
    ] = ""
    when_twice: Annotated[
        Literal["refuse", "earlier", "later"],
        Field(description="which of the two, where summer time ends and clocks show it twice"),
    ] = "refuse"


# ---- questions


@router.get("", responses=shapes.CAMPAIGNS)
async def list_campaigns(
    caller: Reader,
    ports: PortsDep,
    state: StatusQuery = "",
    workspace_id: WorkspaceQuery = None,
    since: SinceQuery = None,
    until: UntilQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's campaigns with their counters, the newest first."""
    scope = (caller.tenant_id, "campaigns", state, *map(str, (workspace_id, since, until)))
    after = str(ports.cursors.read(scope, cursor)[0]) if cursor else ""
    only = Only(state, workspace_id, caller.workspace_ids, since, until)
    async with ports.reads.of(caller.tenant_id) as bound:
        found, as_of = await bound.together(
            campaigns.page(bound, after=after, limit=limit + 1, only=only),
            freshness(bound, LEDGER),
        )
    more = len(found) > limit
    following = ports.cursors.make(scope, [found[limit - 1]["campaign_id"]]) if more else None
    return listed([_campaign(row) for row in found[:limit]], following, as_of=as_of)


@router.get("/{campaign_id}", responses=shapes.CAMPAIGN)
async def get_campaign(campaign_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """State, counters and rates of a campaign. At rest, requested is the sum of the ends."""
    async with ports.reads.of(caller.tenant_id) as bound:
        found, as_of = await bound.together(
            _known(bound, campaign_id, caller), freshness(bound, LEDGER)
        )
    return Json(_campaign(found) | {"as_of": as_of})


@router.get("/{campaign_id}/sends", responses=shapes.SENDS)
async def list_campaign_sends(
    campaign_id: IdPath,
    caller: Reader,
    ports: PortsDep,
    state: StateQuery = "",
    provider: ProviderQuery = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The ledger: one row per send of the campaign, in a fixed order."""
    scope = (caller.tenant_id, "sends", campaign_id, state, provider)
    batch_id, idx = ports.cursors.read(scope, cursor) if cursor else ("", -1)
    async with ports.reads.of(caller.tenant_id) as bound:
        await _known(bound, campaign_id, caller)
        found = await ledger.page(
            bound,
            campaign_id,
            state=state,
            provider=provider,
            after=(batch_id, idx),
            limit=limit + 1,
        )
        as_of = await freshness(bound, LEDGER)
    last = found[limit - 1] if len(found) > limit else None
    following = ports.cursors.make(scope, [last["batch_id"], last["idx"]]) if last else None
    return listed(found[:limit], following, as_of=as_of)


async def _known(bound: Bound, campaign_id: str, caller: Caller) -> dict[str, Any]:
    found = await campaigns.one(bound, campaign_id, caller.workspace_ids)
    if found is None:
        raise not_found("campaign")
    return found


def _campaign(row: dict[str, Any]) -> dict[str, Any]:
    return {"object": "campaign"} | row


# ---- the draft


@router.post("", status_code=201, responses=told_shapes.DRAFTED)
def create_campaign(body: NewCampaign, desk: Writer) -> Response:
    """Put a campaign together. Nothing is sent before it is launched."""
    campaign_id = desk.fresh_id("cmp")
    plan = body.model_dump(exclude=READ_ELSEWHERE)
    drafted = CampaignDrafted(
        **plan, tenant_id=desk.tenant_id, campaign_id=campaign_id, content_id="", domain_id=""
    )
    drafted = replace(drafted, send_window=send_windows.wanted(desk, body.send_window))
    drafted = commands.resolved(desk, drafted, body.template_version)
    _refuse_both(body)
    decided = commands.draft(desk, body.name, drafted)
    return _plan(desk, campaign_id, decided, 201)


@router.get("/{campaign_id}/plan", responses=told_shapes.PLAN)
def get_plan(campaign_id: IdPath, desk: Looker) -> Response:
    """What it consists of, as last decided; its ETag is what a change is checked against."""
    return _plan(desk, campaign_id)


@router.patch("/{campaign_id}", responses=told_shapes.REVISED)
def revise_campaign(
    campaign_id: IdPath, body: CampaignChange, desk: Writer, if_match: IfMatch = ""
) -> Response:
    """Change a draft; refused when others changed it since (If-Match: the ETag of its plan)."""
    wanted = replace(
        campaign.require(commands.known(desk, campaign_id)),
        **body.model_dump(exclude_none=True, exclude=READ_ELSEWHERE),
    )
    if body.ips or body.pool_id:  # either takes the other's place
        wanted = replace(wanted, ips=body.ips or [], pool_id=body.pool_id or "")
    if "send_window" in body.model_fields_set:
        wanted = replace(wanted, send_window=send_windows.wanted(desk, body.send_window))
    if "daily_limit" in body.model_fields_set:
        wanted = replace(wanted, daily_limit=body.daily_limit)
    if body.template_id is not None or body.template_version is not None:
        wanted = replace(wanted, content_id="")
    revised = commands.resolved(desk, wanted, body.template_version)
    _refuse_both(body)
    decided = commands.revise(desk, revised, revision_of(if_match) or 0)
    if body.name is not None:
        commands.rename(desk, campaign_id, body.name)
    return _plan(desk, campaign_id, decided)


@router.post("/{campaign_id}/duplicate", status_code=201, responses=told_shapes.DRAFTED)
def duplicate_campaign(campaign_id: IdPath, body: Copy, desk: Writer) -> Response:
    """A new draft like this campaign, whatever state it is in."""
    made = desk.fresh_id("cmp")
    name = body.name or commands.name_of(desk, campaign_id)
    return _plan(desk, made, commands.duplicate(desk, campaign_id, made, name), 201)


@router.post("/{campaign_id}/estimate", responses=told_shapes.ESTIMATE)
def estimate_campaign(campaign_id: IdPath, desk: Looker, ports: PortsDep) -> Json:
    """Whom it would reach, who is held back by what, how many days it takes, what blocks it."""
    found = commands.estimate(desk, campaign_id, ports.clock())
    return Json({"object": "campaign_estimate", "campaign_id": campaign_id} | found)


# ---- its life


@router.post("/{campaign_id}/launch", status_code=202, responses=told_shapes.LAUNCHED)
def launch_campaign(campaign_id: IdPath, desk: Launcher, ports: PortsDep) -> Json:
    """Send it. Every reason against that is listed at once; then nothing is changed."""
    try:
        decided = commands.launch(desk, campaign_id, ports.clock())
    except commands.Blocked as blocked:
        told = [reason.told() for reason in blocked.reasons]
        raise Problem("launch_blocked", str(blocked), errors=told) from blocked
    return _told(desk, campaign_id, decided, 202)


@router.post("/{campaign_id}/schedule", responses=told_shapes.TOLD)
def schedule_campaign(campaign_id: IdPath, body: Moment, desk: Launcher, ports: PortsDep) -> Json:
    """Let it launch by itself at a local time. A time that clocks skip is refused.

    What blocks a launch is looked at then: it becomes a draft again, with `blocked_by`.
    """
    zone = body.zone or desk.state(tenant, tenant.stream(desk.tenant_id)).time_zone
    at = scheduling.moment(_local(body.local), zone, body.when_twice)
    decided = commands.schedule(desk, campaign_id, at, zone, ports.clock())
    return _told(desk, campaign_id, decided)


@router.post("/{campaign_id}/unschedule", responses=told_shapes.TOLD)
def unschedule_campaign(campaign_id: IdPath, desk: Writer) -> Json:
    """Make it a draft again, which launches when it is told to."""
    return _told(desk, campaign_id, commands.act(desk, campaign_id, scheduling.unschedule))


@router.post("/{campaign_id}/pause", status_code=202, responses=told_shapes.ACTED)
def pause_campaign(campaign_id: IdPath, body: Why, desk: Writer) -> Json:
    """Hold what was not claimed yet; what is on the wire ends as it ends."""
    return _told(desk, campaign_id, commands.pause(desk, campaign_id, body.reason), 202)


@router.post("/{campaign_id}/resume", status_code=202, responses=told_shapes.ACTED)
def resume_campaign(campaign_id: IdPath, desk: Launcher) -> Json:
    """Go on after a pause."""
    return _told(desk, campaign_id, commands.resume(desk, campaign_id), 202)


@router.post("/{campaign_id}/cancel", status_code=202, responses=told_shapes.ACTED)
def cancel_campaign(campaign_id: IdPath, body: Why, desk: Writer) -> Json:
    """End what was not claimed yet as cancelled, for good."""
    return _told(desk, campaign_id, commands.cancel(desk, campaign_id, body.reason), 202)


def _refuse_both(body: NewCampaign | CampaignChange) -> None:
    """Once its parts are known to be there: ids of others are not found, whatever else is wrong."""
    if body.ips and body.pool_id:
        raise Problem("invalid", "pool_id: ips are named beside it; name one of the two")


def _local(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"local: {text} is no date and time; write 2026-03-02T09:00") from error


def _plan(desk: Desk, campaign_id: str, decided: Decided | None = None, status: int = 200) -> Json:
    state = commands.known(desk, campaign_id)
    found = dict(commands.told(desk, campaign_id, state))
    if decided:
        found["position"] = decided.position
    answer = Json(found, status_code=status)
    answer.headers["etag"] = etag(state.revision)
    return answer


def _told(desk: Desk, campaign_id: str, decided: Decided, status: int = 200) -> Json:
    state = commands.known(desk, campaign_id)
    told = {
        "object": "campaign",
        "campaign_id": campaign_id,
        "state": state.status.value,
        "scheduled_at": state.scheduled_at,
        "zone": state.zone,
        "position": decided.position,
    }
    return Json(told, status_code=status)
