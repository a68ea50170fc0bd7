"""Folds decisions into the rows that release and claim check."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from adapters.postgres import named_sql
from domain.authority import SendAuthorityTaken
from domain.campaign import (
    CampaignCancelled,
    CampaignFinished,
    CampaignLaunchBlocked,
    CampaignLaunched,
    CampaignPaused,
    CampaignResumed,
    CampaignScheduled,
    CampaignUnscheduled,
)
from domain.event import Event, Recorded
from domain.indexes import multirange
from domain.plan_limit import PlanLimitSet
from domain.sending import RESEND_ONCE, AmbiguityResolved, AudiencePlanned
from domain.sending_ip import SendingIpAdded, SendingIpCapSet, SendingIpRateSet, SendingIpRetired
from domain.suppression import ContactSuppressed, Scope, SuppressionLifted
from domain.tenant import (
    ContactFatigueSet,
    TenantCreated,
    TenantDailyLimitSet,
    TenantRestored,
    TenantSuspended,
)
from projections.fold import Connection
from streams.schedule import egress, volume

SQL = {**named_sql(Path(__file__).with_name("decisions.sql")), **volume.SQL, **egress.SQL}

Told = ContactSuppressed | SuppressionLifted

#: Event type → the statement that folds it, and what it adds to the event's own fields.
_STATEMENTS: dict[type[Event], tuple[str, dict[str, Any]]] = {
    CampaignScheduled: ("scheduled", {}),
    CampaignUnscheduled: ("not_scheduled", {}),
    CampaignLaunchBlocked: ("not_scheduled", {}),
    CampaignLaunched: ("launch", {}),
    CampaignPaused: ("campaign_state", {"state": "paused"}),
    CampaignResumed: ("campaign_state", {"state": "running"}),
    CampaignCancelled: ("campaign_state", {"state": "cancelled"}),
    CampaignFinished: ("campaign_finished", {}),
    AudiencePlanned: ("audience", {}),
    TenantCreated: ("tenant_created", {}),
    PlanLimitSet: ("tenant_plan", {}),
    TenantSuspended: ("tenant", {"may_send": False}),
    TenantRestored: ("tenant", {"may_send": True}),
    ContactFatigueSet: ("fatigue", {}),
    TenantDailyLimitSet: ("tenant_limit", {}),
    SendingIpAdded: ("ip", {}),
    SendingIpRetired: ("ip_retired", {}),
    SendingIpCapSet: ("cap", {}),
    SendingIpRateSet: ("rate", {}),
    SendAuthorityTaken: ("authority", {}),
    **volume.STATEMENTS,
    **egress.STATEMENTS,
}

#: The names of the event types that `fold` has a use for.
HANDLES = frozenset(cls.event_type.name for cls in _STATEMENTS) | {
    ContactSuppressed.event_type.name,
    SuppressionLifted.event_type.name,
}


async def fold(conn: Connection, records: Sequence[Recorded]) -> None:
    """Apply what concerns the schedule, in order; other events pass by."""
    async with conn.pipeline():
        for record in records:
            statement, extra = _STATEMENTS.get(type(record.event), ("", {}))
            if statement:
                await conn.execute(SQL[statement], _fields(record.event) | extra)
            if isinstance(record.event, CampaignLaunched | CampaignCancelled):
                await conn.execute(SQL["not_scheduled"], _fields(record.event))
        await _fold_suppressions(conn, records)


async def fold_resent(conn: Connection, records: Sequence[Recorded]) -> None:
    """Note which sends were let be tried again by policy: none is so twice."""
    for record in records:
        event = record.event
        if isinstance(event, AmbiguityResolved) and event.evidence == RESEND_ONCE:
            ranges = multirange(event.ranges)
            await conn.execute(
                SQL["resent"], {"batch_id": event.batch_id, "n": event.n, "ranges": ranges}
            )


def _fields(event: Event) -> dict[str, Any]:
    found = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    return {name: Jsonb(part) if isinstance(part, dict) else part for name, part in found.items()}


async def _fold_suppressions(conn: Connection, records: Sequence[Recorded]) -> None:
    """Set-based, for suppressions come by thousands. The last word in a scope counts."""
    last: dict[tuple[str, ...], tuple[Told, datetime]] = {}
    for record in records:
        event = record.event
        if isinstance(event, ContactSuppressed | SuppressionLifted):
            who = event.contact_id or event.address_hash
            last[event.tenant_id, who, event.scope, event.target] = event, record.meta.time
    everywhere = [found for found in last.values() if found[0].scope == Scope.PLATFORM]
    of_tenants = [found for found in last.values() if found[0].scope != Scope.PLATFORM]
    await _fold_scope(conn, everywhere, "_everywhere")
    await _fold_scope(conn, of_tenants, "")


async def _fold_scope(conn: Connection, last: Sequence[tuple[Told, datetime]], where: str) -> None:
    lifted = [found for found in last if isinstance(found[0], SuppressionLifted)]
    if lifted:
        await conn.execute(SQL["lift" + where], _columns(lifted))
    added = [found for found in last if isinstance(found[0], ContactSuppressed)]
    if added:
        await conn.execute(SQL["suppress" + where], _columns(added))


def _columns(found: Sequence[tuple[Told, datetime]]) -> dict[str, list[Any]]:
    names = ("tenant_id", "contact_id", "scope", "target", "address_hash", "reason")
    told = {name: [getattr(event, name) for event, _ in found] for name in names}
    return told | {"since": [since for _, since in found]}
