"""Volume control on real Postgres and Kafka: cursors, states and decisions move together (I3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.event_store import EventStore
from adapters.kafka_log import Draft, KafkaLog, now_meta
from adapters.log_spans import KafkaSpans
from adapters.settings import Settings
from domain.sending import OutcomesRecorded, Result, SliceStarted
from domain.sending_ip import WarmupPlanChosen
from domain.signals import ComplaintReceived
from ops import volume_rebuild, volume_role
from ops.errors import DoesNotHold
from ops.volume_replay import replay
from ops.where import Where
from projections.cursors import partitions_of
from projections.models import ensure_schemas
from streams.volume import agent
from streams.volume.control import Control
from streams.volume.sifting import TOPICS
from streams.volume.store import Unfit
from tests.decision_oracle import caught_up
from tests.integration.test_relay import relaying, until

pytestmark = pytest.mark.stack

TENANT, IP = "ten_volume", "ip_volume"
PLACES = [(place.topic, place.partition) for place in partitions_of(TOPICS)]


class World:
    """One database and one prefix: what is told, and who folds it."""

    def __init__(self, dsn: str, bootstrap: str, prefix: str, log: KafkaLog) -> None:
        self.dsn, self.bootstrap, self.prefix, self.log = dsn, bootstrap, prefix, log

    def choose(self, plan: str = "standard", tenant: str = TENANT, ip: str = IP) -> None:
        """The tenant chooses a plan, as its API would."""
        chosen = WarmupPlanChosen(
            tenant_id=tenant, ip=ip, provider="*", plan=plan, curve=[], target=0, reason="test"
        )
        with EventStore(self.dsn, "pm_api") as store:
            store.transact(
                f"ip-{ip}", None, lambda state, _: state, lambda _: [chosen], tenant_id=tenant
            )

    async def send(
        self, number: int, *ends: tuple[str, str, int], tenant: str = TENANT, ip: str = IP
    ) -> None:
        """A slice starts and its messages come to these ends: (outcome, reason, code)."""
        about: dict[str, Any] = {
            "release_id": f"rel_{number}",
            "batch_id": f"bat_{number}",
            "tenant_id": tenant,
            "campaign_id": "cmp_a",
            "n": 1,
            "ip": ip,
            "provider": "yahoo",
            "domain_id": "dom_a",
        }
        started = SliceStarted(
            **about,
            ranges=[[0, len(ends)]],
            cap_day=date(2027, 1, 1),
            cap_per_day=None,
            deadline_at=datetime.now(UTC),
            owner="o",
            journal="j",
        )
        results = [
            Result(outcome=end, reason=why, ranges=[[at, at + 1]], phase="mail", code=code)
            for at, (end, why, code) in enumerate(ends)
        ]
        told = OutcomesRecorded(**about, source="owner", results=results)
        await self.log.append(
            [Draft("pm.attempts", event, now_meta(tenant)) for event in (started, told)]
        )

    @asynccontextmanager
    async def control(self, instance: str = "1") -> AsyncIterator[Control]:
        """A worker's control; left, it is as if the process had died."""
        settings = Settings(
            database_url=self.dsn,
            kafka_bootstrap=self.bootstrap,
            prefix=self.prefix,
            instance=instance,
        )
        async with AsyncExitStack() as stack:
            control, _, _ = await volume_role.opened(settings, stack)
            yield control

    async def fold(self) -> None:
        """Read all there is, decisions of ours included."""
        async with self.control() as control:
            for _ in range(3):
                await agent.done(control.catch_up)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as conn:
            return conn.execute(statement).fetchall()

    def decided(self) -> list[str]:
        """Types of what volume control decided, in order."""
        told = "SELECT topic FROM es.decision_events WHERE actor = 'volume_control'"
        return [topic for (topic,) in self.rows(f"{told} ORDER BY notification_id")]

    async def replayed(self) -> dict[str, tuple[bytes, ...]]:
        """States as the log alone tells them."""
        async with KafkaSpans(self.bootstrap, self.prefix) as spans:
            found = await replay(spans, PLACES, self.prefix)
        return {tenant_id: state.encoded() for tenant_id, state in found.states.items()}

    def where(self) -> Where:
        return Where(Path(), self.bootstrap, self.dsn, self.prefix)

    def stored(self) -> dict[str, tuple[bytes, ...]]:
        rows = self.rows("SELECT tenant_id, intake, state, reputation FROM pipeline.volume_state")
        return {tenant_id: tuple(map(bytes, parts)) for tenant_id, *parts in rows}


@pytest.fixture
async def world(dsn: str, server: dict[str, str], log_prefix: str) -> AsyncIterator[World]:
    async with (
        KafkaLog(server["bootstrap"], log_prefix) as log,
        relaying(dsn, server["bootstrap"], log_prefix),
    ):
        yield World(dsn, server["bootstrap"], log_prefix, log)


async def chosen(world: World) -> None:
    await asyncio.to_thread(world.choose)
    await until(partial(caught_up, world.dsn))
    await world.fold()


ACCEPTED = ("accepted", "ACCEPTED", 250)
BLOCKED = ("rejected", "REPUTATION_BLOCK", 550)


async def test_i3_mail_is_counted_once_and_a_replay_comes_to_the_same_bytes(world: World) -> None:
    """First mail that nobody governs, which moves the cursors alone."""
    for number in range(4):
        await world.send(number, ACCEPTED, BLOCKED)
    await world.fold()
    assert (world.decided(), world.stored()) == ([], {})
    moved = world.rows("SELECT sum(next_offset) FROM pipeline.volume_cursor")
    assert moved[0][0] == len(PLACES) + 8  # the log's marks, starts and outcomes

    await chosen(world)
    await world.send(5, ACCEPTED, ACCEPTED)
    await world.fold()
    async with world.control("1") as one, world.control("2") as other:
        for control in (one, other):
            await control.catch_up()
        await world.send(6, BLOCKED)
        await asyncio.gather(*(turns(control) for control in (one, other)))

    decided = world.decided()
    assert decided.count("BreakerOpened.v1") == 1
    assert decided.count("QuotaSet.v1") == 1
    await until(partial(caught_up, world.dsn))
    assert await world.replayed() == world.stored()


async def test_a_rebuild_never_takes_back_what_was_folded_since_it_looked(world: World) -> None:
    await chosen(world)
    async with KafkaSpans(world.bootstrap, world.prefix) as spans:
        fresh = await volume_rebuild.gathered(world.where(), spans)
    await world.send(1, BLOCKED)
    await world.fold()
    stored = world.stored()

    with pytest.raises(DoesNotHold, match="went on meanwhile"):
        volume_rebuild.put(world.where(), fresh)

    assert world.stored() == stored


async def turns(control: Control) -> None:
    """The first looks where the log ends, the next goes there."""
    for _ in range(2):
        await agent.done(control.catch_up)


async def test_a_complaint_waits_for_its_send_and_a_tick_for_its_time(world: World) -> None:
    ensure_schemas(world.dsn)
    await chosen(world)
    await world.send(1, ACCEPTED)
    complaint = ComplaintReceived(
        tenant_id=TENANT, send_id="snd_a", feedback_type="abuse", source="loop"
    )
    draft = Draft("pm.signals", complaint, now_meta(TENANT))
    await world.log.append([draft, draft])  # told twice
    await world.fold()
    before = world.stored()

    with psycopg.connect(world.dsn) as conn:
        conn.execute(BATCH)
        conn.execute(LEDGER)
        conn.execute("UPDATE pipeline.volume_signal SET next_try_at = clock_timestamp()")
    async with world.control() as control:
        await control.wake()
        await control.wake()

    assert world.stored() != before
    assert b'"complaints":1' in world.stored()[TENANT][1]
    assert world.rows("SELECT next_try_at FROM pipeline.volume_signal") == [(None,)]

    with psycopg.connect(world.dsn) as conn:
        conn.execute("UPDATE pipeline.volume_state SET wakes_at = clock_timestamp()")
    advances = world.decided().count("VolumeAdvanced.v1")
    async with world.control() as control:
        await control.wake()
        await control.wake()
    assert world.decided().count("VolumeAdvanced.v1") == advances + 1
    assert world.rows("SELECT wakes_at > clock_timestamp() FROM pipeline.volume_state") == [(True,)]
    await until(partial(caught_up, world.dsn))
    assert await world.replayed() == world.stored()


BATCH = """
INSERT INTO rm.send_batch_v1 SELECT * FROM jsonb_populate_record(NULL::rm.send_batch_v1,
  '{"tenant_id": "ten_volume", "batch_id": "bat_1", "campaign_id": "cmp_a", "step": 1,
    "content_id": "c", "provider": "yahoo", "priority": "normal", "message_class": "bulk",
    "size": 1, "requested_at": "2027-01-01T00:00:00Z", "due_at": "2027-01-01T00:00:00Z",
    "expires_at": "2027-01-02T00:00:00Z", "event_id": "e", "topic": "pm.requests", "part": 0,
    "off": 1}')
"""
LEDGER = """
INSERT INTO rm.send_ledger_v1
  (tenant_id, batch_id, idx, send_id, contact_id, weight, n, at, ip)
VALUES ('ten_volume', 'bat_1', 0, 'snd_a', 'cnt_a', 4000000, 1, now(), 'ip_volume')
"""


async def test_rows_of_an_older_state_are_refused_until_they_are_folded_anew(world: World) -> None:
    await chosen(world)
    with psycopg.connect(world.dsn) as conn:
        conn.execute("CREATE TABLE kept AS SELECT * FROM pipeline.volume_state")
    await world.send(1, ACCEPTED)
    await world.send(2, BLOCKED)
    await world.fold()
    with psycopg.connect(world.dsn) as conn:
        conn.execute("DELETE FROM pipeline.volume_state")
        conn.execute("INSERT INTO pipeline.volume_state SELECT * FROM kept")
        conn.execute(
            "UPDATE pipeline.volume_cursor SET next_offset = 1 WHERE topic = 'pm.attempts'"
        )
    decided = world.decided()

    async with world.control() as control:
        with pytest.raises(Unfit, match="penguin volume rebuild"):
            await control.catch_up()
    await until(partial(caught_up, world.dsn))
    assert not (await volume_rebuild.compare(world.where()))["ok"]

    await volume_rebuild.rebuild(world.where())
    await world.fold()

    assert world.decided() == decided
    assert (await volume_rebuild.compare(world.where()))["ok"]
