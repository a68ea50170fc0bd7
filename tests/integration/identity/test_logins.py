"""Logging in: sessions that end, attempts that are counted, codes that serve once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from adapters.identity.passwords import Passwords, argon2id
from adapters.identity.throttle import Limit, Subject, Throttle, TooMany
from api.commands import accounts
from api.main import create_app
from projections.models import ensure_schemas
from tests.identity_kit import ADDRESS, PASSWORD, Clock, People
from tests.schedule_kit import rows

pytestmark = pytest.mark.stack

NEXT = "eight warm penguins rest"
WRONG = "nine wrong penguins fall"


async def status(people: People, token: str) -> int:
    return (await people.get("/v1/me", token)).status_code


# ---- sessions


async def test_a_token_serves_no_more_after_logging_out(people: People) -> None:
    """Replaying it is 401."""
    token = await people.member()
    before = await status(people, token)
    out = await people.post("/v1/auth/logout", token)

    assert (before, out.status_code, await status(people, token)) == (200, 200, 401)


async def test_each_log_in_gives_another_token(people: People) -> None:
    """And the earlier one goes on."""
    first = await people.member()
    second = await people.log_in()

    assert first != second
    assert (await status(people, first), await status(people, second)) == (200, 200)


async def test_a_session_ends_after_half_an_hour_without_use(people: People) -> None:
    """And not while it is used."""
    token = await people.member()
    for _ in range(4):
        people.clock.turn(minutes=29)
        assert await status(people, token) == 200
    people.clock.turn(minutes=30)

    assert await status(people, token) == 401


async def test_a_session_ends_after_twelve_hours_whatever_its_use(people: People) -> None:
    """The last use a minute before."""
    token = await people.member()
    for _ in range(12 * 60 // 20 - 1):
        people.clock.turn(minutes=20)
        assert await status(people, token) == 200
    people.clock.turn(minutes=19)
    assert await status(people, token) == 200
    people.clock.turn(minutes=1)

    assert await status(people, token) == 401


async def test_a_person_sees_their_sessions_and_ends_one(people: People) -> None:
    """Only their own: another's id is as unknown as any."""
    old = await people.member()
    people.clock.turn(minutes=2)
    token = await people.log_in()
    theirs = await people.member("eve@people.test")
    data = (await people.get("/v1/me/sessions", token)).json()["data"]
    foreign = (await people.get("/v1/me/sessions", theirs)).json()["data"][0]["session_id"]

    async with people.client(Authorization=f"Bearer {token}") as client:
        ended = await client.delete(f"/v1/me/sessions/{data[1]['session_id']}")
        not_mine = await client.delete(f"/v1/me/sessions/{foreign}")
        none = await client.delete("/v1/me/sessions/ses_aaaaaaaaaaaaaaaaaaaaaaaaaa")
        odd = await client.delete("/v1/me/sessions/%00")

    assert [found["current"] for found in data] == [True, False]
    assert data[0]["ip"] == "127.0.0.1"
    assert (ended.status_code, await status(people, old)) == (200, 401)
    assert ended.json()["position"] > 0
    assert {not_mine.status_code, none.status_code, odd.status_code} == {404}
    assert not_mine.json()["detail"] == none.json()["detail"]
    assert await status(people, theirs) == 200


async def test_another_password_ends_every_session_but_the_fresh_one(people: People) -> None:
    """The old password is asked for, and serves no more."""
    first, second = await people.member(), await people.log_in()
    refused = await people.post("/v1/me/password", second, password=WRONG, new_password=NEXT)
    done = await people.post("/v1/me/password", second, password=PASSWORD, new_password=NEXT)

    assert (refused.status_code, done.status_code) == (401, 200)
    assert (await status(people, first), await status(people, second)) == (401, 401)
    assert await status(people, done.json()["token"]) == 200
    assert (await people.try_log_in()).status_code == 401
    assert (await people.try_log_in(password=NEXT)).status_code == 200


async def test_a_disabled_person_neither_goes_on_nor_logs_in(people: People) -> None:
    """And is told what any wrong password is told."""
    token = await people.member()
    identity = people.ports.identity
    user_id = (await people.get("/v1/me", token)).json()["user_id"]
    await asyncio.to_thread(
        accounts.disable, identity, user_id, actor="operator", reason="security"
    )
    kept_out = await people.try_log_in()
    wrong = await people.try_log_in(password=WRONG)
    went_on = await status(people, token)
    await asyncio.to_thread(accounts.enable, identity, user_id, actor="operator")

    assert (went_on, kept_out.status_code) == (401, 401)
    assert kept_out.json()["detail"] == wrong.json()["detail"]
    assert (await people.try_log_in()).status_code == 200


# ---- who is who


async def test_a_person_acts_in_tenants_of_theirs_alone(people: People, dsn: str) -> None:
    """Their only one unless they name another; a foreign tenant is as unknown as any (I11)."""
    ensure_schemas(dsn)
    eve = await people.member("eve@people.test")
    theirs = (await people.get("/v1/me", eve)).json()["memberships"][0]["tenant_id"]
    token = await people.member()
    own = (await people.get("/v1/me", token)).json()["memberships"][0]["tenant_id"]
    asked = {
        name: await people.get("/v1/senders", token, **({"X-Tenant": tenant} if tenant else {}))
        for name, tenant in {
            "none": "",
            "own": own,
            "foreign": theirs,
            "unknown": "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        }.items()
    }

    assert {name: answer.status_code for name, answer in asked.items()} == {
        "none": 200, "own": 200, "foreign": 401, "unknown": 401,
    }  # fmt: skip
    assert asked["foreign"].json()["detail"] == asked["unknown"].json()["detail"]


async def test_a_person_of_several_tenants_names_one(people: People, dsn: str) -> None:
    """Without a name it is a request that lacks something, not a refusal."""
    ensure_schemas(dsn)
    await people.member("eve@people.test")
    token = await people.member()
    memberships = (await people.get("/v1/me", token)).json()["memberships"]
    user_id = (await people.get("/v1/me", token)).json()["user_id"]
    desk = people.ports.desks.at("ten_second", "tests")
    await asyncio.to_thread(
        desk.write,
        "INSERT INTO vault.membership VALUES"
        " (%(tenant_id)s, %(user_id)s, 'viewer', 'active', '{wsp_one}', now())",
        user_id=user_id,
    )

    nameless = await people.get("/v1/senders", token)
    named = await people.get("/v1/senders", token, **{"X-Tenant": memberships[0]["tenant_id"]})
    found = await people.ports.callers.find(token, "ten_second")

    assert (nameless.status_code, nameless.json()["code"]) == (400, "tenant_missing")
    assert named.status_code == 200
    assert found is not None
    assert found.workspace_ids == frozenset({"wsp_one"})
    assert not found.may("campaigns:write")


async def test_who_is_not_verified_logs_in_and_is_known_as_such(people: People) -> None:
    """So that what sends can refuse them."""
    await people.sign_up()
    before = await people.ports.callers.find(await people.log_in(), "")
    await people.post("/v1/auth/verify", token=people.token_of_letter())
    after = await people.ports.callers.find(await people.log_in(), "")

    assert before is not None
    assert after is not None
    assert (before.unverified, after.unverified) == (True, False)


# ---- attempts


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


# ---- the second factor


async def test_a_code_is_asked_for_once_it_is_on_and_serves_once(people: People) -> None:
    """Not even within its 30 seconds does one serve again (ASVS 6.5.1)."""
    old = await people.member()
    seed, token, _ = await people.with_totp(old)
    without = await people.try_log_in()
    used_to_confirm = await people.try_log_in(code=people.code(seed))
    people.clock.turn(seconds=30)
    fresh = people.code(seed)
    first = await people.try_log_in(code=fresh)
    replayed = await people.try_log_in(code=fresh)

    assert (without.status_code, without.json()["code"]) == (401, "totp_required")
    assert (used_to_confirm.status_code, first.status_code) == (401, 200)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "login_failed")
    assert (await status(people, old), await status(people, token)) == (401, 200)


async def test_codes_of_one_step_before_and_after_serve_and_no_others(people: People) -> None:
    """Clocks of phones differ."""
    seed, _, _ = await people.with_totp(await people.member())
    people.clock.turn(minutes=10)
    answers = {
        steps: (await people.try_log_in(code=people.code(seed, steps))).status_code
        for steps in (-2, 2, -1, 1)
    }

    assert answers == {-2: 401, 2: 401, -1: 200, 1: 200}


async def test_a_recovery_code_serves_once_however_it_is_typed(people: People) -> None:
    """And is counted down."""
    _, token, codes = await people.with_totp(await people.member())
    typed = codes[3].upper().replace("-", " ")
    first = await people.try_log_in(recovery_code=typed)
    again = await people.try_log_in(recovery_code=codes[3])

    assert len(set(codes)) == 10
    assert (first.status_code, again.status_code) == (200, 401)
    assert (await people.get("/v1/me", token)).json()["recovery_codes_left"] == 9


async def test_wrong_codes_are_throttled_apart_from_passwords(people: People) -> None:
    """Five in five minutes; the password was right each time."""
    seed, _, _ = await people.with_totp(await people.member())
    people.clock.turn(minutes=10)
    wrong = [await people.try_log_in(code="000000") for _ in range(5)]
    refused = await people.try_log_in(code=people.code(seed))

    assert {answer.status_code for answer in wrong} == {401}
    assert refused.status_code == 429


async def test_turning_codes_on_needs_a_right_one_and_off_needs_one_more(people: People) -> None:
    """Off: the password and a code; then the password is enough."""
    token = await people.member()
    begun = await people.post("/v1/me/totp", token, password=PASSWORD)
    seed = begun.json()["seed"]
    wrong = await people.post("/v1/me/totp/confirm", token, code="000000")
    not_yet = await people.try_log_in()
    done = await people.post("/v1/me/totp/confirm", token, code=people.code(seed))
    token = done.json()["token"]
    twice = await people.post("/v1/me/totp", token, password=PASSWORD)
    people.clock.turn(seconds=30)
    no_code = await people.post("/v1/me/totp/disable", token, password=PASSWORD)
    off = await people.post("/v1/me/totp/disable", token, password=PASSWORD, code=people.code(seed))

    assert (wrong.status_code, not_yet.status_code, done.status_code) == (401, 200, 200)
    assert (twice.status_code, no_code.status_code, off.status_code) == (409, 401, 200)
    assert (await people.try_log_in()).status_code == 200


async def test_new_recovery_codes_replace_the_old_ones(people: People) -> None:
    """For who gives the password and a code."""
    seed, token, old = await people.with_totp(await people.member())
    people.clock.turn(seconds=30)
    answer = await people.post(
        "/v1/me/recovery-codes", token, password=PASSWORD, code=people.code(seed)
    )
    fresh = answer.json()["recovery_codes"]

    assert not set(old) & set(fresh)
    assert (await people.try_log_in(recovery_code=old[0])).status_code == 401
    assert (await people.try_log_in(recovery_code=fresh[0])).status_code == 200
