"""Records that should not be: ones that nobody can read, and ones that were there before."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from adapters.kafka_log import declared_topics
from domain.ids import new_id
from ops import log_tail
from ops.chaos.plan import Fault
from ops.stack.stack import Stack

APPEND_TIMEOUT_S = 20.0
ABOUT = "bat_chaospoisonaaaaaaaaaaaaaaaa"  # no batch: what is poisoned is parked by its subject
ORIGIN = "dlq_origin"
TOPICS = ("pm.due.normal", "pm.requests", "pm.attempts")


async def poison(stack: Stack, fault: Fault, rng: random.Random) -> list[str]:
    """Append so many records that are broken in different ways; where they lie."""
    topics = fault.topics or TOPICS
    made = [(rng.choice(topics), *_broken(rng)) for _ in range(fault.records)]
    places = await _append(
        stack, [(topic, None, b"chaos", value, head) for topic, value, head in made]
    )
    with poison_file(stack.data).open("a") as file:
        file.writelines(f"{place}\n" for place in places)
    return places


def poison_file(data: Path) -> Path:
    """Notes every poisoned place of a stack, a line each: a later run expects them too."""
    path = data / "chaos" / "poisoned"
    path.parent.mkdir(exist_ok=True)
    return path


async def unlettered(stack: Stack, places: Collection[str], within_s: float) -> list[str]:
    """Those of these places that are in no dead-letter topic, once readers had time for them."""
    deadline = time.monotonic() + within_s
    while True:
        left = sorted(set(places) - await _lettered(stack))
        if not left or time.monotonic() > deadline:
            return left
        await asyncio.sleep(1)


async def _lettered(stack: Stack) -> set[str]:
    found: set[str] = set()
    topics = [name for name in declared_topics() if name.endswith(".dlq")]
    async with log_tail.opened(stack.bootstrap, "", topics) as tail:
        async for records in tail.until(await tail.ends()):
            for record in records:
                found |= {value.decode() for name, value in record.headers if name == ORIGIN}
    return found


def _broken(rng: random.Random) -> tuple[bytes, list[tuple[str, bytes]]]:
    kind, version = rng.choice(("SliceStarted", "BatchPlanned", "SliceReleased")), b"1"
    value = rng.choice((b"{", b"[]", b'{"batch_id": 7}', rng.randbytes(64), b""))
    shape = rng.random()
    if shape < 1 / 3:
        kind = "NeverHeardOf"
    elif shape < 2 / 3:
        version = b"99"
    return value, [
        ("ce_specversion", b"1.0"),
        ("ce_id", new_id("evt").encode()),
        ("ce_type", kind.encode()),
        ("ce_source", b"/penguinmails"),
        ("ce_time", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()),
        ("ce_subject", ABOUT.encode()),
        ("v", version),
        ("tenant", b"chaos"),
    ]


async def repeat(stack: Stack, fault: Fault, rng: random.Random) -> None:
    """Append records of the log once more, as they were, in another order."""
    topics = fault.topics or ("pm.requests", "pm.attempts")
    found: list[Any] = []
    async with log_tail.opened(stack.bootstrap, "", topics) as tail:
        async for records in tail.until(await tail.ends()):
            found += [record for record in records if record.offset > 0]
    chosen = rng.sample(found, min(fault.records, len(found)))
    await _append(
        stack,
        [(each.topic, each.partition, each.key, each.value, each.headers) for each in chosen],
    )


Made = tuple[str, int | None, bytes | None, bytes, Iterable[tuple[str, bytes]]]


async def _append(stack: Stack, made: Sequence[Made]) -> list[str]:
    """Append in order; `topic/partition/offset` of each."""
    places = []
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.bootstrap, acks="all", max_request_size=4 << 20
    )
    await producer.start()
    try:
        async with asyncio.timeout(APPEND_TIMEOUT_S):
            for topic, partition, key, value, headers in made:
                sent = await producer.send_and_wait(
                    topic, value, key=key, partition=partition, headers=list(headers)
                )
                places.append(f"{sent.topic}/{sent.partition}/{sent.offset}")
    finally:
        await producer.stop()
    return places
