"""Decisions about campaigns → a row each. The counters themselves move with the send ledger.

Tables of both belong to one read model (`send_ledger`) and are rebuilt together.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domain.campaign import (
    CampaignCancelled,
    CampaignDrafted,
    CampaignFinished,
    CampaignLaunchBlocked,
    CampaignLaunched,
    CampaignPaused,
    CampaignResumed,
    CampaignRevised,
    CampaignScheduled,
    CampaignUnscheduled,
)
from domain.event import Event, Recorded
from domain.sending import AudiencePlanned
from projections.fold import Connection
from projections.versions import versioned

STATES: dict[type[Event], str] = {
    CampaignDrafted: "draft",
    CampaignRevised: "draft",
    CampaignUnscheduled: "draft",
    CampaignLaunchBlocked: "draft",
    CampaignScheduled: "scheduled",
    CampaignLaunched: "running",
    CampaignPaused: "paused",
    CampaignResumed: "running",
    CampaignCancelled: "cancelled",
    CampaignFinished: "finished",
}
HANDLES = frozenset({*(decided.event_type.name for decided in STATES), "AudiencePlanned"})
#: What rows take over from the events' fields of the same names.
TOLD = (
    *("template_id", "content_id", "list_ids", "priority", "message_class"),
    *("launched_at", "expires_at"),
)


class Campaigns:
    """The campaign part of the ledger's fold, at one version of the tables."""

    def __init__(self, version: int) -> None:
        self._sql = versioned(Path(__file__).parent / "project.sql", version)

    async def apply(self, conn: Connection, records: Sequence[Recorded]) -> None:
        """A tenant's decisions lie in one partition, so the later one counts."""
        for record in records:
            event = record.event
            if isinstance(event, AudiencePlanned):
                await conn.execute(self._sql["plan_audience"], _audience(event))
            elif type(event) in STATES:
                await conn.execute(self._sql["decide"], _decision(record))


def _audience(event: AudiencePlanned) -> dict[str, Any]:
    names = ("tenant_id", "campaign_id", "step", "total", "batches")
    return {name: getattr(event, name) for name in names}


def _decision(record: Recorded) -> dict[str, Any]:
    event: Any = record.event
    ended = isinstance(event, CampaignCancelled | CampaignFinished)
    return {name: getattr(event, name, None) for name in TOLD} | {
        "tenant_id": event.tenant_id,
        "campaign_id": event.campaign_id,
        "state": STATES[type(event)],
        "pos": record.offset if record.pos is None else record.pos,
        "reason": getattr(event, "reason", "") or ", ".join(getattr(event, "reasons", ())),
        "drafted_at": record.meta.time if isinstance(event, CampaignDrafted) else None,
        "ended_at": record.meta.time if ended else None,
    }
