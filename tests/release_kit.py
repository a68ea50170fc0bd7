"""A schedule with campaigns in it and a releaser over it, for tests of what may leave."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters import postgres
from domain.campaign import CampaignLaunched
from domain.event import Event, Meta, Recorded
from domain.ids import new_id
from domain.sending import BatchPlanned, SliceReleased
from domain.sending_ip import SendingIpAdded, SendingIpCapSet, SendingIpRateSet
from domain.tenant import TenantCreated
from projections import models
from projections.fold import Connection
from streams.releasing.gate import Gate, Memory
from streams.releasing.tick import Pace, Releaser
from tests.pipeline_world import Tenant, launched
from tests.schedule_kit import (
    ID_KEY,
    KeptLog,
    KnownEnds,
    apply,
    change,
    outcomes,
    planned,
    recorded,
    result,
    rows,
    started,
)


@dataclass
class World:
    """A database with a current schedule; what is added goes through the fold."""

    dsn: str
    ends: KnownEnds = field(default_factory=KnownEnds)

    def __post_init__(self) -> None:
        self.read_up_to_the_end()
        self.be_fresh()

    def read_up_to_the_end(self) -> None:
        """The schedule has applied all of the log."""
        change(self.dsn, "DELETE FROM app.cursor")
        for (topic, part), end in self.ends.at.items():
            change(
                self.dsn,
                "INSERT INTO app.cursor (reader, topic, part, next_offset, log_id)"
                " VALUES ('schedule', %s, %s, %s, %s)",
                *(topic, part, end, self.ends.log_id),
            )

    def be_fresh(self, age_s: float = -3600) -> None:
        """The schedule stood at the log's end so long ago (below 0: stays fresh for a test)."""
        change(
            self.dsn,
            "INSERT INTO app.freshness (reader, caught_up_at)"
            " VALUES ('schedule', clock_timestamp() - make_interval(secs => %s))"
            " ON CONFLICT (reader) DO UPDATE SET caught_up_at = excluded.caught_up_at",
            age_s,
        )

    async def tell(self, *events: Event) -> None:
        """The schedule folds these."""
        async with await postgres.connect(self.dsn, "pm_projector") as conn:
            await apply(conn, [recorded(event, datetime.now(UTC)) for event in events])

    async def tenant(self, *, cap: int | None = None, ips: int = 1) -> list[Tenant]:
        """A tenant with sending IPs; one Tenant per IP."""
        tenant_id, list_id = new_id("ten"), new_id("lst")
        made = [Tenant(tenant_id, list_id, new_id("ip")) for _ in range(ips)]
        await self.tell(TenantCreated(tenant_id=tenant_id), *[ip_added(one) for one in made])
        if cap is not None:
            await self.tell(*[capped(one, cap) for one in made])
        return made

    async def campaign(
        self, tenants: Sequence[Tenant], sizes: Sequence[int], **changes: Any
    ) -> CampaignLaunched:
        """A running campaign whose batches wait; `changes` are of the batches and the launch."""
        launch = launched(tenants[0], ips=[one.ip for one in tenants])
        known = {name: value for name, value in changes.items() if hasattr(launch, name)}
        launch = launched(tenants[0], **{"ips": launch.ips, **known})
        batches = [batch_of(launch, size, **changes) for size in sizes]
        await self.tell(launch, *batches)
        return launch

    @asynccontextmanager
    async def releaser(
        self,
        log: KeptLog,
        *,
        memory: Path | None = None,
        deadline_s: float = 0.0,
        stack_id: str = "",
        **pace: Any,
    ) -> AsyncIterator[Releaser]:
        """A releaser as its role composes it; `pace` changes Pace.

        By default a Postgres that started a moment ago is past `deadline_s`: the gate may open.
        """
        pids: list[int] = []

        async def connect() -> Connection:
            conn = await postgres.connect(self.dsn, "pm_release")
            pids.append(conn.info.backend_pid)
            return conn

        gate = Gate(
            self.ends, slice_deadline_s=deadline_s, memory=Memory(memory), stack_id=stack_id
        )
        given: dict[str, Any] = {"id_key": ID_KEY, "housekeep_every_s": 0.0} | pace
        made = Releaser(connect, log, gate, Pace(**given))
        try:
            yield made
        finally:
            await made.close()
            await self._ended(pids)

    async def _ended(self, pids: Sequence[int]) -> None:
        """Postgres gives the lock of a closed connection back a moment later."""
        there = "SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s)"
        async with asyncio.timeout(20):
            while rows(self.dsn, there, list(pids)):  # noqa: ASYNC110 - it ends in Postgres
                await asyncio.sleep(0.005)

    def waiting(self) -> int:
        """How many sends wait."""
        return int(rows(self.dsn, "SELECT coalesce(sum(size), 0) FROM pipeline.waiting")[0][0])

    def states(self) -> dict[str, int]:
        """Release state → sends."""
        found = rows(self.dsn, "SELECT state, sum(size)::int FROM pipeline.release GROUP BY 1")
        return dict(found)

    def used(self) -> list[tuple[int, int]]:
        """(started, reserved) of each cell."""
        statement = "SELECT started, reserved FROM pipeline.cap ORDER BY ip, provider, day"
        return [(started, reserved) for started, reserved in rows(self.dsn, statement)]

    def claim(self, release_id: str) -> None:
        """As a dispatcher does: the release is its own."""
        change(
            self.dsn,
            "UPDATE pipeline.release SET state = 'started', claimed_at = now(),"
            " deadline_at = now() + interval '60 s'"
            " WHERE release_id = %s AND state = 'released'",
            release_id,
        )


def batch_of(launch: CampaignLaunched, size: int, **changes: Any) -> BatchPlanned:
    """A batch of the campaign."""
    fields: dict[str, Any] = {
        "tenant_id": launch.tenant_id,
        "campaign_id": launch.campaign_id,
        "priority": launch.priority,
        "message_class": launch.message_class,
        "expires_at": launch.expires_at,
    }
    known = {item.name for item in dataclasses.fields(BatchPlanned)}
    given = {name: value for name, value in changes.items() if name in known}
    return planned(new_id("bat"), size, **(fields | given))


def ip_added(tenant: Tenant) -> SendingIpAdded:
    return SendingIpAdded(
        tenant_id=tenant.tenant_id,
        ip=tenant.ip,
        address="",
        route="mx",
        relay_host="",
        relay_port=0,
    )


def capped(tenant: Tenant, cap: int | None, provider: str = "*") -> SendingIpCapSet:
    return SendingIpCapSet(
        tenant_id=tenant.tenant_id, ip=tenant.ip, provider=provider, cap_per_day=cap, reason=""
    )


def rated(tenant: Tenant, rate_per_s: float, burst: int) -> SendingIpRateSet:
    return SendingIpRateSet(
        tenant_id=tenant.tenant_id,
        ip=tenant.ip,
        provider="*",
        rate_per_s=rate_per_s,
        burst=burst,
        reason="",
    )


def slices(log: KeptLog) -> list[SliceReleased]:
    """What the lanes were told since the last look."""
    return [event for event in log.take() if isinstance(event, SliceReleased)]


def sends_by(found: Sequence[SliceReleased], name: str) -> Counter[str]:
    """How many sends were released, by tenant_id, ip or provider."""
    counted: Counter[str] = Counter()
    for event in found:
        counted[getattr(event, name)] += event.size
    return counted


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


async def attempted(world: World, deadline_in_s: float, size: int = 3) -> BatchPlanned:
    """What waits is released and started, and nobody knows what became of it."""
    log = KeptLog()
    async with world.releaser(log) as releaser:
        await releaser.tick()
    (released,) = slices(log)
    names: dict[str, Any] = {"release_id": released.release_id, "ip": released.ip}
    ranges = [[0, size]]
    await world.tell(started(released.batch_id, ranges, n=released.n, **names))
    told = outcomes(released.batch_id, [result("ambiguous", ranges)], n=released.n, **names)
    await world.tell(told)
    change(
        world.dsn,
        "UPDATE pipeline.release SET state = 'concluded',"
        " deadline_at = now() + make_interval(secs => %s) WHERE release_id = %s",
        deadline_in_s,
        released.release_id,
    )
    return released  # type: ignore[return-value]


async def project(world: World, *events: Any) -> None:
    """The ledger folds these."""
    records = [
        Recorded(
            event=event,
            meta=Meta(id=f"evt_{number}", time=datetime.now(UTC), tenant_id=event.tenant_id),
            topic=type(event).event_type.topics[0].value,
            partition=0,
            offset=number,
        )
        for number, event in enumerate(events, 1)
    ]
    async with await postgres.connect(world.dsn, "pm_projector") as conn, conn.transaction():
        await models.MODELS["send_ledger"].fold(1).apply(conn, records)
