"""Domains are looked at by themselves: one that loses its records is told of, and not too early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import LiteralString

import psycopg
import pytest

from adapters import postgres
from api.commands import domain_care, domains
from api.commands.domains import Dns
from api.desk import Desk
from domain import sending_domain
from ops.domain_care import tend_at
from streams.tending import Tending, TendingDeps
from tests.api_kit import Zone, ports_of
from tests.decided_kit import decided

pytestmark = pytest.mark.stack

DUE_IN_S = "SELECT extract(epoch FROM due_at - now())::float8 FROM vault.domain_care"
PASSED = "UPDATE vault.domain_care SET missing_since = missing_since - interval '12 hours'"
DMARC = ("TXT", "_dmarc.example.com")


@dataclass
class Cared:
    """A domain whose DNS can change, and what tends it."""

    dsn: str
    zone: Zone
    desk: Desk
    dns: Dns
    domain_id: str

    def publish(self) -> None:
        for record in domains.records(self.state, "bounces.test"):
            self.zone.values[record.kind, record.name] = [record.value.split("10 ")[-1]]

    @property
    def state(self) -> sending_domain.State:
        return domains.known(self.desk, self.domain_id)

    async def tend(self) -> str:
        return await asyncio.to_thread(domain_care.tend, self.desk, self.domain_id, self.dns)

    def due_in_s(self) -> float:
        with psycopg.connect(self.dsn) as conn:
            (row,) = conn.execute(DUE_IN_S).fetchall()
            return float(row[0])

    def change(self, statement: LiteralString) -> None:
        with psycopg.connect(self.dsn) as conn:
            conn.execute(statement)

    def told(self) -> list[str]:
        """Verified, failed, degraded: each time that it was decided."""
        names = (type(record.event).__name__ for record in decided(self.dsn))
        return [name for name in names if name.startswith(("DomainV", "DomainD"))]


@pytest.fixture
async def cared(dsn: str) -> AsyncIterator[Cared]:
    zone = Zone()
    async with ports_of(dsn, zone=zone) as ports:
        desk = ports.desks.at("ten_a", "test")
        domain_id = domains.ensure(desk, "example.com")
        yield Cared(dsn, zone, desk, Dns(lambda: zone, "bounces.test"), domain_id)


async def test_a_new_domain_is_looked_at_until_its_records_are_there(cared: Cared) -> None:
    """It stays pending meanwhile: nobody is told that what was never published is missing."""
    at_first = cared.due_in_s()
    waits = [(await cared.tend(), cared.due_in_s()) for _ in range(3)]
    cared.publish()

    assert await cared.tend() == "verified"
    assert at_first < 61
    assert [became for became, _ in waits] == ["pending"] * 3
    assert waits[0][1] < waits[1][1] < waits[2][1]
    assert cared.told() == ["DomainVerified"]
    assert cared.due_in_s() > 5 * 3600


async def test_records_that_are_missing_once_degrade_nothing_and_twice_do(cared: Cared) -> None:
    cared.publish()
    await cared.tend()
    gone = cared.zone.values.pop(DMARC)
    once, soon = await cared.tend(), cared.due_in_s()
    twice = await cared.tend()
    still = await cared.tend()
    missing = cared.state.missing
    cared.zone.values[DMARC] = gone

    assert (once, twice, still) == ("verified", "degraded", "degraded")
    assert soon < 301
    assert missing == ("TXT _dmarc.example.com",)
    assert await cared.tend() == "verified"
    assert cared.told() == ["DomainVerified", "DomainDegraded", "DomainVerified"]


async def test_a_miss_between_two_looks_that_found_all_does_not_count(cared: Cared) -> None:
    cared.publish()
    await cared.tend()
    for _ in range(3):
        gone = cared.zone.values.pop(DMARC)
        await cared.tend()
        cared.zone.values[DMARC] = gone
        await cared.tend()

    assert cared.told() == ["DomainVerified"]


async def test_a_dns_that_does_not_answer_never_degrades(cared: Cared) -> None:
    cared.publish()
    await cared.tend()
    cared.zone.silent = True
    became = {await cared.tend() for _ in range(5)}

    assert became == {"silent"}
    assert cared.state.verified
    assert 0 < cared.due_in_s() < 901


async def test_a_domain_that_stays_degraded_for_a_day_is_verified_no_longer(cared: Cared) -> None:
    cared.publish()
    await cared.tend()
    del cared.zone.values[DMARC]
    await cared.tend()
    await cared.tend()
    cared.change(PASSED)
    within = await cared.tend()
    cared.change(PASSED)
    after = await cared.tend()
    cared.publish()

    assert (within, after) == ("degraded", "failed")
    assert await cared.tend() == "verified"
    assert cared.told() == [
        "DomainVerified", "DomainDegraded", "DomainVerificationFailed", "DomainVerified",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lost", "may_send"),
    [(DMARC, True), (("TXT", "pm1._domainkey.example.com"), False)],
)
async def test_without_a_key_in_dns_a_degraded_domain_may_start_nothing_without_dmarc_it_may(
    cared: Cared, lost: tuple[str, str], *, may_send: bool
) -> None:
    cared.publish()
    await cared.tend()
    del cared.zone.values[lost]
    await cared.tend()
    await cared.tend()

    assert cared.state.condition == "degraded"
    assert cared.state.may_send is may_send


async def test_the_timer_tends_what_is_due_of_every_tenant_and_forgets_what_is_gone(
    dsn: str, cared: Cared
) -> None:
    cared.publish()
    async with ports_of(dsn, zone=cared.zone) as ports, postgres.pool(dsn, "pm_worker") as pool:
        other = ports.desks.at("ten_b", "test")
        gone = domains.ensure(other, "gone.example")
        later = domains.ensure(other, "later.example")
        cared.change("UPDATE vault.domain_care SET due_at = now()")
        domain_care.put_off(other, later, 3600)
        domains.remove(other, gone, "moved")
        with psycopg.connect(dsn) as conn:
            conn.execute("INSERT INTO vault.domain_care VALUES ('ten_b', %s, now())", (gone,))
        with ThreadPoolExecutor(2) as threads:
            deps = TendingDeps(pool, tend_at(ports.desks, cared.dns), threads)
            await asyncio.wait_for(Tending(deps).look(), 60)
    with psycopg.connect(dsn) as conn:
        left = [row[0] for row in conn.execute("SELECT domain_id FROM vault.domain_care")]

    assert cared.state.verified
    assert sorted(left) == sorted([cared.domain_id, later])
