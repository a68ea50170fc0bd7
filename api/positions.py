"""Reading one's own writes: a question waits until its read models have applied a position."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Annotated

from aiokafka.partitioner import murmur2
from fastapi import Header, Query

from adapters.kafka_log import declared_topics
from api.problems import Problem
from domain.event import Topic
from projections.reads import Reads

WAIT_MAX_S = 2.0
LOOK_EVERY_S = 0.05
#: How far each active read model has applied the decisions of one partition. One that has no
#: cursor there does not follow decisions, or was just rebuilt and is far enough by definition.
APPLIED = """
SELECT m.name, c.last_pos FROM app.read_model AS m
JOIN app.cursor AS c ON c.reader = m.name || '_v' || m.version
WHERE m.state = 'active' AND c.topic = %(topic)s AND c.part = %(part)s
  AND (cardinality(%(models)s::text[]) = 0 OR m.name = ANY(%(models)s))
"""

PositionQuery = Annotated[
    int,
    Query(
        ge=0,
        le=2**63 - 1,
        description="wait until the answer shows what a command's `position` tells of",
        examples=[4711],
    ),
]
PositionHeader = Annotated[
    int,
    Header(alias="PM-Min-Position", ge=0, le=2**63 - 1, description="as min_position"),
]


async def reached(reads: Reads, tenant_id: str, position: int, models: Sequence[str] = ()) -> None:
    """Return once these read models (none named: all) have applied the tenant's position.

    Raises Problem not_yet after WAIT_MAX_S.
    """
    until = monotonic() + WAIT_MAX_S
    while not await _applied(reads, tenant_id, position, models):
        if monotonic() >= until:
            raise Problem("not_yet", f"position {position} is not read yet; ask again", wait_s=1)
        await asyncio.sleep(LOOK_EVERY_S)


async def _applied(reads: Reads, tenant_id: str, position: int, models: Sequence[str]) -> bool:
    async with reads.of_nobody() as bound:
        rows = await bound.rows(
            APPLIED, topic=Topic.DECISIONS.value, part=part_of(tenant_id), models=list(models)
        )
    return bool(rows) and all(row["last_pos"] >= position for row in rows)


def part_of(tenant_id: str) -> int:
    """The partition of a tenant's decisions, by the hash of Kafka's own producers."""
    hashed: int = murmur2(tenant_id.encode())
    count: int = declared_topics()[Topic.DECISIONS.value]["partitions"]
    return (hashed & 0x7FFFFFFF) % count
