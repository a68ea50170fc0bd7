"""Staff: apart from tenants' people, in a tenant with a recorded reason, within their role."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from domain.staff_visit import REASONS
from tests.house_kit import House

pytestmark = pytest.mark.stack


async def in_tenant(
    house: House, token: str, path: str, reason: str = "support_ticket", tenant: str = "ten_a"
) -> int:
    headers = {"X-Staff-Reason": reason} if reason else {}
    answer = await house.call("GET", path, token, tenant=tenant, headers=headers)
    return answer.status_code


def events(dsn: str, kind: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(
            "SELECT tenant_id, actor, convert_from(state, 'UTF8')::jsonb ->> 'reason'"
            " FROM es.decision_events WHERE topic = %s ORDER BY notification_id",
            (f"{kind}.v1",),
        ).fetchall()


async def test_staff_come_into_a_tenant_with_a_reason_alone(house: House, dsn: str) -> None:
    """Each reason of a day is one event; without one nothing is shown."""
    eve = house.staff("super_admin")
    found = [
        await in_tenant(house, eve.text, "/v1/keys", reason)
        for reason in ("", "just looking", "support_ticket", "support_ticket", "incident")
    ]

    assert found == [422, 422, 200, 200, 200]
    assert events(dsn, "StaffAccessed") == [
        ("ten_a", eve.key_id, "support_ticket"),
        ("ten_a", eve.key_id, "incident"),
    ]
    assert "support_ticket" in REASONS


async def test_a_tenant_that_is_not_there_is_not_visited(house: House, dsn: str) -> None:
    eve = house.staff("super_admin")

    assert await in_tenant(house, eve.text, "/v1/keys", tenant="ten_unknown") == 401
    assert events(dsn, "StaffAccessed") == []


async def test_what_staff_do_carries_their_id(house: House, dsn: str) -> None:
    eve = house.staff("super_admin")
    made = await house.call(
        "POST",
        "/v1/keys",
        eve.text,
        tenant="ten_a",
        headers={"X-Staff-Reason": "onboarding"},
        json={"name": "K", "role": "viewer"},
    )

    assert made.status_code == 201
    assert [row[:2] for row in events(dsn, "ApiKeyCreated")] == [("ten_a", eve.key_id)]


async def test_support_sees_nothing_personal(house: House) -> None:
    bo = house.staff("support").text
    personal = ["/v1/users", "/v1/invitations", "/v1/users/usr_1"]
    plain = ["/v1/keys", "/v1/audit", "/v1/tenant"]

    assert [await in_tenant(house, bo, path) for path in personal] == [403] * 3
    assert [await in_tenant(house, bo, path) for path in plain] == [200] * 3


async def test_no_role_of_a_tenant_opens_what_is_for_staff(house: House) -> None:
    owner, key = house.person("ten_a"), house.key("ten_a")
    calls = [
        ("GET", "/v1/staff/tenants"),
        ("GET", "/v1/staff/tenants/ten_a"),
        ("POST", "/v1/staff/tenants/ten_a/restore"),
        ("GET", "/v1/staff/members"),
        ("DELETE", "/v1/staff/members/stf_x"),
    ]
    found = [
        (await house.call(*call, token)).status_code
        for call in calls
        for token in (owner.token, key.text)
    ]

    assert found == [403] * 10
    assert (await house.get("/v1/staff/members", owner.token, "platform")).status_code == 401


async def test_staff_list_suspend_and_restore_tenants(house: House, dsn: str) -> None:
    house.tenant("ten_b")
    eve, bo = house.staff("admin").text, house.staff("support").text
    first = (await house.get("/v1/staff/tenants?limit=1", eve)).json()
    rest = await house.get(f"/v1/staff/tenants?limit=1&cursor={first['next_cursor']}", eve)
    path = "/v1/staff/tenants/ten_b"
    stopped = await house.post(f"{path}/suspend", eve, {"reason": "abuse"})
    refused = [
        await house.post(f"{path}/suspend", bo, {"reason": "abuse"}),
        await house.post(f"{path}/suspend", eve, {"reason": "I do not like Ada"}),
        await house.post("/v1/staff/tenants/ten_unknown/suspend", eve, {"reason": "abuse"}),
    ]
    again = await house.post(f"{path}/restore", eve)

    listed = first["data"] + rest.json()["data"]
    assert [row["tenant_id"] for row in listed] == ["ten_a", "ten_b"]
    assert (stopped.json()["state"], again.json()["state"]) == ("suspended", "active")
    assert [answer.status_code for answer in refused] == [403, 422, 404]
    assert [row[2] for row in events(dsn, "TenantSuspended")] == ["abuse"]
    assert (await house.get(path, bo)).json()["name"] == "ten_b"


async def test_staff_limit_what_a_tenant_sends_on_a_day_and_nobody_else_does(
    house: House, dsn: str
) -> None:
    house.tenant("ten_b")
    owner = house.person("ten_b")
    eve, bo = house.staff("admin"), house.staff("support").text
    path, limit = "/v1/staff/tenants/ten_b/limit", {"daily_limit": 500, "reason": "many complaints"}

    async def put(token: str, body: Any, path: str = path) -> Any:
        return await house.call("PUT", path, token, json=body)

    bound, again = await put(eve.text, limit), await put(eve.text, limit)
    refused = [
        await put(bo, limit),
        await put(owner.token, limit),
        await put(eve.text, limit | {"daily_limit": 0}),
        await put(eve.text, {"daily_limit": 5, "reason": "asked by ada@example.com"}),
        await put(eve.text, limit, "/v1/staff/tenants/ten_unknown/limit"),
    ]
    lifted = await put(eve.text, {"daily_limit": None, "reason": "clean for a month"})

    assert (bound.json()["daily_limit"], lifted.json()["daily_limit"]) == (500, None)
    assert again.json()["position"] == bound.json()["position"]
    assert [answer.status_code for answer in refused] == [403, 403, 422, 422, 404]
    assert events(dsn, "TenantDailyLimitSet") == [
        ("ten_b", eve.key_id, "many complaints"),
        ("ten_b", eve.key_id, "clean for a month"),
    ]


async def test_a_super_admin_manages_staff(house: House) -> None:
    eve = house.staff("super_admin")
    made = (
        await house.post("/v1/staff/members", eve.text, {"name": "Bo", "role": "support"})
    ).json()
    path = f"/v1/staff/members/{made['staff_id']}"
    before = await house.get("/v1/staff/tenants", made["token"])
    raised = await house.call("PATCH", path, eve.text, json={"role": "admin"})
    renewed = (await house.post(f"{path}/token", eve.text)).json()["token"]
    tokens = [await house.get("/v1/staff/tenants", at) for at in (made["token"], renewed)]
    gone = await house.call("DELETE", path, eve.text)
    after = await house.get("/v1/staff/tenants", renewed)
    listed = (await house.get("/v1/staff/members", eve.text)).json()["data"]

    assert (before.status_code, raised.status_code, gone.status_code) == (200, 200, 200)
    assert [answer.status_code for answer in tokens] == [401, 200]
    assert after.status_code == 401
    assert {row["name"]: row["active"] for row in listed} == {"Eve": True, "Bo": False}


async def test_the_last_super_admin_stays(house: House) -> None:
    eve = house.staff("super_admin")
    path = f"/v1/staff/members/{eve.key_id}"
    answers = [
        await house.call("DELETE", path, eve.text),
        await house.call("PATCH", path, eve.text, json={"role": "support"}),
    ]

    assert [answer.json()["code"] for answer in answers] == ["wrong_state"] * 2
    assert (await house.get("/v1/staff/members", eve.text)).status_code == 200


async def test_admins_among_staff_manage_no_staff(house: House) -> None:
    admin = house.staff("admin")
    answer = await house.post(
        "/v1/staff/members", admin.text, {"name": "Bo", "role": "super_admin"}
    )

    assert answer.status_code == 403


async def test_rows_of_staff_are_seen_from_the_platform_alone(house: House, dsn: str) -> None:
    """Whoever is bound to a tenant finds none, and no tenant but their own."""
    house.staff("super_admin")
    desk = house.desk("ten_a")

    assert desk.rows("SELECT * FROM staff.member") == []
    assert desk.rows("SELECT * FROM app.all_tenants('', '', 10)") == []
