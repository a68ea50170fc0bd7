"""When a campaign launches by itself: a moment on somebody's clock, and what is decided of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain import campaign
from domain.campaign import CampaignLaunchBlocked, CampaignScheduled, CampaignUnscheduled
from domain.event import Event
from domain.refusals import Invalid


def moment(local: datetime, zone: str, when_twice: str = "refuse") -> datetime:
    """The moment in UTC at which clocks in the time zone show `local`, which carries no offset.

    A time that the clock skips, when summer time begins, is refused; so is one that it shows twice,
    unless `when_twice` says which is meant. Raises Invalid.
    """
    if local.tzinfo is not None:
        raise Invalid("local: it carries an offset; write the time as clocks in `zone` show it")
    place = _zone(zone)
    found = [local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1)]
    shown = [at for at in found if at.astimezone(place).replace(tzinfo=None) == local]
    if not shown:
        raise Invalid(f"local: clocks in {zone} skip {local:%Y-%m-%d %H:%M}; name another time")
    if shown[0] != shown[-1] and when_twice == "refuse":
        raise Invalid(
            f"local: clocks in {zone} show {local:%Y-%m-%d %H:%M} twice; say which in when_twice"
        )
    return max(shown) if when_twice == "later" else min(shown)


def _zone(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(
            f"zone: {zone!r:.60} is no IANA time zone; write Europe/Berlin, say"
        ) from error


# ---- decisions


def schedule(state: campaign.State, *, at: datetime, zone: str = "UTC") -> tuple[Event, ...]:
    """Set or move the moment of its launch. Raises NotFound, WrongState."""
    drafted = campaign.require(state)
    if state.status is campaign.Status.SCHEDULED and (state.scheduled_at, state.zone) == (at, zone):
        return ()
    campaign.refuse_unless(state, "schedule", campaign.Status.DRAFT, campaign.Status.SCHEDULED)
    scheduled = CampaignScheduled(
        tenant_id=drafted.tenant_id, campaign_id=drafted.campaign_id, at=at, zone=zone
    )
    return (scheduled,)


def unschedule(state: campaign.State) -> tuple[Event, ...]:
    """Make it a draft again, which launches when it is told to. Raises NotFound, WrongState."""
    drafted = campaign.require(state)
    if state.status is campaign.Status.DRAFT:
        return ()
    campaign.refuse_unless(state, "unschedule", campaign.Status.SCHEDULED)
    return (CampaignUnscheduled(tenant_id=drafted.tenant_id, campaign_id=drafted.campaign_id),)


def block(state: campaign.State, *, at: datetime, reasons: Sequence[str]) -> tuple[Event, ...]:
    """Record why its launch, scheduled for `at`, did not happen.

    Raises NotFound, Invalid, WrongState. No event when it is scheduled for another moment by now.
    """
    drafted = campaign.require(state)
    if not reasons:
        raise Invalid("reasons: there is none; launch it")
    if state.status is campaign.Status.DRAFT or (state.scheduled_at and state.scheduled_at != at):
        return ()
    campaign.refuse_unless(state, "block", campaign.Status.SCHEDULED)
    blocked = CampaignLaunchBlocked(
        tenant_id=drafted.tenant_id,
        campaign_id=drafted.campaign_id,
        at=at,
        reasons=list(dict.fromkeys(reasons)),
    )
    return (blocked,)
