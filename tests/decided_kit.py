"""Read models brought up with the decisions that a test's API has taken, without Kafka."""

from __future__ import annotations

from typing import Any

import httpx2
import psycopg
from psycopg.rows import dict_row

from adapters import codec, postgres
from adapters.decision_log import type_of
from domain.event import Meta, Recorded, Topic
from projections import models

DECIDED = """
SELECT notification_id AS pos, event_id, topic, state, tenant_id, actor, correlation, recorded_at
FROM es.decision_events ORDER BY notification_id
"""


def decided(dsn: str) -> list[Recorded]:
    """Every decision of a database, as the relay would tell it."""
    with psycopg.connect(dsn, row_factory=dict_row) as conn:
        return [_recorded(row) for row in conn.execute(DECIDED).fetchall()]


async def follow(dsn: str, *names: str) -> None:
    """Fold every decision into these read models; all again, which must change nothing."""
    models.ensure_schemas(dsn)
    records = decided(dsn)
    async with await postgres.connect(dsn, "pm_projector") as conn:
        for name in names:
            async with conn.transaction():
                await models.MODELS[name].fold(1).apply(conn, records)


async def done(answer: Any, status: int = 200) -> dict[str, Any]:
    """The body of an answer that is what was asked for."""
    response: httpx2.Response = await answer
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


async def refused(answer: Any, status: int, *words: str) -> None:
    """A problem of this status, whose text says these words."""
    response: httpx2.Response = await answer
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    for word in words:
        assert word in response.text


def _recorded(row: dict[str, Any]) -> Recorded:
    name, version = type_of(row["topic"])
    return Recorded(
        event=codec.decode(name, version, bytes(row["state"])),
        meta=Meta(
            id=str(row["event_id"]),
            time=row["recorded_at"],
            tenant_id=row["tenant_id"],
            actor=row["actor"],
            correlation=row["correlation"],
        ),
        topic=Topic.DECISIONS.value,
        partition=0,
        offset=row["pos"],
        pos=row["pos"],
    )
