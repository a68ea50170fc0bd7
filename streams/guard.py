"""Runs one step of an agent to its end, whatever happens: done, dead-lettered, or the process dies.

No exception may leave a step (streams/runtime.py): here each one finds its end.
"""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Sequence
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from adapters.codec import Undecodable
from adapters.kafka_log import LogUnavailable
from domain.event import Topic
from domain.ports import ConcurrentAppend, DeadLetters, StoreUnavailable
from streams.runtime import EXIT_UNKEPT, Step, StreamRuntime, Work, place_of

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


def agent(
    app: StreamRuntime,
    topics: Sequence[Topic],
    name: str,
    step: Step,
    letters: DeadLetters,
    *,
    pauses_s: Sequence[float] = RETRY_PAUSES_S,
) -> None:
    """Put an agent on the runtime that runs the guarded step over the topics' records."""

    async def attended(record: Any) -> None:
        await guarded(step, record, letters, pauses_s)

    app.agent(topics, name, attended)


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
        log.critical("dead_letter_not_kept", error=repr(error), **place_of(record))
        os._exit(EXIT_UNKEPT)
    log.error("record_dead_lettered", reason=reason.splitlines()[-1], **place_of(record))


async def _reason_to_give_up(step: Step, record: Any, pauses_s: Sequence[float]) -> str:
    """Empty once the step is done, else why trying again is of no use."""
    faults, outages = 0, 0
    while True:
        try:
            await step(record)
        except Undecodable as error:
            return f"undecodable: {error}"
        except OUTAGES as error:
            log.warning("step_waits", error=repr(error), **place_of(record))
            await asyncio.sleep(min(OUTAGE_PAUSE_MAX_S, OUTAGE_PAUSE_S * 2**outages))
            outages += 1
        except Exception as error:  # noqa: BLE001 - the guard is where every failure ends
            if faults == len(pauses_s):
                return traceback.format_exc()
            log.warning("step_failed", error=repr(error), **place_of(record))
            await asyncio.sleep(pauses_s[faults])
            faults += 1
        else:
            return ""


async def kept_alive(what: str, turn: Work) -> None:
    """One turn of a timer that the next turn repeats: an outage or a fault is told, not raised."""
    try:
        await turn()
    except OUTAGES as error:
        log.warning("turn_waits", what=what, error=repr(error))
    except Exception:
        log.exception("turn_failed", what=what)
