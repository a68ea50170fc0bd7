"""`penguin verify --against-stores`: store, log and read models agree, or what differs is named."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters import codec
from adapters.dead_letters import KafkaDeadLetters
from adapters.kafka_log import KafkaLog
from domain.event import Topic
from ops.verify.against_stores import StoresReport, compare_decisions
from ops.verify.report import Report
from ops.verify.run import run
from ops.where import Where
from projections import live, status
from projections.models import MODELS
from projections.session import Place

pytestmark = pytest.mark.stack
DEADLINE_S = 30.0
STORE = """
INSERT INTO es.decision_events (originator_id, originator_version, topic, state, notification_id,
  event_id, tenant_id, actor, causation, correlation, command_id)
VALUES (%s, %s, %s, %s, %s, %s, %s, '', '', '', '')
"""


@dataclass(frozen=True)
class Told:
    """A history in the event store, and a place to tell it to the log."""

    where: Where
    history: Any

    async def append(self, leave_out: int | None = None) -> None:
        """To the log, without one of its decisions."""
        drafts = self.history.drafts()
        if leave_out is not None:
            drafts.remove([one for one in drafts if one.topic == Topic.DECISIONS][leave_out])
        async with KafkaLog(self.where.bootstrap, self.where.prefix) as log:
            await log.append(drafts)

    def change(self, statement: str) -> None:
        with psycopg.connect(self.where.dsn) as conn:
            conn.execute(statement.encode())

    async def decisions(self) -> tuple[dict[str, int], StoresReport]:
        """Kinds of violations between event store and log, and what was counted."""
        found, report = StoresReport(), Report([], [], {})
        await compare_decisions(self.where, found, report, "")
        return report.kinds, found


@pytest.fixture
async def told(read_models: str, server: dict[str, str], log_prefix: str, tell: Any) -> Told:
    history = tell(1)
    with psycopg.connect(read_models) as conn:
        for draft in history.drafts():
            if draft.topic == Topic.DECISIONS:
                name = type(draft.event).event_type
                row = (draft.meta.id, 1, f"{name.name}.v{name.version}", codec.encode(draft.event))
                conn.execute(STORE, (*row, draft.pos, draft.meta.id, draft.meta.tenant_id))
    return Told(Where(Path(), server["bootstrap"], read_models, log_prefix), history)


async def _project(place: Place) -> None:
    stop = asyncio.Event()
    async with KafkaDeadLetters(place.bootstrap, place.prefix, "projections") as letters:
        task = asyncio.create_task(live.run(place, letters, stop, lambda: None))
        async with asyncio.timeout(DEADLINE_S):
            while any(s.lag or s.age_s is None for s in await status.status(place)):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        stop.set()
        await task


def stores_kinds(report: Report) -> dict[str, int]:
    """Of the kinds that a comparison with the stores finds: the history breaks other rules."""
    names = ("relay_", "read_model_")
    return {kind: count for kind, count in report.kinds.items() if kind.startswith(names)}


async def test_i9_all_agree_until_a_row_is_changed_and_the_live_model_stays(told: Told) -> None:
    await told.append()
    await _project(Place(told.where.dsn, told.where.bootstrap, told.where.prefix))

    report = await run(told.where, stores=True)
    assert report.stores is not None
    assert stores_kinds(report) == {}
    assert report.stores.decisions == report.stores.relayed > 10
    assert {model["name"] for model in report.stores.read_models} == MODELS.keys()
    assert all(model["equal"] for model in report.stores.read_models)

    told.change(
        "UPDATE rm.send_ledger_v1 SET reason = 'changed' WHERE ctid = "
        "(SELECT ctid FROM rm.send_ledger_v1 WHERE tenant_id = 'ten_0' LIMIT 1)"
    )
    for tenant, owners in (("", ["ten_0"]), ("ten_1", [])):
        again = await run(told.where, stores=True, tenant=tenant)
        differing = [one for one in again.violations if one.kind == "read_model_differs"]
        assert [one.tenant_id for one in differing] == owners
    with psycopg.connect(told.where.dsn) as conn:
        row = conn.execute("SELECT count(*) FROM rm.send_ledger WHERE reason = 'changed'")
        assert row.fetchone() == (1,)


async def test_i1_a_decision_missing_between_others_is_a_gap(told: Told) -> None:
    await told.append(leave_out=1)

    assert (await told.decisions())[0] == {"relay_gap": 1}


async def test_i1_the_last_decision_waits_unless_the_relay_says_it_carried_it(told: Told) -> None:
    await told.append(leave_out=-1)

    kinds, found = await told.decisions()
    assert (kinds, found.waiting) == ({}, 1)

    told.change("UPDATE es.relay SET last_pos = 1000000")
    assert (await told.decisions())[0] == {"relay_gap": 1}


async def test_i1_a_store_that_lacks_or_tells_otherwise_what_the_log_has_is_told(
    told: Told,
) -> None:
    await told.append()

    told.change("UPDATE es.decision_events SET event_id = 'evt_o' WHERE notification_id = 1002")
    assert (await told.decisions())[0] == {"relay_differs": 1}

    told.change("DELETE FROM es.decision_events WHERE notification_id IN (1002, 1003)")
    assert (await told.decisions())[0] == {"relay_unknown": 2}
