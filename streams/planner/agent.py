"""pm.decisions → the frozen audience of each launched campaign → pm.requests."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Any

import structlog

from adapters import codec
from domain.campaign import CampaignLaunched
from domain.event import Topic
from domain.ports import DeadLetters
from streams import guard, timers
from streams.planner import unplanned
from streams.planner.planning import PlannerDeps, Planning
from streams.runtime import StreamRuntime

READS = (Topic.DECISIONS,)
WRITES = (Topic.REQUESTS,)
BACKED_BY = (
    "pipeline.plan: accepted before the event counts as done, looked at again every second;"
    " pipeline.campaign: what runs there without a plan was passed over, and is planned"
)

LOOK_EVERY_S = 1.0
PLANS_AT_ONCE = 3  # a large audience does not hold up a small one
LAUNCHED = b"CampaignLaunched"

log = structlog.get_logger(__name__)


def install(app: StreamRuntime, deps: PlannerDeps, letters: DeadLetters) -> None:
    """Put the planning agent and its loop on the app."""
    planning = Planning(deps)
    desk = Desk(planning)

    async def step(record: Any) -> None:
        if dict(record.headers).get("ce_type") != LAUNCHED:
            return
        event = codec.recorded(record).event
        assert isinstance(event, CampaignLaunched)  # noqa: S101 - by its name
        await planning.accept(event)
        desk.wake()

    guard.agent(app, READS, "planning", step, letters)
    app.beside(desk.work)

    async def pick_up() -> None:
        for launched in await unplanned.missed(deps.pool, unplanned.AGE_S):
            await planning.accept(launched)
            desk.wake()

    timers.every(app, unplanned.LOOK_EVERY_S, "unplanned", pick_up)


class Desk:
    """Works on open plans, a few at once, woken by a launch or by the clock."""

    def __init__(self, planning: Planning) -> None:
        self._planning = planning
        self._woken = asyncio.Event()
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._tried: dict[str, int] = {}  # how often; a plan that has to wait lets others pass

    def wake(self) -> None:
        """There is something new."""
        self._woken.set()

    async def work(self) -> None:
        """Look for open plans until cancelled."""
        try:
            while True:
                await guard.kept_alive("planning", self._take_up)
                await self._pause()
        finally:
            for task in self._at_work.values():
                task.cancel()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._woken.wait()
        self._woken.clear()

    async def _take_up(self) -> None:
        found = await self._planning.open_plans()
        self._tried = {name: self._tried.get(name, 0) for name in found}
        for campaign_id in sorted(found, key=self._tried.__getitem__):
            if len(self._at_work) >= PLANS_AT_ONCE:
                return
            if campaign_id not in self._at_work:
                self._tried[campaign_id] += 1
                self._at_work[campaign_id] = asyncio.create_task(self._plan(campaign_id))

    async def _plan(self, campaign_id: str) -> None:
        try:
            await guard.kept_alive(f"planning {campaign_id}", partial(self._turn, campaign_id))
        finally:
            del self._at_work[campaign_id]

    async def _turn(self, campaign_id: str) -> None:
        try:
            if await self._planning.advance(campaign_id):
                log.info("audience_planned", campaign_id=campaign_id)
                self._woken.set()
        except LookupError as missing:
            log.info("planning_waits", campaign_id=campaign_id, reason=str(missing))
