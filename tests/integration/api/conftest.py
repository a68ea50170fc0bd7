"""The API over real Postgres with two tenants' campaigns in its read models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from adapters import postgres
from domain.campaign import CampaignLaunched
from domain.event import Meta, Recorded, Topic
from domain.sending import AudiencePlanned, BatchPlanned, OutcomesRecorded, SliceStarted
from domain.sending_ip import SendingIpAdded, SendingIpCapSet
from projections import models
from tests.api_kit import BEGIN, api_of

SENDS = 7


def campaign_of(tenant: str) -> list[Any]:
    """A launched campaign: 7 sends, 5 accepted, 1 rejected, 1 still waiting; a capped IP."""
    own: dict[str, Any] = {"tenant_id": tenant, "campaign_id": f"cmp_{tenant}"}
    slice_: dict[str, Any] = {
        **own, "batch_id": f"bat_{tenant}", "release_id": f"rel_{tenant}", "n": 1,
        "ip": f"ip_{tenant}", "provider": "gmail",
    }  # fmt: skip
    common: dict[str, Any] = {"content_id": "cnt_1", "priority": "normal", "message_class": "bulk"}
    return [
        SendingIpAdded(
            tenant_id=tenant, ip=f"ip_{tenant}", address="192.0.2.1", route="mx", relay_host="",
            relay_port=0,
        ),
        SendingIpCapSet(
            tenant_id=tenant, ip=f"ip_{tenant}", provider="*", cap_per_day=10, reason="warm-up"
        ),
        CampaignLaunched(
            **own, **common, list_ids=["lst_1"], sender_id="sdr_1", domain_id="dom_1",
            ips=[f"ip_{tenant}"], sign="none", launched_at=BEGIN, expires_at=BEGIN,
        ),
        BatchPlanned(
            **own, **common, batch_id=f"bat_{tenant}", step=1, provider="gmail", due_at=BEGIN,
            expires_at=BEGIN, size=SENDS,
            send_ids=[f"snd_{tenant}_{idx}" for idx in range(SENDS)],
            contact_ids=[f"lea_{tenant}_{idx}" for idx in range(SENDS)],
        ),
        AudiencePlanned(**own, step=1, total=SENDS, batches=1),
        SliceStarted(
            **slice_, ranges=[[0, 6]], cap_day=BEGIN.date(), cap_per_day=10, deadline_at=BEGIN,
            owner="o", journal="j",
        ),
        OutcomesRecorded(
            **slice_, source="owner",
            results=[
                {"outcome": "accepted", "reason": "ACCEPTED", "ranges": [[0, 5]], "code": 250},
                {"outcome": "rejected", "reason": "UNKNOWN_USER", "ranges": [[5, 6]], "code": 550},
            ],
        ),
    ]  # fmt: skip


@pytest.fixture
async def filled(dsn: str) -> str:
    """A database with the campaigns of ten_a and ten_b; its DSN."""
    models.ensure_schemas(dsn)
    events = [event for tenant in ("ten_a", "ten_b") for event in campaign_of(tenant)]
    records = [
        Recorded(
            event=event,
            meta=Meta(id=f"evt_{offset}", time=BEGIN, tenant_id=event.tenant_id),
            topic=type(event).event_type.topics[0].value,
            partition=0,
            offset=offset,
        )
        for offset, event in enumerate(events, start=1)
    ]
    async with await postgres.connect(dsn, "pm_projector") as conn:
        for model in models.MODELS.values():
            fold = model.fold(1)
            async with conn.transaction():
                await fold.apply(conn, [r for r in records if Topic(r.topic) in fold.topics])
            await conn.execute(
                "INSERT INTO app.freshness (reader, caught_up_at) VALUES (%s, clock_timestamp())",
                (fold.reader,),
            )
    return dsn


@pytest.fixture
async def client(filled: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Asks as the operator about ten_a."""
    async with api_of(filled) as made:
        yield made
