"""How much a tenant may ask follows its plan, and the headers of each answer say so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import pytest

from api.limits import Rates
from api.main import create_app
from domain import plan_limit
from tests.api_kit import ports_of
from tests.house_kit import House

pytestmark = pytest.mark.stack


@dataclass
class Clock:
    now: float = 1.0

    def __call__(self) -> float:
        return self.now


def sets(house: House, tenant_id: str, sends: int | None) -> None:
    decide = partial(
        plan_limit.set_limit, tenant_id=tenant_id, sends_per_month=sends, reason="plan"
    )
    house.desk(tenant_id).decide(plan_limit, plan_limit.stream(tenant_id), decide)


async def policy(house: House, token: str) -> str:
    """What an answer says of the allowance."""
    return str((await house.get("/v1/keys", token)).headers["ratelimit-policy"])


async def test_the_plan_says_how_much_may_be_asked(dsn: str) -> None:
    """One that changes counts a minute later; another tenant's counts never."""
    clock, found = Clock(), []
    async with ports_of(dsn) as plain:
        ports = replace(plain, rates=Rates(clock=clock))
        house = House(create_app(ports), ports)
        mine, other = house.key("ten_a").text, house.key("ten_b").text
        for sends in (10_000, 10_001, 50_001, None):
            sets(house, "ten_a", sends)
            found.append(await policy(house, mine))
            assert await policy(house, mine) == found[-1]
            clock.now += 61
        sets(house, "ten_a", 1)
        at_once = [await policy(house, mine)]
        sets(house, "ten_a", 100_000)
        at_once.append(await policy(house, mine))
        unset = await policy(house, other)

    assert [told.split(";", 1)[1] for told in found] == [
        "q=60;w=60;pm-burst=100",
        "q=300;w=60;pm-burst=500",
        "q=1000;w=60;pm-burst=2000",
        "q=1000;w=60;pm-burst=2000",
    ]
    assert at_once[0] == at_once[1] == found[0]
    assert unset == '"default";q=300;w=60;pm-burst=500'


async def test_no_limit_of_the_installation_lifts_that_of_plans_too(dsn: str) -> None:
    async with ports_of(dsn) as plain:
        ports = replace(plain, rates=Rates(callers=replace(Rates().callers, per_min=0)))
        house = House(create_app(ports), ports)
        key = house.key("ten_a").text
        sets(house, "ten_a", 10_000)
        answer = await house.get("/v1/keys", key)

    assert "ratelimit-policy" not in answer.headers
