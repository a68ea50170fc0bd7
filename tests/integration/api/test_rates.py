"""How requests are counted: in Postgres for all processes, ahead for who keeps asking."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.exchange import exchange
from adapters.postgres import pool
from api.limits import AHEAD_S, Allowance, Rates
from api.problems import Problem
from projections import reads as doors
from projections.reads import Reads

pytestmark = pytest.mark.stack

BURST = Allowance(per_min=1, burst=100)  # one comes back a minute: none within a test


@dataclass
class Asked:
    """Rates of one process, with a clock that stands; and how often Postgres was asked by all."""

    reads: Reads
    looks: list[Any]
    now: float = 0.0

    def process(self) -> Rates:
        return Rates(callers=BURST, clock=lambda: self.now)

    async def admits(self, rates: Rates, actor: str = "key_1") -> bool:
        try:
            await rates.caller(self.reads, {}, "ten_a", actor)
        except Problem:
            return False
        return True


@pytest.fixture
async def asked(dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    looks: list[Any] = []

    async def counted(conn: Any, asks: Sequence[Any]) -> Any:
        looks.append(asks)
        return await exchange(conn, asks)

    monkeypatch.setattr(doors, "exchange", counted)
    async with pool(dsn, "pm_api", size_max=1, bound_each_time=True) as opened:
        yield Asked(Reads(opened), looks)


async def test_processes_admit_as_much_as_is_allowed_together_and_no_more(asked: Asked) -> None:
    one, other = asked.process(), asked.process()
    admitted = [await asked.admits(rates) for _ in range(60) for rates in (one, other)]

    assert sum(admitted) == BURST.burst
    assert len(asked.looks) < BURST.burst / 2


async def test_another_caller_has_an_allowance_of_its_own(asked: Asked) -> None:
    rates = asked.process()
    first = [await asked.admits(rates, "key_1") for _ in range(BURST.burst + 1)]
    second = await asked.admits(rates, "key_2")

    assert (first[-2:], second) == ([True, False], True)


async def test_who_asks_now_and_then_is_charged_for_what_it_asks_alone(asked: Asked) -> None:
    rates = asked.process()
    admitted = []
    for _ in range(BURST.burst + 1):
        admitted.append(await asked.admits(rates))
        asked.now += AHEAD_S

    assert admitted == [True] * BURST.burst + [False]
