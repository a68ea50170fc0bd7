"""Whatever breaks between row and event, nobody has more than the log says; repeating mends it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from api.commands import keys, people
from api.commands.people import Place
from api.desk import Desk
from domain.ports import Decided, Decider, Outcome, StoreUnavailable, Wanted
from domain.refusals import WrongState
from tests.house_kit import ALL, House, Person, now

pytestmark = pytest.mark.stack

ROUNDS = 8


@dataclass
class Breaking:
    """A Decider that works so many times, and then Postgres is away."""

    decider: Decider
    works: int

    def transact(self, *arguments: Any, **context: Any) -> Decided:
        if self.works == 0:
            raise StoreUnavailable("away")
        self.works -= 1
        return self.decider.transact(*arguments, **context)

    def transact_many(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        return self.decider.transact_many(wanted)


def breaking(desk: Desk, works: int) -> Desk:
    return replace(desk, decider=Breaking(desk.decider, works))


def told(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as conn:
        found = conn.execute("SELECT topic FROM es.decision_events ORDER BY notification_id")
        return [row[0].partition(".")[0] for row in found]


def end(desk: Desk, who: Person) -> Decided:
    return people.end(desk, who.user_id, by=ALL, reason="security")


async def test_a_removal_whose_event_is_not_stored_shuts_the_door_all_the_same(
    house: House, dsn: str
) -> None:
    house.person("ten_a")
    other, desk = house.person("ten_a", "admin"), house.desk("ten_a")
    with pytest.raises(StoreUnavailable):
        end(breaking(desk, works=1), other)
    between = await house.get("/v1/keys", other.token, "ten_a")
    before = told(dsn).count("MembershipEnded")

    assert (between.status_code, before) == (401, 0)


async def test_a_grant_whose_event_is_not_stored_opens_nothing(house: House, dsn: str) -> None:
    guest, desk = house.person(), house.desk("ten_a")

    def grant(at: Desk) -> Decided:
        place = Place("viewer")
        return people.grant(at, guest.user_id, place, by=ALL, reason="operator", now=now())

    with pytest.raises(StoreUnavailable):
        grant(breaking(desk, works=0))
    between = await house.get("/v1/tenant", guest.token, "ten_a")
    grant(desk)
    after = await house.get("/v1/tenant", guest.token, "ten_a")

    assert (between.status_code, after.status_code) == (401, 200)
    assert told(dsn).count("MembershipGranted") == 1


async def test_a_key_is_shut_before_its_revocation_is_stored(house: House, dsn: str) -> None:
    made, desk = house.key("ten_a"), house.desk("ten_a")
    with pytest.raises(StoreUnavailable):
        keys.revoke(breaking(desk, works=0), made.key_id, reason="leaked", now=now())
    between = await house.get("/v1/keys", made.text)
    keys.revoke(desk, made.key_id, reason="leaked", now=now())

    assert between.status_code == 401
    assert told(dsn).count("ApiKeyRevoked") == 1


def test_two_owners_who_remove_each_other_at_once_leave_one(house: House, dsn: str) -> None:
    """The commands about a tenant's people take turns, so that row and log agree."""
    for number in range(ROUNDS):
        tenant = house.tenant(f"ten_{number}")
        pair = [house.person(tenant), house.person(tenant)]
        with ThreadPoolExecutor(2) as threads:
            ends = [threads.submit(end, house.desk(tenant), who) for who in pair]
            refused = [at.exception() for at in ends]
        left = people.page(house.desk(tenant), limit=9)

        assert [type(error) for error in refused if error] == [WrongState]
        assert [(row["role"], row["state"]) for row in left] == [("owner", "active")]
    assert told(dsn).count("MembershipEnded") == ROUNDS


def test_a_refused_removal_changes_no_row(house: House) -> None:
    owner, desk = house.person("ten_a"), house.desk("ten_a")
    outcomes: Sequence[Any] = [people.disable, people.end]
    for act in outcomes:
        with pytest.raises(WrongState):
            act(desk, owner.user_id, by=ALL, reason="left")

    assert people.one(desk, owner.user_id)["state"] == "active"
