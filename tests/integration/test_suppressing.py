"""Who is refused for good gets no more mail; who meets a policy answer keeps getting it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from adapters import codec, postgres
from adapters.event_store import InThread
from adapters.kafka_log import now_meta
from adapters.memory import MemoryDecider
from domain.sending import OutcomesRecorded, Result
from domain.suppression import ContactSuppressed
from projections.models import ensure_schemas
from streams.suppressing import Suppressing, SuppressingDeps
from tests import pipeline_world as world

pytestmark = pytest.mark.stack


@dataclass
class Desk:
    suppressing: Suppressing
    decider: MemoryDecider

    @property
    def suppressed(self) -> list[tuple[str, str]]:
        events = [recorded.event for recorded in self.decider.log]
        return [(e.contact_id, e.reason) for e in events if isinstance(e, ContactSuppressed)]


@pytest.fixture
async def desk(dsn: str) -> AsyncIterator[Desk]:
    decider = MemoryDecider()
    async with postgres.pool(dsn, "pm_worker") as pool, postgres.pool(dsn, "pm_api") as api_pool:
        deps = SuppressingDeps(pool, api_pool, InThread(decider), "key")
        yield Desk(Suppressing(deps), decider)


@pytest.fixture
def released(dsn: str) -> world.Released:
    return world.release(dsn, [f"a{number}@gmail.test" for number in range(6)])


def told(released: world.Released, *results: Result) -> Any:
    """The record of a slice's outcomes, as an agent gets it."""
    event = OutcomesRecorded(
        release_id=released.release_id,
        batch_id=released.batch_id,
        tenant_id=released.tenant.tenant_id,
        campaign_id=released.launch.campaign_id,
        n=1,
        ip=released.tenant.ip,
        provider="google",
        source="owner",
        results=list(results),
    )
    headers = codec.headers(event, now_meta(event.tenant_id), subject=event.batch_id)
    value = codec.encode(event)
    return SimpleNamespace(topic="", partition=0, offset=1, headers=headers, value=value)


def rejected(reason: str, *indexes: int) -> Result:
    ranges = [[index, index + 1] for index in indexes]
    return Result(outcome="rejected", reason=reason, ranges=ranges)


async def test_an_address_that_was_refused_for_good_is_suppressed(
    desk: Desk, released: world.Released
) -> None:
    record = told(
        released,
        rejected("INVALID_RECIPIENT", 1, 4),
        Result(outcome="accepted", reason="ACCEPTED", ranges=[[0, 1]]),
    )

    await desk.suppressing.hear(record)

    wanted = {released.contacts[1], released.contacts[4]}
    assert set(desk.suppressed) == {(contact, "hard_bounce") for contact in wanted}


@pytest.mark.parametrize("reason", ["REPUTATION_BLOCK", "CONTENT", "AUTH_FAIL", "UNKNOWN"])
async def test_i12_a_policy_or_reputation_answer_suppresses_nobody(
    reason: str, desk: Desk, released: world.Released
) -> None:
    await desk.suppressing.hear(told(released, rejected(reason, 0, 1)))

    assert desk.suppressed == []


async def test_a_deferral_suppresses_nobody(desk: Desk, released: world.Released) -> None:
    deferred = Result(outcome="deferred", reason="INVALID_RECIPIENT", ranges=[[0, 6]])

    await desk.suppressing.hear(told(released, deferred))

    assert desk.suppressed == []


async def test_a_record_heard_twice_suppresses_once(desk: Desk, released: world.Released) -> None:
    record = told(released, rejected("INACTIVE", 2))

    await desk.suppressing.hear(record)
    await desk.suppressing.hear(record)

    assert desk.suppressed == [(released.contacts[2], "hard_bounce")]


async def test_what_the_agent_missed_the_sweep_finds_in_the_ledger(
    dsn: str, desk: Desk, released: world.Released
) -> None:
    ensure_schemas(dsn)
    for reason, index in (("INVALID_RECIPIENT", 3), ("CONTENT", 5)):
        world.change(
            dsn,
            "INSERT INTO rm.send_fact VALUES (%s, %s, %s, 0, 'rejected', 1,"
            " int4multirange(int4range(%s, %s)), '{}', now(), 'ip', 'owner', %s, 'rcpt', 550, '',"
            " 'rel', 'pm.attempts', 0, 1)",
            released.tenant.tenant_id,
            released.batch_id,
            f"evt_{index}",
            index,
            index + 1,
            reason,
        )

    await desk.suppressing.sweep()
    await desk.suppressing.sweep()

    assert desk.suppressed == [(released.contacts[3], "hard_bounce")]


async def test_without_a_ledger_the_sweep_finds_nothing(
    desk: Desk, released: world.Released
) -> None:
    assert released.contacts

    await desk.suppressing.sweep()

    assert desk.suppressed == []
