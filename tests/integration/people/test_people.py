"""People of a tenant over HTTP: nobody rises above another, and what is taken is gone at once."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from domain.access import ROLES
from tests.house_kit import House, Person

pytestmark = pytest.mark.stack


async def change(house: House, by: Person, who: Person, **body: Any) -> int:
    path = f"/v1/users/{who.user_id}"
    answer = await house.call("PATCH", path, by.token, json=body)
    return answer.status_code


async def test_people_are_listed_with_address_role_and_state(house: House) -> None:
    owner, viewer = house.person("ten_a"), house.person("ten_a", "viewer")
    listed = (await house.get("/v1/users", owner.token)).json()["data"]
    one = (await house.get(f"/v1/users/{viewer.user_id}", owner.token)).json()
    page = (await house.get("/v1/users?limit=1", owner.token)).json()
    rest = await house.get(f"/v1/users?limit=1&cursor={page['next_cursor']}", owner.token)
    only = (await house.get("/v1/users?role=viewer", owner.token)).json()["data"]

    assert [(row["address"], row["role"], row["state"]) for row in listed] == [
        (owner.address, "owner", "active"),
        (viewer.address, "viewer", "active"),
    ]
    assert one == listed[1] == only[0]
    assert page["data"] + rest.json()["data"] == listed
    assert (await house.get("/v1/users", viewer.token)).status_code == 403


async def test_a_changed_role_binds_from_the_next_request_on(house: House) -> None:
    owner, other = house.person("ten_a"), house.person("ten_a", "viewer")
    before = await house.get("/v1/keys", other.token)
    raised = await change(house, owner, other, role="admin", reason="new_duties")
    between = await house.get("/v1/keys", other.token)
    lowered = await change(house, owner, other, role="viewer")
    after = await house.get("/v1/keys", other.token)

    assert (raised, lowered) == (200, 200)
    assert [at.status_code for at in (before, between, after)] == [403, 200, 403]


@pytest.mark.parametrize("how", ["disable", "remove"])
async def test_who_is_disabled_or_removed_is_out_at_once(house: House, how: str) -> None:
    owner, other = house.person("ten_a"), house.person("ten_a", "admin")
    before = await house.get("/v1/keys", other.token, "ten_a")
    path = f"/v1/users/{other.user_id}"
    if how == "disable":
        done = await house.post(f"{path}/disable", owner.token, {"reason": "security"})
    else:
        done = await house.call("DELETE", f"{path}?reason=left", owner.token)
    after = await house.get("/v1/keys", other.token, "ten_a")
    back = await house.post(f"{path}/enable", owner.token)

    assert (before.status_code, done.status_code, after.status_code) == (200, 200, 401)
    assert back.status_code == (200 if how == "disable" else 404)
    assert (await house.get("/v1/keys", other.token, "ten_a")).status_code == (
        200 if how == "disable" else 401
    )


async def test_the_last_owner_stays(house: House) -> None:
    """Neither removed nor disabled nor demoted, by nobody; with a second one it works."""
    owner = house.person("ten_a")
    path = f"/v1/users/{owner.user_id}"
    calls = [
        ("DELETE", path, None),
        ("POST", f"{path}/disable", {}),
        ("PATCH", path, {"role": "admin"}),
    ]
    refused = [await house.call(m, p, owner.token, json=body) for m, p, body in calls]
    still = await house.get("/v1/keys", owner.token)
    second = house.person("ten_a")
    gone = await house.call("DELETE", path, second.token)

    assert {(at.status_code, at.json()["code"]) for at in refused} == {(409, "wrong_state")}
    assert (still.status_code, gone.status_code) == (200, 200)


async def test_a_disabled_owner_does_not_count_as_the_other_one(house: House) -> None:
    owner, second = house.person("ten_a"), house.person("ten_a")
    await house.post(f"/v1/users/{second.user_id}/disable", owner.token)
    gone = await house.call("DELETE", f"/v1/users/{owner.user_id}", owner.token)

    assert gone.json()["code"] == "wrong_state"


async def test_nobody_gives_or_takes_a_role_above_their_own(house: House) -> None:
    owner, admin = house.person("ten_a"), house.person("ten_a", "admin")
    member = house.person("ten_a", "member")
    given = {role: await change(house, admin, member, role=role) for role in ROLES}
    taken = await change(house, admin, owner, role="viewer")
    ended = await house.call("DELETE", f"/v1/users/{owner.user_id}", admin.token)
    risen = await change(house, admin, admin, role="owner")

    assert given == {"owner": 422, "admin": 200, "manager": 200, "member": 200, "viewer": 200}
    assert (taken, ended.status_code, risen) == (422, 422, 422)


async def test_another_tenants_people_are_not_there(house: House) -> None:
    house.tenant("ten_b")
    owner, stranger = house.person("ten_a"), house.person("ten_b", "member")
    for user_id in (stranger.user_id, "usr_unknown"):
        path = f"/v1/users/{user_id}"
        calls = [("GET", path), ("PATCH", path), ("POST", f"{path}/disable"), ("DELETE", path)]
        for method, where in calls:
            body: dict[str, Any] = {"json": {"role": "viewer"}} if method == "PATCH" else {}
            body = {"json": {}} if method == "POST" else body
            answer = await house.call(method, where, owner.token, **body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), where
    assert (await house.get("/v1/users", owner.token, "ten_b")).status_code == 401


async def test_what_is_no_change_is_refused_by_name(house: House) -> None:
    owner = house.person("ten_a")
    path = f"/v1/users/{owner.user_id}"
    bodies: list[Any] = [{}, {"role": "king"}, {"role": None}, {"reason": "a person said so"}]
    bodies += [{"workspace_ids": []}, {"workspace_ids": ["wsp_unknown"]}, {"x": 1}, []]
    answers = [await house.call("PATCH", path, owner.token, json=body) for body in bodies]

    assert {answer.status_code for answer in answers} <= {409, 422}
    assert (await house.get(path, owner.token)).json()["role"] == "owner"


# ---- invitations


async def invited(house: House, by: Person, **body: Any) -> tuple[str, str]:
    """The invitation's id, and the token in the mail."""
    asked = {"address": "new@people.example", "role": "manager"} | body
    answer = await house.post("/v1/invitations", by.token, asked)
    assert answer.status_code == 201, answer.text
    return answer.json()["invitation_id"], house.letters[-1].link.partition("#token=")[2]


async def test_who_follows_the_link_of_the_mail_comes_in(house: House) -> None:
    owner, guest = house.person("ten_a"), house.person()
    invitation_id, token = await invited(house, owner)
    letter = house.letters[-1]
    done = await house.post("/v1/invitations/accept", guest.token, {"token": token})
    again = await house.post("/v1/invitations/accept", guest.token, {"token": token})
    other = await house.post("/v1/invitations/accept", house.person().token, {"token": token})
    listed = (await house.get("/v1/invitations", owner.token)).json()["data"]

    assert (letter.address, letter.fields["tenant_name"]) == ("new@people.example", "ten_a")
    assert (done.status_code, again.status_code) == (200, 200)
    assert (other.status_code, other.json()["code"]) == (409, "wrong_state")
    assert (done.json()["tenant_id"], done.json()["role"]) == ("ten_a", "manager")
    assert (await house.get("/v1/tenant", guest.token)).json()["tenant_id"] == "ten_a"
    assert [(row["invitation_id"], row["state"], row["user_id"]) for row in listed] == [
        (invitation_id, "accepted", guest.user_id)
    ]


async def test_who_has_no_account_makes_one_with_the_link(house: House) -> None:
    owner = house.person("ten_a")
    _, token = await invited(house, owner)
    body = {"token": token, "password": "six quiet penguins sleep"}
    done = await house.post("/v1/invitations/accept", "", body)
    log_in = {"address": "new@people.example", "password": body["password"]}
    known = await house.post("/v1/auth/login", "", log_in)

    assert (done.status_code, known.status_code) == (200, 200)
    listed = (await house.get("/v1/users", owner.token)).json()["data"]
    assert [row["address"] for row in listed if row["role"] == "manager"] == ["new@people.example"]


async def test_an_account_at_the_address_logs_in_instead(house: House) -> None:
    owner, guest = house.person("ten_a"), house.person()
    _, token = await invited(house, owner, address=guest.address)
    body = {"token": token, "password": "six quiet penguins sleep"}

    assert (await house.post("/v1/invitations/accept", "", body)).status_code == 409
    answer = await house.post("/v1/invitations/accept", guest.token, {"token": token})
    assert answer.status_code == 200


async def test_void_links_open_nothing(house: House, dsn: str) -> None:
    """Revoked, replaced by a newer mail, expired, invented, and without a person."""
    owner, guest = house.person("ten_a"), house.person()
    first, old = await invited(house, owner)
    again = await house.post(f"/v1/invitations/{first}/resend", owner.token)
    new = house.letters[-1].link.partition("#token=")[2]
    replaced = await house.post("/v1/invitations/accept", guest.token, {"token": old})
    gone = await house.call("DELETE", f"/v1/invitations/{first}", owner.token)
    revoked = await house.post("/v1/invitations/accept", guest.token, {"token": new})
    _, late = await invited(house, owner)
    with psycopg.connect(dsn) as conn:
        conn.execute("UPDATE vault.invitation SET expires_at = now() - interval '1 second'")
    expired = await house.post(
        "/v1/invitations/accept", "", {"token": late, "password": "six quiet penguins sleep"}
    )
    invented = await house.post("/v1/invitations/accept", guest.token, {"token": "pm_invite_x"})
    nobody = await house.post("/v1/invitations/accept", "", {"token": late})

    assert (again.status_code, gone.status_code) == (200, 200)
    found = [at.status_code for at in (replaced, revoked, expired, invented, nobody)]
    assert found == [422, 409, 409, 422, 401]
    assert (await house.get("/v1/tenant", guest.token)).status_code == 400  # of no tenant


async def test_a_used_link_brings_nobody_in_again_who_was_removed(house: House) -> None:
    owner, guest = house.person("ten_a"), house.person()
    _, token = await invited(house, owner)
    await house.post("/v1/invitations/accept", guest.token, {"token": token})
    await house.call("DELETE", f"/v1/users/{guest.user_id}", owner.token)
    await house.post("/v1/invitations/accept", guest.token, {"token": token})

    assert (await house.get("/v1/tenant", guest.token, "ten_a")).status_code == 401


async def test_who_was_removed_can_be_invited_again(house: House) -> None:
    owner, guest = house.person("ten_a"), house.person("ten_a", "viewer")
    await house.call("DELETE", f"/v1/users/{guest.user_id}", owner.token)
    _, token = await invited(house, owner, address=guest.address, role="member")
    await house.post("/v1/invitations/accept", guest.token, {"token": token})

    shown = await house.get(f"/v1/users/{guest.user_id}", owner.token)
    assert (shown.json()["role"], shown.json()["state"]) == ("member", "active")


async def test_an_invitation_ends_with_its_inviters_rights(house: House) -> None:
    owner, admin, guest = house.person("ten_a"), house.person("ten_a", "admin"), house.person()
    _, token = await invited(house, admin)
    await house.post(f"/v1/users/{admin.user_id}/disable", owner.token)
    answer = await house.post("/v1/invitations/accept", guest.token, {"token": token})

    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")


async def test_invitations_that_cannot_be_are_refused(house: House) -> None:
    admin, member = house.person("ten_a", "admin"), house.person("ten_a", "member")
    await invited(house, admin)
    bodies = [
        {"address": "new@people.example", "role": "viewer"},
        {"address": admin.address, "role": "viewer"},
        {"address": "other@people.example", "role": "owner"},
        {"address": "nobody", "role": "viewer"},
        {"address": "other@people.example", "role": "viewer", "workspace_ids": ["wsp_x"]},
    ]
    answers = [await house.post("/v1/invitations", admin.token, body) for body in bodies]
    forbidden = await house.post("/v1/invitations", member.token, bodies[4])

    assert [answer.status_code for answer in answers] == [409, 409, 422, 422, 422]
    assert forbidden.status_code == 403
    assert len(house.letters) == 1


async def test_no_address_or_link_is_in_the_log(house: House, dsn: str) -> None:
    """I10: what the decision log holds of people are ids."""
    owner = house.person("ten_a")
    _, token = await invited(house, owner)
    await house.post("/v1/invitations/accept", house.person().token, {"token": token})
    with psycopg.connect(dsn) as conn:
        log = str(
            conn.execute("SELECT convert_from(state, 'UTF8') FROM es.decision_events").fetchall()
        )

    assert "InvitationAccepted" not in log  # names of types stand beside the data
    assert "usr_" in log
    assert "people.example" not in log
    assert token not in log
