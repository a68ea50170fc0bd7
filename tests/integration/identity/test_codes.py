"""Codes of authenticator apps, and recovery codes, serve once."""

from __future__ import annotations

import pytest

from tests.identity_kit import PASSWORD, People

pytestmark = pytest.mark.stack


async def status(people: People, token: str) -> int:
    return (await people.get("/v1/me", token)).status_code


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
