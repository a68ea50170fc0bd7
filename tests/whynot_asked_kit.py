"""Questions why something is not sending, to a world of real rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from adapters import postgres
from domain.campaign import CampaignDrafted, CampaignLaunched
from domain.event import Meta, Recorded
from projections import models
from projections.fold import Connection
from projections.reads import Bound
from projections.whynot import why
from projections.whynot.limits import Limit
from projections.whynot.why import Answer
from tests.release_kit import World
from tests.schedule_kit import KeptLog
from tests.whynot_kit import a_releaser


class Asked:
    """A world with its read models, a releaser that stands by, and questions to it."""

    def __init__(self, world: World, conn: Connection) -> None:
        self.world, self.conn, self.told = world, conn, 0

    async def tell(self, *events: Any) -> None:
        """The schedule and the read models fold these."""
        await self.world.tell(*[event for event in events if type(event) is not CampaignDrafted])
        records = []
        for event in events:
            self.told += 1
            topic = type(event).event_type.topics[0].value
            meta = Meta(id=f"evt_{self.told}", time=datetime.now(UTC), tenant_id=event.tenant_id)
            records.append(Recorded(event=event, meta=meta, topic=topic, offset=self.told))
        async with await postgres.connect(self.world.dsn, "pm_projector") as conn:
            for name in ("volume", "send_ledger", "sending_ips"):
                fold = models.MODELS[name].fold(1)
                known = [one for one in records if one.topic in fold.topics]
                async with conn.transaction():
                    await fold.apply(conn, known)

    async def tick(self) -> None:
        async with self.world.releaser(KeptLog()) as releaser:
            await releaser.tick()

    async def ask(self, question: Any, tenant_id: str, thing: str, *more: Any) -> Answer:
        async with a_releaser(self.world.dsn):
            found: Answer | None = await question(Bound(self.conn, tenant_id), thing, *more)
        assert found is not None
        return found

    async def campaign(self, launch: CampaignLaunched) -> Answer:
        return await self.ask(why.of_a_campaign, launch.tenant_id, launch.campaign_id)

    async def binding(self, launch: CampaignLaunched) -> Limit:
        found = (await self.campaign(launch)).binding
        assert found is not None
        return found

    @asynccontextmanager
    async def releaser(self) -> AsyncIterator[None]:
        """As if one were active."""
        async with a_releaser(self.world.dsn):
            yield


def drafted(launch: CampaignLaunched) -> CampaignDrafted:
    """The draft that a launch was."""
    names = ("tenant_id", "campaign_id", "content_id", "list_ids", "sender_id", "domain_id", "ips")
    plain = {name: getattr(launch, name) for name in (*names, "priority", "message_class", "sign")}
    return CampaignDrafted(**plain, template_id="tpl_1", expire_after_s=3600)
