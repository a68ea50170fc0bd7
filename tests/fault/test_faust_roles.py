"""kill -9 of planner and dispatcher at work: nothing planned twice, nothing sent twice.

On the runtime of PM_STREAM_RUNTIME; `make agents` runs it on both. What Faust is known to do wrong
is pinned in tests/contract/runtime/long/test_faust_defects.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from adapters import codec, kafka_log
from adapters.kafka_log import Draft, KafkaLog, now_meta
from domain import campaign
from domain.event import Topic
from domain.indexes import each
from domain.sending import AudiencePlanned, BatchPlanned, OutcomesRecorded, SliceStarted
from ops.stack.processes import wait_for
from tests import pipeline_world as world
from tests.worker_kit import Workers, events_in, kill, until

pytestmark = [pytest.mark.stack, pytest.mark.fault]


def settings(server: dict[str, str], prefix: str, dsn: str) -> dict[str, str]:
    return {
        "PM_KAFKA_BOOTSTRAP": server["bootstrap"],
        "PM_PREFIX": prefix,
        "PM_DATABASE_URL": dsn,
    }


def one(dsn: str, query: str) -> int:
    with psycopg.connect(dsn) as conn:
        row = conn.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


async def append(server: dict[str, str], prefix: str, *drafts: Draft) -> None:
    async with KafkaLog(server["bootstrap"], prefix) as log:
        await log.append(drafts)


async def test_a_planner_killed_at_each_stage_plans_the_frozen_audience_once(
    dsn: str, server: dict[str, str], log_prefix: str, tmp_path: Path
) -> None:
    tenant = world.add_tenant(dsn)
    contacts = world.add_leads(dsn, tenant, [f"a{n}@d{n % 40}.test" for n in range(3000)])
    launch = world.launched(tenant)
    draft = Draft(Topic.DECISIONS, launch, now_meta(tenant.tenant_id))
    stages = (
        "SELECT count(*) FROM pipeline.plan",
        "SELECT count(*) FROM pipeline.plan WHERE frozen",
        "SELECT next_ordinal / 3 FROM pipeline.plan",
    )

    with Workers("planner_worker.py", tmp_path, **settings(server, log_prefix, dsn)) as workers:
        await append(server, log_prefix, draft)
        for stage in stages:
            process = workers.start()
            await until(lambda stage=stage: one(dsn, stage) > 0)  # type: ignore[misc]
            kill(process)
            world.add_leads(dsn, tenant, [f"late{time.monotonic_ns()}@d1.test"])
        workers.start()
        await until(lambda: one(dsn, "SELECT count(*) FROM pipeline.plan WHERE done") == 1)

    found = await events_in(server["bootstrap"], f"{log_prefix}pm.requests")
    batches = [record.event for record in found if isinstance(record.event, BatchPlanned)]
    (end,) = [record.event for record in found if isinstance(record.event, AudiencePlanned)]
    planned = Counter(contact for batch in batches for contact in batch.contact_ids)
    assert set(planned.values()) == {1}
    assert set(planned) >= set(contacts)
    assert end.total == len(planned) == one(dsn, "SELECT count(*) FROM vault.audience")
    assert end.batches == len(batches) == one(dsn, "SELECT count(*) FROM vault.frozen_batch")


def lines(wire: Path) -> list[str]:
    return wire.read_text().splitlines() if wire.exists() else []


async def test_i4_a_dispatcher_killed_at_work_sends_nothing_twice(
    dsn: str, server: dict[str, str], log_prefix: str, tmp_path: Path
) -> None:
    """Hints are repeated on purpose, as an ended lease would: the claim decides, not the lane."""
    made = [world.release(dsn, [f"a{n}-{i}@gmail.test" for n in range(20)]) for i in range(30)]
    hints = [Draft(Topic.DUE_NORMAL, m.hint, now_meta(m.tenant.tenant_id)) for m in made]
    wire = tmp_path / "wire"
    given = settings(server, log_prefix, dsn) | {"PM_WIRE": str(wire)}

    with Workers("dispatcher_worker.py", tmp_path, **given) as workers:
        process = workers.start()
        await append(server, log_prefix, *hints)
        await until(lambda: len(lines(wire)) > 0)
        kill(process)
        await append(server, log_prefix, *hints)
        workers.start()
        open_ = "SELECT count(*) FROM pipeline.release WHERE state = 'released'"
        await until(lambda: one(dsn, open_) == 0)
        await append(server, log_prefix, *hints)
        last = workers.start(PM_INSTANCE="2")
        last.send_signal(signal.SIGTERM)
        assert last.wait(20) == 0

    found = await events_in(server["bootstrap"], f"{log_prefix}pm.attempts")
    started = Counter(
        (record.event.batch_id, index)
        for record in found
        if isinstance(record.event, SliceStarted)
        for index in each(record.event.ranges)
    )
    sent = Counter(lines(wire))
    assert set(sent.values()) == {1}
    assert set(started.values()) == {1}
    assert len(sent) <= len(started) <= 600


async def test_a_dispatcher_told_to_stop_leaves_nothing_ambiguous(
    dsn: str, server: dict[str, str], log_prefix: str, tmp_path: Path
) -> None:
    made = [world.release(dsn, [f"a{n}-{i}@gmail.test" for n in range(20)]) for i in range(10)]
    hints = [Draft(Topic.DUE_HIGH, m.hint, now_meta(m.tenant.tenant_id)) for m in made]
    wire = tmp_path / "wire"
    given = settings(server, log_prefix, dsn) | {"PM_WIRE": str(wire)}

    with Workers("dispatcher_worker.py", tmp_path, **given) as workers:
        process = workers.start()
        await append(server, log_prefix, *hints)
        await until(lambda: len(lines(wire)) > 0)
        process.send_signal(signal.SIGTERM)
        status = process.wait(30)

    found = await events_in(server["bootstrap"], f"{log_prefix}pm.attempts")
    started = sum(
        len(list(each(record.event.ranges)))
        for record in found
        if isinstance(record.event, SliceStarted)
    )
    told = [
        (result["outcome"], index)
        for record in found
        if isinstance(record.event, OutcomesRecorded)
        for result in record.event.results
        for index in each(result["ranges"])
    ]
    accepted = sum(outcome == "accepted" for outcome, _ in told)
    assert status == 0
    assert accepted == len(lines(wire)) > 0
    assert len(told) == started
    assert not any(outcome == "ambiguous" for outcome, _ in told)


def test_a_dispatcher_that_stops_in_order_leaves_no_journal(
    dsn: str, server: dict[str, str], log_prefix: str, tmp_path: Path
) -> None:
    given = os.environ | settings(server, log_prefix, dsn) | {"PM_DATA_DIR": str(tmp_path)}
    with (tmp_path / "log").open("ab") as log:
        command = [sys.executable, "-m", "ops.cli", "run", "dispatcher"]
        process = subprocess.Popen(command, env=given, stdout=log, stderr=log)
    try:
        assert wait_for((tmp_path / "run" / "dispatcher.ready").exists, 20)
        journals = list((tmp_path / "journal").iterdir())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()

    assert len(journals) == 1
    assert list((tmp_path / "journal").iterdir()) == []


async def test_a_launch_that_counts_as_read_and_was_shown_to_nobody_is_planned(
    dsn: str, server: dict[str, str], log_prefix: str, tmp_path: Path
) -> None:
    """Faust's losses (eventsourcing.md findings 2, 3) and standstills (#629, #532) are absorbed."""
    tenant = world.add_tenant(dsn)
    contacts = world.add_leads(dsn, tenant, [f"a{n}@d1.test" for n in range(5)])
    launch = world.launched(tenant)
    async with KafkaLog(server["bootstrap"], log_prefix) as log:
        await log.append([Draft(Topic.DECISIONS, launch, now_meta(tenant.tenant_id))])
    await pass_over(server["bootstrap"], log_prefix)
    decided(dsn, launch)

    given = {"PM_KAFKA_BOOTSTRAP": server["bootstrap"], "PM_PREFIX": log_prefix}
    with Workers("planner_worker.py", tmp_path, PM_DATABASE_URL=dsn, **given) as workers:
        workers.start()
        await until(lambda: one(dsn, "SELECT count(*) FROM pipeline.plan WHERE done") == 1)

    assert one(dsn, "SELECT count(*) FROM vault.audience") == len(contacts)


async def pass_over(bootstrap: str, prefix: str) -> None:
    """Tell the planner's group that it has read everything."""
    count = kafka_log.declared_topics()[Topic.DECISIONS]["partitions"]
    places = [TopicPartition(f"{prefix}pm.decisions", number) for number in range(count)]
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=f"{prefix}pm-planner", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.commit(await consumer.end_offsets(places))
    finally:
        await consumer.stop()


def decided(dsn: str, launch: campaign.CampaignLaunched) -> None:
    """The launch as the decision log has it, and as the schedule folded it."""
    declared = type(launch).event_type
    topic = f"{declared.name}.v{declared.version}"
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO es.decision_events (originator_id, originator_version, topic, state,"
            " event_id, tenant_id, actor, causation, correlation, command_id)"
            " VALUES (%s, 1, %s, %s, 'evt_1', %s, '', '', '', '')",
            (campaign.stream(launch.campaign_id), topic, codec.encode(launch), launch.tenant_id),
        )
        conn.execute(
            "INSERT INTO pipeline.campaign (campaign_id, tenant_id, state, sender_id, domain_id,"
            " sign, ips, message_class, priority, launched_at, expires_at)"
            " VALUES (%s, %s, 'running', 's', 'd', 'rsa', %s, 'bulk', 'normal', %s, %s)",
            (
                launch.campaign_id,
                launch.tenant_id,
                launch.ips,
                launch.launched_at,
                launch.expires_at,
            ),
        )
