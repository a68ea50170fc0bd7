"""Runs one step of an agent to its end, whatever happens: done, dead-lettered, or the process dies.

Faust takes an exception in an agent for "done" and commits the event
(reference/eventsourcing.md §2.2), so none may leave a step.
"""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import faust
import psycopg
import structlog
from psycopg_pool import PoolTimeout

from adapters.codec import Undecodable
from adapters.kafka_log import LogUnavailable
from domain.ports import ConcurrentAppend, DeadLetters, StoreUnavailable

log = structlog.get_logger(__name__)

#: Kafka or Postgres is away or busy: no fault of the record, which waits as long as it takes.
OUTAGES: tuple[type[Exception], ...] = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    LogUnavailable,
    StoreUnavailable,
    ConcurrentAppend,
    OSError,
)
OUTAGE_PAUSE_S, OUTAGE_PAUSE_MAX_S = 0.2, 5.0
#: Own faults are tried three times more (design-fixes.md 17).
RETRY_PAUSES_S = (2.0, 6.0, 14.0)
EXIT_UNKEPT = 70

Step = Callable[[Any], Awaitable[None]]


def agent(app: faust.App, channel: Any, name: str, step: Step, letters: DeadLetters) -> None:
    """Put an agent on the app that runs the step over a channel's records, one after another."""

    @app.agent(channel, name=name, concurrency=1)
    async def attending(stream: Any) -> None:
        events: AsyncIterator[Any] = stream.events()
        async for event in events:
            await guarded(step, event.message, letters)


async def guarded(
    step: Step, record: Any, letters: DeadLetters, pauses_s: Sequence[float] = RETRY_PAUSES_S
) -> None:
    """Return once the step is done or the record is among the dead letters. Never raises.

    A record that cannot even be kept there ends the process: it is read again after the restart.
    """
    reason = await _reason_to_give_up(step, record, pauses_s)
    if not reason:
        return
    try:
        await letters.put(record, reason)
    except Exception as error:  # noqa: BLE001 - the guard is where every failure ends
        log.critical("dead_letter_not_kept", error=repr(error), **_place(record))
        os._exit(EXIT_UNKEPT)
    log.error("record_dead_lettered", reason=reason.splitlines()[-1], **_place(record))


async def _reason_to_give_up(step: Step, record: Any, pauses_s: Sequence[float]) -> str:
    """Empty once the step is done, else why trying again is of no use."""
    faults, outages = 0, 0
    while True:
        try:
            await step(record)
        except Undecodable as error:
            return f"undecodable: {error}"
        except OUTAGES as error:
            log.warning("step_waits", error=repr(error), **_place(record))
            await asyncio.sleep(min(OUTAGE_PAUSE_MAX_S, OUTAGE_PAUSE_S * 2**outages))
            outages += 1
        except Exception as error:  # noqa: BLE001 - the guard is where every failure ends
            if faults == len(pauses_s):
                return traceback.format_exc()
            log.warning("step_failed", error=repr(error), **_place(record))
            await asyncio.sleep(pauses_s[faults])
            faults += 1
        else:
            return ""


def _place(record: Any) -> dict[str, Any]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}


async def kept_alive(what: str, turn: Callable[[], Awaitable[None]]) -> None:
    """One turn of a timer that the next turn repeats: an outage or a fault is told, not raised."""
    try:
        await turn()
    except OUTAGES as error:
        log.warning("turn_waits", what=what, error=repr(error))
    except Exception:
        log.exception("turn_failed", what=what)
