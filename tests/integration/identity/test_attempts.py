"""Wrong passwords are counted exactly, and cost the same whoever is asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from adapters.identity.passwords import Passwords, argon2id
from adapters.identity.throttle import Limit, Subject, Throttle, TooMany
from api.main import create_app
from tests.identity_kit import ADDRESS, PASSWORD, Clock, People
from tests.schedule_kit import rows

pytestmark = pytest.mark.stack

WRONG = "nine wrong penguins fall"


async def status(people: People, token: str) -> int:
    return (await people.get("/v1/me", token)).status_code


async def test_the_eleventh_wrong_password_of_an_address_waits(people: People) -> None:
    """From whatever IP it comes; the right password too; and never for good."""
    await people.member()
    await people.member("eve@people.test")
    wrong = [await people.try_log_in(password=WRONG) for _ in range(10)]
    refused = await people.try_log_in()

    assert {answer.status_code for answer in wrong} == {401}
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert refused.headers["retry-after"] == "300"
    people.clock.turn(seconds=299)
    assert (await people.try_log_in()).status_code == 429
    people.clock.turn(seconds=1)
    assert (await people.try_log_in()).status_code == 200


async def test_ten_wrong_passwords_from_one_ip_bind_all_its_log_ins(people: People) -> None:
    """Whichever addresses were tried, known or not."""
    await people.member()
    for number in range(10):
        await people.try_log_in(f"nobody{number}@people.test")

    assert (await people.try_log_in()).status_code == 429


async def test_log_ins_that_succeed_do_not_count(people: People) -> None:
    """More than the limit in a moment."""
    await people.member()
    answers = [await people.try_log_in() for _ in range(12)]

    assert {answer.status_code for answer in answers} == {200}


async def test_attempts_at_the_same_moment_are_counted_exactly(people: People) -> None:
    """Twelve threads, a limit of five: five pass."""
    throttle = people.ports.identity.throttle
    subject = Subject("test", "one", (Limit(5, 60.0),))

    async def attempt() -> bool:
        try:
            await asyncio.to_thread(throttle.attempt, people.clock.now, subject)
        except TooMany:
            return False
        return True

    passed = await asyncio.gather(*(attempt() for _ in range(12)))

    assert sum(passed) == 5


async def test_each_of_several_windows_binds(people: People) -> None:
    """Five in a minute and seven in an hour; a refused attempt counts nowhere."""
    throttle: Throttle = people.ports.identity.throttle
    clock = Clock()
    subject = Subject("test", "one", (Limit(5, 60.0), Limit(7, 3600.0)))

    def passes() -> bool:
        try:
            throttle.attempt(clock.now, subject)
        except TooMany:
            return False
        return True

    def minutes() -> list[int]:
        counted = []
        for _ in range(3):
            counted.append(sum(passes() for _ in range(9)))
            clock.turn(minutes=1)
        return counted

    assert await asyncio.to_thread(minutes) == [5, 2, 0]
    clock.turn(minutes=57)
    assert await asyncio.to_thread(passes)


async def test_what_no_longer_counts_is_forgotten(people: People, dsn: str) -> None:
    """Attempts and sessions of a day ago, links that are too old; not what still counts."""
    await people.sign_up()
    await people.log_in()
    for number in range(8):
        await people.try_log_in(f"nobody{number}@people.test")
    await people.post("/v1/auth/reset-request", address=ADDRESS)
    tables = ("attempt", "session", "one_time")

    def counted() -> dict[str, int]:
        return {
            table: rows(dsn, f"SELECT count(*) FROM auth.{table}")[0][0]  # noqa: S608 - a constant
            for table in tables
        }

    before = counted()
    people.clock.turn(hours=25)
    for _ in range(3):
        await people.try_log_in("eve@people.test")
    after = counted()

    assert before["attempt"] > 20
    assert (before["session"], before["one_time"]) == (1, 2)
    assert after == {"attempt": 9, "session": 0, "one_time": 0}


async def test_an_unknown_address_costs_a_hash_like_a_known_one(people: People) -> None:
    """Counted: one check each, of the same parameters."""
    await people.member()
    checked: list[str] = []

    class Counting:
        """The hasher in use, its checks noted."""

        def __init__(self) -> None:
            self._inner = argon2id()

        def hash(self, password: str) -> str:
            return self._inner.hash(password)

        def verify(self, hash: str, password: str) -> bool:  # noqa: A002 - the library's name
            checked.append(hash.rpartition("$")[0].rpartition("$")[0])
            return self._inner.verify(hash, password)

        def check_needs_rehash(self, hash: str) -> bool:  # noqa: A002 - as above
            return self._inner.check_needs_rehash(hash)

    identity = replace(people.ports.identity, passwords=Passwords(Counting()))
    counted = replace(people, app=create_app(replace(people.ports, identity=identity)))
    known = await counted.try_log_in(password=WRONG)
    unknown = await counted.try_log_in("nobody@people.test", password=WRONG)

    assert checked == ["$argon2id$v=19$m=19456,t=2,p=1"] * 2
    assert known.json()["detail"] == unknown.json()["detail"]


async def test_a_hash_of_older_parameters_is_renewed_at_log_in(people: People) -> None:
    """And the session of before goes on: nothing was changed by the person."""
    token = await people.member()
    kept = people.ports.identity.accounts
    account = await asyncio.to_thread(kept.at, ADDRESS)
    assert account is not None
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await asyncio.to_thread(kept.rehash, account, weak)

    await people.log_in()
    renewed = await asyncio.to_thread(kept.at, ADDRESS)

    assert renewed is not None
    assert renewed.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await status(people, token) == 200
