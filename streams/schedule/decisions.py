"""Folds decisions into the rows that release and claim check."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain.campaign import (
    CampaignCancelled,
    CampaignFinished,
    CampaignLaunched,
    CampaignPaused,
    CampaignResumed,
)
from domain.event import Event, Recorded
from domain.sending import AudiencePlanned
from domain.sending_ip import SendingIpAdded, SendingIpCapSet, SendingIpRateSet, SendingIpRetired
from domain.suppression import ContactSuppressed, SuppressionLifted
from domain.tenant import TenantCreated, TenantRestored, TenantSuspended
from projections.fold import Connection

SQL = named_sql(Path(__file__).with_name("decisions.sql"))

#: Event type → the statement that folds it, and what it adds to the event's own fields.
_STATEMENTS: dict[type[Event], tuple[str, dict[str, Any]]] = {
    CampaignLaunched: ("launch", {}),
    CampaignPaused: ("campaign_state", {"state": "paused"}),
    CampaignResumed: ("campaign_state", {"state": "running"}),
    CampaignCancelled: ("campaign_state", {"state": "cancelled"}),
    CampaignFinished: ("campaign_finished", {}),
    AudiencePlanned: ("audience", {}),
    TenantCreated: ("tenant_created", {}),
    TenantSuspended: ("tenant", {"may_send": False}),
    TenantRestored: ("tenant", {"may_send": True}),
    SendingIpAdded: ("ip", {}),
    SendingIpRetired: ("ip_retired", {}),
    SendingIpCapSet: ("cap", {}),
    SendingIpRateSet: ("rate", {}),
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
        await _fold_suppressions(conn, records)


def _fields(event: Event) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}


async def _fold_suppressions(conn: Connection, records: Sequence[Recorded]) -> None:
    """Set-based, for suppressions come by thousands. The last word on a contact counts."""
    last: dict[tuple[str, str], tuple[ContactSuppressed | SuppressionLifted, datetime]] = {}
    for record in records:
        event = record.event
        if isinstance(event, ContactSuppressed | SuppressionLifted):
            last[event.tenant_id, event.contact_id] = event, record.meta.time
    lifted = [event for event, _ in last.values() if isinstance(event, SuppressionLifted)]
    if lifted:
        await conn.execute(SQL["lift"], _contacts(lifted))
    added = [
        (event, since) for event, since in last.values() if isinstance(event, ContactSuppressed)
    ]
    if added:
        reasons = {
            "reason": [event.reason for event, _ in added],
            "since": [since for _, since in added],
        }
        await conn.execute(SQL["suppress"], _contacts([event for event, _ in added]) | reasons)


def _contacts(events: Sequence[ContactSuppressed | SuppressionLifted]) -> dict[str, list[Any]]:
    return {
        "tenant_id": [event.tenant_id for event in events],
        "contact_id": [event.contact_id for event in events],
    }
