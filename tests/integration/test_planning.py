"""Planning on real Postgres and Kafka: what is frozen once is what is written, whatever crashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import psycopg
import pytest

from adapters import postgres
from adapters.kafka_log import KafkaLog
from domain.event import Recorded
from domain.ports import EventLog, Route
from domain.sending import AudiencePlanned, BatchPlanned
from streams.planner import planning
from streams.planner.planning import PlannerDeps, Planning
from tests.pipeline_world import ScriptedResolver, Tenant, add_leads, add_tenant, launched, mx
from tests.worker_kit import events_in

pytestmark = pytest.mark.stack

ROUTES = {
    "gmail.test": mx("google"),
    "corp.test": mx("google"),
    "outlook.test": mx("microsoft"),
    "small.test": mx(""),
    "nomail.test": Route("", (), "null_mx"),
}


class Crash(BaseException):
    """The process ended here."""


class CrashingLog:
    """An event log of a process that dies at its nth append, before or after it is acknowledged."""

    def __init__(self, log: EventLog, nth: int, *, acknowledged: bool) -> None:
        self._log, self._left, self._acknowledged = log, nth, acknowledged

    async def append(self, drafts: Sequence[Any], timeout_s: float = 30.0) -> None:
        self._left -= 1
        if self._left == 0 and not self._acknowledged:
            raise Crash
        await self._log.append(drafts, timeout_s)
        if self._left == 0:
            raise Crash


@pytest.fixture
async def log(server: dict[str, str], log_prefix: str) -> AsyncIterator[KafkaLog]:
    async with KafkaLog(server["bootstrap"], log_prefix) as found:
        yield found


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Any]:
    async with postgres.pool(dsn, "pm_worker") as found:
        yield found


@pytest.fixture
def tenant(dsn: str) -> Tenant:
    return add_tenant(dsn)


def deps(pool: Any, log: EventLog, resolver: ScriptedResolver | None = None) -> PlannerDeps:
    return PlannerDeps(pool, log, resolver or ScriptedResolver(ROUTES), "key")


async def requests(server: dict[str, str], prefix: str) -> list[Recorded]:
    return await events_in(server["bootstrap"], f"{prefix}pm.requests")


def batches(records: list[Recorded]) -> list[BatchPlanned]:
    found = [record.event for record in records if isinstance(record.event, BatchPlanned)]
    return sorted(found, key=lambda batch: batch.batch_id)


async def test_an_audience_is_cut_by_provider_and_every_contact_is_planned_once(
    dsn: str, server: dict[str, str], log_prefix: str, pool: Any, log: KafkaLog, tenant: Tenant
) -> None:
    addresses = [f"a{number}@gmail.test" for number in range(501)]
    addresses += [f"b{number}@corp.test" for number in range(300)]
    addresses += ["c@outlook.test", "d@small.test", "e@nomail.test", "f@silent.test"]
    contacts = add_leads(dsn, tenant, addresses)
    with psycopg.connect(dsn, autocommit=True) as conn:  # a second list holds some of them too
        conn.execute(
            "INSERT INTO vault.list_member SELECT tenant_id, 'second', contact_id, import_id"
            " FROM vault.list_member LIMIT 100"
        )
    launch = launched(tenant, list_ids=[tenant.list_id, "second"])
    plan = Planning(deps(pool, log))

    await plan.accept(launch)
    done = await plan.advance(launch.campaign_id)
    found = await requests(server, log_prefix)

    sizes = sorted((batch.provider, batch.size) for batch in batches(found))
    (end,) = [record.event for record in found if isinstance(record.event, AudiencePlanned)]
    planned = [contact for batch in batches(found) for contact in batch.contact_ids]
    assert done
    assert sizes == [
        ("google", 301), ("google", 500), ("microsoft", 1), ("other", 2), ("unroutable", 1)
    ]  # fmt: skip
    assert sorted(planned) == sorted(contacts)
    assert (end.total, end.batches) == (805, 5)
    assert await plan.open_plans() == []


async def test_no_crash_changes_what_is_planned(
    dsn: str,
    server: dict[str, str],
    log_prefix: str,
    pool: Any,
    log: KafkaLog,
    tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same launch, planned with a crash at each append, and once more after a new import."""
    monkeypatch.setattr(planning, "BATCHES_AT_ONCE", 1)
    monkeypatch.setattr("streams.planner.plan.BATCH_SIZE_MAX", 4)
    monkeypatch.setattr("streams.planner.planning.BATCH_SIZE_MAX", 4)
    add_leads(dsn, tenant, [f"a{number}@gmail.test" for number in range(9)])
    launch = launched(tenant)
    await Planning(deps(pool, log)).accept(launch)

    crashes = ((1, False), (1, True), (1, False), (2, True), (1, True), (3, True), (1, False))
    for number, (nth, acknowledged) in enumerate(crashes):
        crashing = CrashingLog(log, nth, acknowledged=acknowledged)
        with pytest.raises(Crash):
            await Planning(deps(pool, crashing)).advance(launch.campaign_id)
        add_leads(dsn, tenant, [f"late{number}@gmail.test"])
    await Planning(deps(pool, log)).advance(launch.campaign_id)

    found = await requests(server, log_prefix)
    planned = batches(found)
    sends = Counter(send for batch in planned for send in batch.send_ids)
    assert [(row[0], row[1]) for row in await frozen(dsn)] == sorted(
        (batch.batch_id, batch.size) for batch in planned
    )
    assert len(sends) == 9
    assert set(sends.values()) == {1}


async def frozen(dsn: str) -> list[tuple[str, int]]:
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        cursor = await conn.execute("SELECT batch_id, size FROM vault.frozen_batch ORDER BY 1")
        return await cursor.fetchall()


async def test_a_crash_while_freezing_leaves_nothing_behind(
    dsn: str, pool: Any, log: KafkaLog, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_leads(dsn, tenant, ["a@gmail.test"])
    launch = launched(tenant)
    plan = Planning(deps(pool, log))
    await plan.accept(launch)
    broken = dict(planning.SQL) | {"mark_frozen": "SELECT 1/0"}
    monkeypatch.setattr(planning, "SQL", broken)

    with pytest.raises(psycopg.errors.DivisionByZero):
        await plan.advance(launch.campaign_id)

    assert await frozen(dsn) == []


async def test_an_empty_audience_is_planned_as_none(
    server: dict[str, str], log_prefix: str, pool: Any, log: KafkaLog, tenant: Tenant
) -> None:
    launch = launched(tenant)
    plan = Planning(deps(pool, log))

    await plan.accept(launch)
    await plan.advance(launch.campaign_id)

    (record,) = await requests(server, log_prefix)
    assert isinstance(record.event, AudiencePlanned)
    assert (record.event.total, record.event.batches) == (0, 0)


async def test_with_a_relay_no_mx_is_looked_up(
    dsn: str, server: dict[str, str], log_prefix: str, pool: Any, log: KafkaLog
) -> None:
    tenant, resolver = add_tenant(dsn, route="relay"), ScriptedResolver(ROUTES)
    add_leads(dsn, tenant, ["a@gmail.test", "b@nomail.test"])
    launch = launched(tenant)
    plan = Planning(deps(pool, log, resolver))

    await plan.accept(launch)
    await plan.advance(launch.campaign_id)

    (batch,) = batches(await requests(server, log_prefix))
    assert (batch.provider, batch.size) == ("relay", 2)
    assert resolver.asked == []


async def test_planning_waits_for_the_schedule_to_know_the_sending_ips(
    pool: Any, log: KafkaLog, tenant: Tenant
) -> None:
    launch = launched(tenant, ips=["ip_later"])
    plan = Planning(deps(pool, log))
    await plan.accept(launch)

    with pytest.raises(LookupError, match="ip_later"):
        await plan.advance(launch.campaign_id)

    assert await plan.open_plans() == [launch.campaign_id]


async def test_one_planner_at_a_time_works_on_a_campaign(
    pool: Any, log: KafkaLog, tenant: Tenant
) -> None:
    launch = launched(tenant)
    plan = Planning(deps(pool, log))
    await plan.accept(launch)

    async with pool.connection() as other:
        await other.execute(planning.SQL["lock"], {"campaign_id": launch.campaign_id})
        while_locked = await plan.advance(launch.campaign_id)
        await other.execute(planning.SQL["unlock"], {"campaign_id": launch.campaign_id})

    assert not while_locked
    assert await plan.advance(launch.campaign_id)


async def test_known_providers_are_not_looked_up_again(
    dsn: str, pool: Any, log: KafkaLog, tenant: Tenant
) -> None:
    add_leads(dsn, tenant, ["a@gmail.test", "b@silent.test"])
    first, second = ScriptedResolver(ROUTES), ScriptedResolver(ROUTES)

    for resolver in (first, second):
        launch = launched(tenant)
        plan = Planning(deps(pool, log, resolver))
        await plan.accept(launch)
        await plan.advance(launch.campaign_id)

    assert sorted(first.asked) == ["gmail.test", "silent.test"]
    assert second.asked == ["silent.test"]  # nobody answered for it: asked again
