"""Sessions end by themselves, by their person and with other secrets; and say who acts where."""

from __future__ import annotations

import asyncio

import pytest

from api.commands import accounts
from projections.models import ensure_schemas
from tests.identity_kit import PASSWORD, People

pytestmark = pytest.mark.stack

NEXT = "eight warm penguins rest"
WRONG = "nine wrong penguins fall"


async def status(people: People, token: str) -> int:
    return (await people.get("/v1/me", token)).status_code


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
        odd = await client.delete("/v1/me/sessions/none-such")

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
    await asyncio.to_thread(accounts.enable, identity, user_id, actor="operator", reason="operator")

    assert (went_on, kept_out.status_code) == (401, 401)
    assert kept_out.json()["detail"] == wrong.json()["detail"]
    assert (await people.try_log_in()).status_code == 200


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
