"""API keys over HTTP: made once, bound to what they may, gone at once when revoked."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from api import key_tokens
from api.keys import ApiKeys
from domain.access import ROLES
from projections.reads import Away
from tests.house_kit import House, now

pytestmark = pytest.mark.stack

NEW = {"name": "Shop", "scopes": ["keys:read", "keys:write", "leads:read"]}


async def test_a_key_is_shown_once_and_opens_what_its_scopes_say(house: House) -> None:
    owner = house.person("ten_a")
    made = await house.post("/v1/keys", owner.token, NEW)
    key = made.json()
    listed = await house.get("/v1/keys", key["key"])
    shown = await house.get(f"/v1/keys/{key['key_id']}", key["key"])
    beyond = await house.get("/v1/users", key["key"])

    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    assert key_tokens.PATTERN.fullmatch(key["key"])
    assert [row["key_id"] for row in listed.json()["data"]] == [key["key_id"]]
    assert shown.json()["name"] == "Shop"
    assert key["key"].startswith(shown.json()["starts_with"])
    assert shown.json()["created_by"] == owner.user_id
    assert key["key"] not in listed.text + shown.text
    assert (beyond.status_code, beyond.json()["code"]) == (403, "forbidden")


async def test_a_revoked_key_is_refused_at_the_next_request(house: House) -> None:
    made, owner = house.key("ten_a"), house.person("ten_a")
    before = await house.get("/v1/keys", made.text)
    gone = await house.call("DELETE", f"/v1/keys/{made.key_id}?reason=leaked", owner.token)
    after = await house.get("/v1/keys", made.text)
    again = await house.call("DELETE", f"/v1/keys/{made.key_id}", owner.token)

    assert (before.status_code, gone.status_code) == (200, 200)
    assert (after.status_code, after.json()["code"]) == (401, "unauthorized")
    assert again.json()["position"] == gone.json()["position"]


async def test_a_key_ends_when_it_expires(house: House, dsn: str) -> None:
    made = house.key("ten_a", expires_at=now() + timedelta(days=1))
    before = await house.get("/v1/keys", made.text)
    with psycopg.connect(dsn) as conn:
        conn.execute("UPDATE vault.api_key SET expires_at = clock_timestamp()")
    after = await house.get("/v1/keys", made.text)

    assert (before.status_code, after.status_code) == (200, 401)


async def test_a_rotated_key_goes_on_for_its_overlap_alone(house: House) -> None:
    old, owner = house.key("ten_a", "viewer"), house.person("ten_a")
    path = f"/v1/keys/{old.key_id}/rotate"
    beside = await house.post(path, owner.token, {"overlap_s": 60})
    both = [await house.get("/v1/tenant", key) for key in (old.text, beside.json()["key"])]
    instead = await house.post(path, owner.token)
    last = [
        await house.get("/v1/tenant", key)
        for key in (old.text, beside.json()["key"], instead.json()["key"])
    ]
    third = await house.post(path, owner.token)

    assert [answer.status_code for answer in both] == [200, 200]
    assert [answer.status_code for answer in last] == [401, 200, 200]
    assert (third.status_code, third.json()["code"]) == (409, "wrong_state")
    shown = await house.get(f"/v1/keys/{instead.json()['key_id']}", owner.token)
    assert (shown.json()["role"], shown.json()["name"]) == ("viewer", "a key")


async def test_nobody_makes_a_key_that_may_more_than_they_do(house: House) -> None:
    maker = house.key("ten_a", scopes=("keys:write", "leads:read"))
    wanted = [
        {"name": "K", "scopes": ["leads:read"]},
        {"name": "K", "scopes": ["leads:write"]},
        {"name": "K", "role": "viewer"},
        {"name": "K", "scopes": ["tenants:read"]},
        {"name": "K", "scopes": ["staff:write"]},
        {"name": "K"},
        {"name": "K", "role": "viewer", "scopes": ["leads:read"]},
        {"name": "K", "scopes": ["leads:read"], "workspace_ids": ["wsp_unknown"]},
        {"name": "K", "scopes": ["leads:read"], "expires_in_days": 0},
        {"name": "K", "scopes": ["leads:read"], "colour": "red"},
    ]
    answers = [await house.post("/v1/keys", maker.text, body) for body in wanted]

    assert [answer.status_code for answer in answers] == [201, *[422] * 9]
    assert len((await house.get("/v1/keys", house.key("ten_a").text)).json()["data"]) == 3


async def test_a_test_key_looks_and_changes_nothing(house: House) -> None:
    made = house.key("ten_a", test=True)

    assert made.text.startswith("pm_test_")
    assert (await house.get("/v1/keys", made.text)).status_code == 200
    assert (await house.post("/v1/keys", made.text, NEW)).status_code == 403


async def test_a_key_of_another_tenant_is_refused_like_one_that_there_is_not(house: House) -> None:
    house.tenant("ten_b")
    own, other = house.key("ten_a"), house.key("ten_b")
    elsewhere = await house.get("/v1/keys", own.text, tenant="ten_b")
    unknown = await house.get("/v1/keys", key_tokens.make(key_tokens.LIVE).text)
    looks = [
        await house.get(f"/v1/keys/{key_id}", own.text) for key_id in (other.key_id, "key_unknown")
    ]
    ends = [
        await house.call("DELETE", f"/v1/keys/{key_id}", own.text)
        for key_id in (other.key_id, "key_unknown")
    ]

    def said(answer: object) -> object:
        body = getattr(answer, "json")()  # noqa: B009 - any answer
        return {k: v for k, v in body.items() if k not in {"request_id", "instance"}}

    assert elsewhere.status_code == unknown.status_code == 401
    assert said(elsewhere) == said(unknown)
    assert [answer.status_code for answer in looks + ends] == [404] * 4
    assert said(looks[0]) == said(looks[1])
    assert said(ends[0]) == said(ends[1])
    assert (await house.get("/v1/keys", other.text)).status_code == 200


async def test_a_mistyped_key_is_refused_without_asking_postgres(house: House) -> None:
    """By its CRC: with Postgres away it is still known to be no key."""
    right = house.key("ten_a").text
    wrong = right[:-1] + ("a" if right[-1] != "a" else "b")
    known = ApiKeys(house.ports.reads)
    await house.ports.reads._pool.close()

    assert await known.find(wrong, "") is None
    with pytest.raises(Away):
        await known.find(right, "")


async def test_use_is_noted_at_most_once_a_minute(house: House, dsn: str) -> None:
    made = house.key("ten_a")
    for _ in range(3):
        await house.get("/v1/keys", made.text)
    with psycopg.connect(dsn) as conn:
        query = "SELECT last_used_at, xmin::text FROM vault.api_key"
        first = conn.execute(query).fetchone()
        await house.get("/v1/keys", made.text)
        second = conn.execute(query).fetchone()
        conn.execute("UPDATE vault.api_key SET last_used_at = last_used_at - interval '2 minutes'")
        conn.commit()
        await house.get("/v1/keys", made.text)
        third = conn.execute(query).fetchone()

    assert first
    assert third
    assert first == second
    assert third[0] > first[0]


async def test_no_secret_can_be_had_from_the_database(house: House, dsn: str) -> None:
    """Every row of every table as text: neither the keys nor their secret parts."""
    made = [house.key("ten_a").text, house.staff("support").text]
    await house.post("/v1/keys", house.person("ten_a").token, NEW)
    with psycopg.connect(dsn) as conn:
        tables = conn.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        dump = json.dumps(
            [
                conn.execute(
                    sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(*name))
                ).fetchall()
                for name in tables
            ]
        )

    assert "ApiKeyCreated" in dump
    assert not [text for text in made if text in dump or text.split("_")[-1] in dump]
    assert not [text for text in made if text.encode().hex() in dump]


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_what_the_table_says(house: House, role: str) -> None:
    """Asked of operations that read and change nothing when they are refused."""
    key = house.key("ten_a", role).text
    asked = {
        "users:read": ("GET", "/v1/users"),
        "keys:read": ("GET", "/v1/keys"),
        "audit:read": ("GET", "/v1/audit"),
        "workspaces:read": ("GET", "/v1/workspaces"),
        "analytics:read": ("GET", "/v1/tenant"),
        "users:write": ("DELETE", "/v1/users/usr_unknown"),
        "keys:write": ("DELETE", "/v1/keys/key_unknown"),
        "workspaces:write": ("POST", "/v1/workspaces/wsp_unknown/archive"),
        "settings:write": ("PATCH", "/v1/tenant"),
        "tenants:read": ("GET", "/v1/staff/tenants"),
        "staff:read": ("GET", "/v1/staff/members"),
    }
    found = {
        permission: (await house.call(*call, key, **_body(call[0]))).status_code != 403
        for permission, call in asked.items()
    }

    assert found == {permission: permission in ROLES[role] for permission in asked}


def _body(method: str) -> dict[str, Any]:
    return {"json": {"name": "ten_a"}} if method == "PATCH" else {}
