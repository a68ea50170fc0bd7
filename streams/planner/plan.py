"""What a plan is: a launch, and the batches that its frozen audience is cut into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from adapters.kafka_log import Draft, now_meta
from domain.campaign import CampaignLaunched
from domain.event import Topic
from domain.ids import deriver
from domain.sending import BATCH_SIZE_MAX, AudiencePlanned, BatchPlanned

STEP = 1  # campaigns have one step


@dataclass(frozen=True)
class Chunk:
    """Part of a provider's share of the audience; becomes one batch."""

    ordinal: int
    batch_id: str
    provider: str
    number: int  # within the provider and zone, from 0
    size: int
    zone: str = ""  # of its contacts' clocks, where the window goes by them


class Frozen(NamedTuple):
    """A frozen batch as it is to be written."""

    batch_id: str
    provider: str
    contacts: Sequence[str]
    zone: str
    due_at: datetime | None  # None: frozen before windows were known
    expires_at: datetime | None


class Identities:
    """The derived ids of everything planned: planning again names everything the same."""

    def __init__(self, id_key: str) -> None:
        key = id_key.encode()
        self._batch: Callable[..., str] = deriver(key, "bat")
        self._send: Callable[..., str] = deriver(key, "snd")
        self._event: Callable[..., str] = deriver(key, "evt")

    def chunks(self, campaign_id: str, counts: Iterable[tuple[str, str, int]]) -> list[Chunk]:
        """Cut (provider, zone, contacts) into chunks of at most a batch, in a fixed order."""
        found: list[Chunk] = []
        for provider, zone, count in counts:
            for number, start in enumerate(range(0, count, BATCH_SIZE_MAX)):
                of_zone = (zone,) if zone else ()
                batch_id = self._batch(campaign_id, STEP, provider, number, *of_zone)
                size = min(BATCH_SIZE_MAX, count - start)
                found.append(Chunk(len(found), batch_id, provider, number, size, zone))
        return found

    def batch_planned(self, launched: CampaignLaunched, batch: Frozen) -> Draft:
        """The record that requests a batch's sends."""
        tenant_id, campaign_id = launched.tenant_id, launched.campaign_id
        batch_id, contacts = batch.batch_id, batch.contacts
        event = BatchPlanned(
            batch_id=batch_id,
            tenant_id=tenant_id,
            campaign_id=campaign_id,
            step=STEP,
            content_id=launched.content_id,
            provider=batch.provider,
            priority=launched.priority,
            message_class=launched.message_class,
            due_at=batch.due_at or launched.launched_at,
            expires_at=batch.expires_at or launched.expires_at,
            size=len(contacts),
            send_ids=[self._send(tenant_id, campaign_id, STEP, contact) for contact in contacts],
            contact_ids=list(contacts),
            zone=batch.zone,
        )
        meta = now_meta(tenant_id, id=self._event("planned", batch_id))
        return Draft(Topic.REQUESTS, event, meta, subject=batch_id)

    def audience_planned(self, launched: CampaignLaunched, total: int, batches: int) -> Draft:
        """The record that ends a campaign's planning."""
        campaign_id = launched.campaign_id
        event = AudiencePlanned(
            campaign_id=campaign_id,
            tenant_id=launched.tenant_id,
            step=STEP,
            total=total,
            batches=batches,
        )
        meta = now_meta(launched.tenant_id, id=self._event("audience", campaign_id, STEP))
        return Draft(Topic.REQUESTS, event, meta, subject=campaign_id)
