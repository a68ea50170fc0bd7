"""pm.attempts, pm.signals, pm.decisions → QuotaSet, RateChanged, Breaker…, VolumeAdvanced."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import structlog

from domain.event import Topic
from domain.ports import DeadLetters
from streams import guard, timers
from streams.runtime import StreamRuntime
from streams.volume.control import Control
from streams.volume.sifting import TOPICS
from streams.volume.store import PostgresStore, Unfit

READS = TOPICS
WRITES = (Topic.DECISIONS,)
BACKED_BY = (
    "pipeline.volume_cursor and .volume_state, moved in one transaction with the decisions (ADR"
    " 0010): what was acknowledged and not folded is read from Kafka directly, at start or sooner"
)

TAKE_MAX, TAKE_WITHIN_S = 500, 0.5
WAKE_EVERY_S = 1.0
REPORT_EVERY_S = 5.0
CATCH_UP_EVERY_S = 20.0
FORGET_EVERY_S = 3600.0
EXIT_REFUSED = 70

log = structlog.get_logger(__name__)


class Gathering:
    """Records on their way into a turn. The group's offsets are no more than a hint here."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._gathered: list[Any] = []

    async def step(self, record: Any) -> None:
        """Keep it for the next turn; when there are many, that is now."""
        self._gathered.append(record)
        if len(self._gathered) >= TAKE_MAX:
            await self.fold()

    async def fold(self) -> None:
        """Fold what was gathered; returns when it is committed."""
        gathered, self._gathered = self._gathered, []
        if gathered:
            await done(partial(self._control.hear, gathered))


def install(
    app: StreamRuntime, control: Control, store: PostgresStore, letters: DeadLetters
) -> None:
    """Put the agent and its timers on the app."""
    gathering = Gathering(control)
    guard.agent(app, TOPICS, "volume control", gathering.step, letters)

    async def report() -> None:
        await store.report(await control.lag(), await store.now())

    async def catch_up() -> None:
        await done(control.catch_up)

    timers.every(app, TAKE_WITHIN_S, "volume", gathering.fold)

    async def wake() -> None:
        await done(control.wake)

    timers.every(app, WAKE_EVERY_S, "volume waking", wake)
    timers.every(app, REPORT_EVERY_S, "volume reporting", report)
    timers.every(app, CATCH_UP_EVERY_S, "volume catching up", catch_up)
    timers.every(app, FORGET_EVERY_S, "volume forgetting", store.forget_signals)
    app.before_stop(gathering.fold)


async def done(
    work: Callable[[], Awaitable[None]], pauses_s: Sequence[float] = guard.RETRY_PAUSES_S
) -> None:
    """Return once the work is done. Never raises; what cannot be done ends the process.

    Poison is among the dead letters by then, record by record: what is left is an outage, which is
    waited for, or a fault of ours, after which a restart reads again from the cursor.
    """
    faults, outages = 0, 0
    while True:
        try:
            await work()
        except guard.OUTAGES as error:
            log.warning("turn_waits", error=repr(error))
            pause_s = min(guard.OUTAGE_PAUSE_MAX_S, guard.OUTAGE_PAUSE_S * 2**outages)
            outages += 1
        except Unfit as error:
            log.critical("volume_control_refuses", reason=str(error))
            os._exit(EXIT_REFUSED)
        except Exception as error:
            if faults == len(pauses_s):
                log.exception("turn_failed", what="volume control")
                os._exit(EXIT_REFUSED)
            log.warning("turn_failed", error=repr(error))
            pause_s = pauses_s[faults]
            faults += 1
        else:
            return
        await asyncio.sleep(pause_s)
