"""What the releaser writes: SliceReleased to the lanes, SendsCancelled to the requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from adapters.kafka_log import Draft, now_meta
from domain import masks
from domain.event import DUE_TOPICS, Topic
from domain.sending import Priority, SendsCancelled, SliceReleased
from streams.releasing.rows import Released

EventId = Callable[..., str]

_LANES = dict(zip(Priority, DUE_TOPICS, strict=True))


def released(one: Released, lease_until: datetime, event_id: EventId) -> Draft:
    """A release as its lane is told of it for the first time."""
    row = one.row
    event = SliceReleased(
        release_id=one.release_id,
        batch_id=row.batch_id,
        tenant_id=row.tenant_id,
        campaign_id=row.campaign_id,
        n=row.n,
        ip=one.ip,
        provider=row.provider,
        size=one.size,
        lease_until=lease_until,
    )
    return _lane_draft(event, row.priority, event_id)


def renewed(row: Sequence[Any], event_id: EventId) -> Draft:
    """The same release with a later lease; `row` is one of the statement `renew`."""
    release_id, batch_id, tenant_id, campaign_id, n, ip, provider, priority, size, until = row
    event = SliceReleased(
        release_id=release_id,
        batch_id=batch_id,
        tenant_id=tenant_id,
        campaign_id=campaign_id,
        n=n,
        ip=ip,
        provider=provider,
        size=size,
        lease_until=until,
    )
    return _lane_draft(event, priority, event_id)


def _lane_draft(event: SliceReleased, priority: str, event_id: EventId) -> Draft:
    told_id = event_id("released", event.release_id, event.lease_until.isoformat())
    meta = now_meta(event.tenant_id, id=told_id, actor="release")
    return Draft(_LANES[Priority(priority)], event, meta, subject=event.batch_id)


def ended(row: Sequence[Any], event_id: EventId) -> Draft:
    """An ending; `row` is one of the statement `untold_endings`. Told again: the same event."""
    release_id, batch_id, tenant_id, campaign_id, n, ranges, outcome, reason = row
    event = SendsCancelled(
        batch_id=batch_id,
        tenant_id=tenant_id,
        campaign_id=campaign_id,
        release_id=release_id,
        n=n,
        outcome=outcome,
        reason=reason,
        ranges=masks.ranges(masks.read(ranges)),
    )
    meta = now_meta(tenant_id, id=event_id("ended", release_id), actor="release")
    return Draft(Topic.REQUESTS, event, meta, subject=batch_id)
