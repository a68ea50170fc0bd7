"""Workspaces over HTTP: who is bound to some sees nothing of the others, and touches nothing."""

from __future__ import annotations

import pytest

from api.workspaces import place, require_visible, workspace_of
from domain.refusals import NotFound
from tests.house_kit import House, Person

pytestmark = pytest.mark.stack


async def test_a_workspace_is_made_renamed_and_archived(house: House) -> None:
    owner = house.person("ten_a")
    made = await house.post("/v1/workspaces", owner.token, {"name": "Shop"})
    path = f"/v1/workspaces/{made.json()['workspace_id']}"
    named = await house.call("PATCH", path, owner.token, json={"name": "Penguin Shop"})
    shown = await house.get(path, owner.token)
    closed = await house.post(f"{path}/archive", owner.token)
    listed = await house.get("/v1/workspaces", owner.token)
    all_of_them = await house.get("/v1/workspaces?archived=true", owner.token)
    late = await house.call("PATCH", path, owner.token, json={"name": "Other"})

    assert (made.status_code, named.status_code, closed.status_code) == (201, 200, 200)
    assert shown.json()["name"] == "Penguin Shop"
    assert listed.json()["data"] == []
    assert len(all_of_them.json()["data"]) == 1
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")


async def test_nothing_is_put_into_an_archived_workspace(house: House) -> None:
    owner, one = house.person("ten_a"), house.workspace("ten_a")
    await house.post(f"/v1/workspaces/{one}/archive", owner.token)
    with pytest.raises(NotFound):
        place(house.desk("ten_a"), "tpl_1", one)
    invited = await house.post(
        "/v1/invitations",
        owner.token,
        {"address": "new@people.example", "role": "viewer", "workspace_ids": [one]},
    )

    assert invited.status_code == 422


async def test_who_is_bound_to_a_workspace_sees_that_one_alone(house: House) -> None:
    one, two = house.workspace("ten_a"), house.workspace("ten_a", "Two")
    admin = house.person("ten_a", "admin", (one,))
    listed = (await house.get("/v1/workspaces", admin.token)).json()["data"]
    answers = [
        await house.get(f"/v1/workspaces/{two}", admin.token),
        await house.get(f"/v1/workspaces/{two}/users", admin.token),
        await house.call("PATCH", f"/v1/workspaces/{two}", admin.token, json={"name": "Mine"}),
        await house.post(f"/v1/workspaces/{two}/archive", admin.token),
        await house.post("/v1/workspaces", admin.token, {"name": "More"}),
    ]

    assert [row["workspace_id"] for row in listed] == [one]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert (await house.get(f"/v1/workspaces/{one}", admin.token)).status_code == 200


async def test_people_of_other_workspaces_are_not_there(house: House) -> None:
    one, two = house.workspace("ten_a"), house.workspace("ten_a", "Two")
    admin, owner = house.person("ten_a", "admin", (one,)), house.person("ten_a")
    mate, stranger = (house.person("ten_a", "member", (at,)) for at in (one, two))
    seen = (await house.get("/v1/users", admin.token)).json()["data"]
    members = (await house.get(f"/v1/workspaces/{one}/users", owner.token)).json()["data"]

    assert {row["user_id"] for row in seen} == {admin.user_id, mate.user_id}
    assert {row["user_id"] for row in members} == {admin.user_id, owner.user_id, mate.user_id}
    for hidden in (stranger, owner):
        assert await _touch(house, admin, hidden) == [404, 404, 404]
    assert await _touch(house, admin, mate) == [200, 200, 200]


async def _touch(house: House, by: Person, who: Person) -> list[int]:
    path = f"/v1/users/{who.user_id}"
    calls = [
        await house.get(path, by.token),
        await house.post(f"{path}/disable", by.token),
        await house.call("DELETE", path, by.token),
    ]
    return [answer.status_code for answer in calls]


async def test_who_is_bound_gives_no_more_than_their_own_workspaces(house: House) -> None:
    """To people, invitations and keys."""
    one, two = house.workspace("ten_a"), house.workspace("ten_a", "Two")
    admin, mate = (house.person("ten_a", role, (one,)) for role in ("admin", "member"))
    outcomes: list[tuple[int, ...]] = []
    choices: list[list[str] | None] = [[one], [two], [one, two], None]
    for chosen in choices:
        wanted = {"workspace_ids": chosen}
        path = f"/v1/users/{mate.user_id}"
        changed = await house.call("PATCH", path, admin.token, json=wanted)
        invite = {"address": f"new{len(outcomes)}@people.example", "role": "viewer"}
        invited = await house.post("/v1/invitations", admin.token, invite | wanted)
        key = {"name": "K", "scopes": ["leads:read"]}
        made = await house.post("/v1/keys", admin.token, key | wanted)
        outcomes.append((changed.status_code, invited.status_code, made.status_code))

    assert outcomes == [(200, 201, 201), *[(422, 422, 422)] * 3]


async def test_a_key_bound_to_a_workspace_lists_only_keys_of_it(house: House) -> None:
    one, two = house.workspace("ten_a"), house.workspace("ten_a", "Two")
    bound = house.key("ten_a", workspace_ids=(one,))
    hidden = [house.key("ten_a"), house.key("ten_a", workspace_ids=(two,))]
    listed = (await house.get("/v1/keys", bound.text)).json()["data"]
    answers = [
        await house.call(method, f"/v1/keys/{key.key_id}", bound.text)
        for key in hidden
        for method in ("GET", "DELETE")
    ]

    assert [row["key_id"] for row in listed] == [bound.key_id]
    assert [answer.status_code for answer in answers] == [404] * 4


def test_things_of_another_workspace_are_neither_seen_nor_moved(house: House) -> None:
    one, two = house.workspace("ten_a"), house.workspace("ten_a", "Two")
    everywhere = house.desk("ten_a")
    bound = house.ports.desks.at("ten_a", "usr_x", workspace_ids=frozenset({one}))
    place(everywhere, "tpl_two", two)
    place(bound, "tpl_one", one)

    require_visible(bound, "tpl_one", "template")
    for hidden in ("tpl_two", "tpl_of_the_tenant"):
        with pytest.raises(NotFound):
            require_visible(bound, hidden, "template")
    for thing, where in (("tpl_two", one), ("tpl_one", two), ("tpl_one", "")):
        with pytest.raises(NotFound):
            place(bound, thing, where)
    assert (workspace_of(bound, "tpl_one"), workspace_of(everywhere, "tpl_two")) == (one, two)


async def test_who_is_bound_to_a_workspace_erases_whom_only_that_one_has(house: House) -> None:
    """I10 within a workspace: a person is one record, which others may still need."""
    one, two = house.workspace("ten_a"), house.workspace("ten_a", "Two")
    admin, owner = house.person("ten_a", "admin", (one,)), house.person("ten_a")

    async def lead(address: str, *workspaces: str) -> str:
        made: dict[str, str] = {}
        for workspace in workspaces:
            body = {"name": address, "workspace_id": workspace}
            found = (await house.post("/v1/lists", owner.token, body)).json()["list_id"]
            if made:
                path = f"/v1/lists/{found}/leads"
                await house.post(path, owner.token, {"lead_ids": [made["lead_id"]]})
            else:
                body = {"address": address, "list_id": found}
                made = (await house.post("/v1/leads", owner.token, body)).json()
        return str(made["lead_id"])

    own = await lead("own@x.example", one)
    theirs, shared = await lead("theirs@x.example", two), await lead("both@x.example", one, two)
    answers = [
        await house.post(f"/v1/leads/{lead_id}/erase", admin.token)
        for lead_id in (own, theirs, shared)
    ]

    assert [answer.status_code for answer in answers] == [200, 404, 409]


async def test_a_person_is_told_the_names_of_their_workspaces(house: House) -> None:
    """Of each tenant its own, whatever else the tenants have."""
    house.tenant("ten_a")
    house.tenant("ten_b")
    one, other = house.workspace("ten_a", "Shop"), house.workspace("ten_b", "Bakery")
    house.workspace("ten_a", "Hidden")
    both = house.person("ten_a", "member", (one,))
    house.admit("ten_b", both, "viewer", (other,))
    places = (await house.get("/v1/me", both.token)).json()["memberships"]
    named = {place["tenant_name"]: place["workspaces"] for place in places}

    assert named == {
        "ten_a": [{"workspace_id": one, "name": "Shop"}],
        "ten_b": [{"workspace_id": other, "name": "Bakery"}],
    }
