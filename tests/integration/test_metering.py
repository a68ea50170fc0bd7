"""Crossings of a plan's limit: read from the counters of all tenants, told exactly once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from adapters import postgres
from adapters.event_store import InThread
from adapters.memory import MemoryDecider
from domain.event import Event, Meta, Recorded
from domain.plan_limit import PlanLimitSet
from domain.usage import QuotaCrossed
from projections import models
from streams.metering import Metering, MeteringDeps

pytestmark = pytest.mark.stack
NOW = datetime(2026, 3, 1, 5, tzinfo=UTC)


@dataclass
class World:
    """Read models with plans and use, and what metering decides from them."""

    dsn: str
    metering: Metering
    decider: MemoryDecider
    told: int = 0
    folded: int = 0
    crossed: list[tuple[str, date, int]] = field(default_factory=list)

    async def fold(self, *events: Event) -> None:
        made = models.MODELS["usage"].fold(1)
        self.told += len(events)
        records = [
            Recorded(event=e, meta=Meta(id="evt_1", time=NOW, tenant_id="t"), offset=self.told + n)
            for n, e in enumerate(events)
        ]
        async with await postgres.connect(self.dsn, "pm_projector") as conn, conn.transaction():
            await made.apply(conn, records)

    async def limit(self, tenant_id: str, sends: int | None) -> None:
        await self.fold(PlanLimitSet(tenant_id=tenant_id, sends_per_month=sends, reason="plan"))

    def use(self, tenant_id: str, period: date, sends: int) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            conn.execute(
                "INSERT INTO rm.usage_v1 VALUES (%s, %s, %s)"
                " ON CONFLICT (tenant_id, period) DO UPDATE SET sends = excluded.sends",
                (tenant_id, period, sends),
            )

    async def look(self, *, fold: bool = True) -> list[tuple[str, date, int]]:
        """What one look decides; its events are folded, as the log brings them back."""
        await self.metering.look()
        events: list[Any] = [record.event for record in self.decider.log][self.folded :]
        self.folded += len(events)
        if fold and events:
            await self.fold(*events)
        assert all(isinstance(event, QuotaCrossed) for event in events)
        return [(event.tenant_id, event.period, event.percent) for event in events]


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    models.ensure_schemas(dsn)
    decider = MemoryDecider()
    async with postgres.pool(dsn, "pm_projector", size_max=1) as pool:
        deps = MeteringDeps(pool, InThread(decider), lambda: NOW, "key")
        yield World(dsn, Metering(deps), decider)


MARCH, FEBRUARY, JANUARY = date(2026, 3, 1), date(2026, 2, 1), date(2026, 1, 1)


async def test_each_crossing_is_told_once_also_before_the_log_brings_it_back(world: World) -> None:
    """As after a restart, or while the projection lags."""
    await world.limit("ten_a", 100)
    world.use("ten_a", MARCH, 91)

    first = await world.look(fold=False)
    again = await world.look(fold=False)
    world.use("ten_a", MARCH, 120)
    more = await world.look()

    assert [percent for _, _, percent in first] == [80, 90]
    assert again == []
    assert [percent for _, _, percent in more] == [95, 100]


async def test_who_has_no_limit_or_is_below_it_crosses_nothing(world: World) -> None:
    world.use("ten_free", MARCH, 10_000)
    await world.limit("ten_lifted", 10)
    await world.limit("ten_lifted", None)
    world.use("ten_lifted", MARCH, 50)
    await world.limit("ten_low", 1000)
    world.use("ten_low", MARCH, 799)

    assert await world.look() == []


async def test_the_month_before_is_still_looked_at_and_older_ones_are_not(world: World) -> None:
    """Its last sends may be read after it ended."""
    await world.limit("ten_a", 10)
    for period in (JANUARY, FEBRUARY, MARCH):
        world.use("ten_a", period, 8)

    found = await world.look()

    assert found == [("ten_a", FEBRUARY, 80), ("ten_a", MARCH, 80)]


async def test_a_raised_limit_is_crossed_anew(world: World) -> None:
    await world.limit("ten_a", 10)
    world.use("ten_a", MARCH, 10)
    assert len(await world.look()) == 4

    await world.limit("ten_a", 12)

    assert await world.look() == [("ten_a", MARCH, 80)]
