"""Which limit binds: pure, over one look at the rows.

A way leads from a campaign over a sending IP to a provider; it is open when nothing on it binds.
Mail moves when one of its ways is open. Otherwise the way that opens first tells what binds: of its
limits the one that lifts last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.governor.state import Phase
from domain.ip_choice import is_bad
from projections.whynot.later import of_retry
from projections.whynot.limits import (
    Limit,
    of_campaign,
    of_cell,
    of_domain,
    of_ips,
    of_provider,
    of_stage,
)
from projections.whynot.rows import Campaign, Ip, Moving, Snapshot, Wait

NEVER = datetime.max.replace(tzinfo=UTC)
#: What was told to its lane so long ago, and not claimed, waits for a worker that does not come.
WORKER_MAX = timedelta(seconds=5)


@dataclass(frozen=True)
class Found:
    """What binds, and all limits that were looked at."""

    binding: Limit | None
    limits: tuple[Limit, ...]
    waits: int = 0


def binding_of(snap: Snapshot) -> Found:
    """What stops all that waits. Pure: the whole judgement over one look."""
    moving = moves(snap)
    everywhere = [*of_stage(snap.stage)]
    for campaign in snap.campaigns.values():
        own = [wait for wait in snap.waits if wait.campaign_id == campaign.campaign_id]
        everywhere += of_campaign(campaign, own, moves=moving)
        launched = campaign.state != "launching"
        if launched and not moving and any(wait.sends for wait in own):
            everywhere += of_ips(campaign, snap.ips)
    paths = [way for wait in snap.waits if wait.sends for way in ways(snap, wait)]
    workers = [*of_workers(snap)]
    binding = min(everywhere, key=lambda one: one.place, default=None)
    if binding is None and not moving and not any(way.binding is None for way in paths):
        binding = first_to_lift(way.binding for way in paths if way.binding)
    if binding is None and not moving:
        binding = next(iter(workers), None)
    on_ways = [limit for way in paths for limit in way.limits]
    waits = sum(wait.sends for wait in snap.waits)
    return Found(binding, (*everywhere, *on_ways, *workers), waits)


def moves(snap: Snapshot) -> bool:
    """Whether something is on its way now: attempted, or let go a moment ago."""
    return any(one.state != "released" or not _is_late(snap, one) for one in snap.moving)


def _is_late(snap: Snapshot, one: Moving) -> bool:
    return one.oldest_at is not None and snap.stage.now - one.oldest_at > WORKER_MAX


def of_workers(snap: Snapshot) -> Iterable[Limit]:
    """Released, and no worker claims it."""
    for one in snap.moving:
        if one.state == "released" and one.oldest_at and _is_late(snap, one):
            waits_s = (snap.stage.now - one.oldest_at).total_seconds()
            evidence = {"sends": one.sends, "releases": one.releases, "oldest_s": round(waits_s, 1)}
            yield Limit(
                "worker", "ip", one.ip, "", "not_claimed", evidence,
                f"{one.sends} released sends wait for a worker",
                "`penguin status`: does `dispatcher` run?",
            )  # fmt: skip


@dataclass(frozen=True)
class Way:
    """A way from a campaign over one IP to a provider, with each limit that is on it."""

    limits: tuple[Limit, ...]

    @property
    def binding(self) -> Limit | None:
        """What opens last; None: it is open."""
        shut = [limit for limit in self.limits if limit.binds]
        return max(shut, key=lambda one: (one.lifts_at or NEVER, -one.place), default=None)


def ways(snap: Snapshot, wait: Wait) -> list[Way]:
    """Every way that these sends may take; of those not due yet, none is open."""
    campaign = snap.campaigns[wait.campaign_id]
    common = [*of_provider(snap, campaign, wait)]
    if not wait.due and wait.later:
        common.append(of_retry(campaign, wait))
    own = [ip for ip in snap.ips if not ip.spare_of and ip.ip in campaign.ips and not ip.out]
    found = [(*common, *_over(snap, campaign, ip, wait.provider)) for ip in own]
    if found and all(_is_quota_alone(limits) for limits in found):
        found += [(*common, *limits) for limits in _excess(snap, campaign, wait)]
    return [Way(limits) for limits in found]


def _over(snap: Snapshot, campaign: Campaign, ip: Ip, provider: str) -> tuple[Limit, ...]:
    """The limits of a way that it has because of its IP."""
    domain = of_domain(snap, campaign, snap.cell(ip.ip, provider))
    return (*domain, *of_cell(snap, ip, provider))


def _is_quota_alone(limits: Iterable[Limit]) -> bool:
    """Whether the cell's quota is used up and no breaker stands there: then others may help."""
    found = list(limits)
    used_up = any(one.limit == "quota" and one.scope == "cell" and one.binds for one in found)
    return used_up and not any(one.limit == "breaker" for one in found)


def _excess(snap: Snapshot, campaign: Campaign, wait: Wait) -> Iterator[tuple[Limit, ...]]:
    """The limits of warm IPs of fair reputation that take what the campaign's own leave over."""
    for ip in snap.ips:
        cell = snap.cell(ip.ip, wait.provider)
        helps = ip.spare_of == wait.campaign_id and not ip.out and not is_bad(cell.score)
        if helps and cell.governed and cell.phase == Phase.WARM:
            limits = _over(snap, campaign, ip, wait.provider)
            if not any(one.limit == "breaker" for one in limits):
                yield limits


def first_to_lift(limits: Iterable[Limit]) -> Limit | None:
    """Of these the one that lifts first; of equals the most general."""
    return min(limits, key=lambda one: (one.lifts_at or NEVER, one.place), default=None)


def distinct(limits: Iterable[Limit]) -> list[Limit]:
    """Each limit once: those that bind first, then by what is left, the general before others."""
    found = {(one.limit, one.scope, one.scope_id, one.provider, one.rule): one for one in limits}
    return sorted(found.values(), key=lambda one: (one.left, one.place, one.provider, one.scope_id))
