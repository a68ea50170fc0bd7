"""What is dangerous asks a person for their password once more; a key, which is a proof, never."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.identity_kit import ADDRESS, PASSWORD, People

pytestmark = pytest.mark.stack

KEY = {"name": "a key", "role": "viewer"}


async def asked(people: People, token: str) -> list[httpx2.Response]:
    """Each dangerous command, once."""
    headers = {"Authorization": f"Bearer {token}"}
    async with people.client(**headers) as client:
        return [
            await client.post("/v1/keys", json=KEY),
            await client.post("/v1/keys/key_none/rotate", json={}),
            await client.delete("/v1/keys/key_none"),
            await client.request("DELETE", "/v1/tenant", json={"name": "Ada's"}),
        ]


def refused(answers: list[httpx2.Response]) -> list[Any]:
    return [answer.json().get("code") for answer in answers if answer.status_code == 403]


async def test_a_fresh_session_does_what_is_dangerous(people: People) -> None:
    """Logging in gave the password."""
    answers = await asked(people, await people.member())

    assert [answer.status_code for answer in answers] == [201, 404, 404, 202]


async def test_an_old_proof_is_not_enough_until_it_is_renewed(people: People) -> None:
    token = await people.member()
    people.clock.turn(minutes=9)
    await people.get("/v1/me", token)
    people.clock.turn(minutes=1)
    before = await asked(people, token)
    wrong = await people.post("/v1/me/proof", token, password=PASSWORD + "!")
    still = await asked(people, token)
    proof = await people.post("/v1/me/proof", token, password=PASSWORD)
    made = await people.post("/v1/keys", token, **KEY)

    assert refused(before) == ["proof_required"] * 4
    assert (wrong.status_code, refused(still)) == (401, ["proof_required"] * 4)
    assert (proof.status_code, proof.json()["object"], made.status_code) == (200, "proof", 201)


async def test_a_proof_counts_for_the_session_that_gave_it_alone(people: People) -> None:
    first = await people.member()
    people.clock.turn(minutes=11)
    second = await people.log_in()
    await people.post("/v1/me/proof", second, password=PASSWORD)

    assert refused(await asked(people, first)) == ["proof_required"] * 4


async def test_who_uses_codes_proves_with_one(people: People) -> None:
    seed, token, _ = await people.with_totp(await people.member())
    people.clock.turn(minutes=15)
    without = await people.post("/v1/me/proof", token, password=PASSWORD)
    proof = await people.post("/v1/me/proof", token, password=PASSWORD, code=people.code(seed))

    assert (without.status_code, without.json()["code"]) == (401, "totp_required")
    assert proof.status_code == 200
    assert (await people.post("/v1/keys", token, **KEY)).status_code == 201


async def test_an_old_session_looks_at_keys_and_keeps_its_tenant(people: People) -> None:
    """Looking is not dangerous; nor is taking a deletion back."""
    token = await people.member()
    await people.post("/v1/keys", token, **KEY)
    people.clock.turn(minutes=20)
    listed = await people.get("/v1/keys", token)
    kept = await people.post("/v1/tenant/deletion/cancel", token)

    assert (listed.status_code, len(listed.json()["data"])) == (200, 1)
    assert kept.status_code == 200


async def test_a_key_is_asked_for_no_password(people: People) -> None:
    """A program has none; its key is the proof."""
    token = await people.member()
    made = await people.post("/v1/keys", token, name="ours", role="owner")
    people.clock.turn(hours=20)

    again = await people.post("/v1/keys", made.json()["key"], **KEY)

    assert again.status_code == 201


async def test_a_person_sees_where_they_belong_by_name(people: People) -> None:
    token = await people.member(ADDRESS)
    (place,) = (await people.get("/v1/me", token)).json()["memberships"]

    assert (place["tenant_name"], place["workspaces"]) == ("Ada's", None)
