"""`penguin seed`, step by step: people and decisions, then attempts, then what was requested.

Attempts come before the requests that they answer, and each step waits until the schedule has read
the one before: so it never finds anything to release, and nothing of this is mailed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from adapters.kafka_log import Draft, KafkaLog
from adapters.message.template_file import parse_template
from domain.event import Topic
from domain.ids import deriver
from ops.seed import keeping, sends
from ops.seed.reading import everyone_has_read
from ops.seed.shape import Shape, check, shares
from ops.seed.world import World
from ops.where import Where

TEMPLATE = Path(__file__).parents[2] / "examples" / "welcome.html"
APPEND_AT_ONCE = 100  # records, of at most 46 KB each
TELL_EVERY_S = 2.0


@dataclass
class Filled:
    """What seeding came to. Records that lay in the log before are counted as well."""

    tenants: int = 0
    leads: int = 0
    campaigns: int = 0
    sends: int = 0
    batches: int = 0
    decisions: int = 0
    records: int = 0
    elapsed_s: float = 0.0


class Ticker:
    """A line on stderr now and then."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def tell(self, text: Callable[[], str]) -> None:
        if time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = time.monotonic()
            print(text(), file=sys.stderr, flush=True)


def seed(where: Where, shape: Shape) -> Filled:
    """Fill the stack. Safe to repeat after being broken off: all ids are the same then.

    Raises Usage, and Missing when the stack's readers do not run.
    """
    check(shape)
    begun, filled, ticker = time.monotonic(), Filled(), Ticker()
    _keep_all(where, shape, filled, ticker)
    asyncio.run(_append_all(where, shape, filled, ticker))
    filled.elapsed_s = round(time.monotonic() - begun, 1)
    return filled


def _worlds(where: Where, shape: Shape) -> Iterator[World]:
    content, now, key = parse_template(TEMPLATE), datetime.now(UTC), where.id_key.encode()
    seeds: dict[str, Callable[..., str]] = {}

    def derive(prefix: str, *parts: object) -> str:
        if prefix not in seeds:
            seeds[prefix] = deriver(key, prefix)
        return seeds[prefix](*parts)

    for share in shares(shape):
        yield World(share, content, now, derive)


def _keep_all(where: Where, shape: Shape, filled: Filled, ticker: Ticker) -> None:
    with keeping.Keeper.at(where) as keeper:
        keeper.check_same_shape(next(_worlds(where, shape)))
        for group in keeping.groups(_worlds(where, shape)):
            filled.decisions += keeper.keep(group)
            filled.tenants += len(group)
            filled.leads += sum(world.share.leads for world in group)
            filled.campaigns += sum(len(world.mailings) for world in group)
            filled.sends += sum(sum(world.share.campaigns) for world in group)
            ticker.tell(lambda: f"tenants {filled.tenants:,} of {shape.tenants:,}")


async def _append_all(where: Where, shape: Shape, filled: Filled, ticker: Ticker) -> None:
    """Decisions are told by the relay; then attempts; then requests."""
    await _read(where, (Topic.DECISIONS,), ticker)
    async with KafkaLog(where.bootstrap, where.prefix, linger_ms=5) as log:
        for topic, written in (
            (Topic.ATTEMPTS, sends.attempted),
            (Topic.REQUESTS, sends.requested),
        ):
            drafts = (
                draft
                for world in _worlds(where, shape)
                for mailing in world.mailings
                for draft in written(world, mailing)
            )
            await _append(log, drafts, filled, ticker)
            await _read(where, (topic,), ticker)


async def _append(log: KafkaLog, drafts: Iterator[Draft], filled: Filled, ticker: Ticker) -> None:
    while chunk := list(islice(drafts, APPEND_AT_ONCE)):
        await log.append(chunk)
        filled.records += len(chunk)
        filled.batches += sum(
            type(draft.event).event_type.name == "BatchPlanned" for draft in chunk
        )
        ticker.tell(lambda: f"records {filled.records:,} for {filled.sends:,} sends")


async def _read(where: Where, topics: tuple[Topic, ...], ticker: Ticker) -> None:
    async for left in everyone_has_read(where, topics):
        ticker.tell(lambda left=left: f"readers have {left:,} records before them")  # type: ignore[misc]


def as_json(filled: Filled) -> dict[str, Any]:
    """What scripts read."""
    return {**vars(filled), "first_tenant": f"seed-{1:06}"}
