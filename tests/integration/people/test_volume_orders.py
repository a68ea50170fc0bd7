"""Orders to volume control over HTTP: a tenant of its own scopes, staff beyond that."""

from __future__ import annotations

from typing import Any

import httpx2
import psycopg
import pytest

from domain.governor.orders import VolumeOrdered
from tests.decided_kit import decided, follow
from tests.house_kit import House

pytestmark = pytest.mark.stack

ORDERS = "/v1/volume/orders"
BREAKER = """
INSERT INTO pipeline.volume_breaker (scope, scope_id, provider, status, rule, since)
VALUES (%s, %s, %s, %s, %s, now())
"""
QUOTA = """
INSERT INTO pipeline.volume_quota (scope, scope_id, provider, quota, rule, decided_at)
VALUES ('cell', %s, 'google', %s, 'grown', now())
"""


def put(dsn: str, statement: Any, *values: Any) -> None:
    """As the schedule folds what the governor decided."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(statement, values)


class Asking:
    """Requests of one caller in the tenant ten_a."""

    def __init__(self, house: House, token: str, *, staff: bool = False) -> None:
        self.house, self.token = house, token
        self.tenant = "ten_a" if staff else ""
        self.headers = {"X-Staff-Reason": "support_ticket"} if staff else {}

    async def call(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        more = {"json": body} if body is not None else {}
        return await self.house.call(
            method, path, self.token, tenant=self.tenant, headers=self.headers, **more
        )

    async def order(self, scope: str, scope_id: str, action: str, **more: Any) -> httpx2.Response:
        body = {"scope": scope, "scope_id": scope_id, "action": action, "reason": "because"}
        return await self.call("POST", ORDERS, body | more)

    async def ip(self, plan: str = "standard") -> str:
        made = await self.call("POST", "/v1/sending-ips", {"warmup_plan": plan})
        assert made.status_code == 201, made.text
        return str(made.json()["ip"])


def owner(house: House) -> Asking:
    return Asking(house, house.key("ten_a").text)


def eve(house: House) -> Asking:
    return Asking(house, house.staff("deliverability").text, staff=True)


def told(dsn: str) -> list[tuple[Any, ...]]:
    return [
        (one.meta.actor[:3], event.scope, event.action, event.quota, event.reason, event.by_staff)
        for one in decided(dsn)
        if isinstance(event := one.event, VolumeOrdered)
    ]


async def test_orders_are_kept_with_actor_and_reason_and_are_listed(house: House, dsn: str) -> None:
    tenant = owner(house)
    ip = await tenant.ip()
    found = [
        await tenant.order("cell", ip, "quota", provider="google", quota=20),
        await tenant.order("ip", ip, "stop"),
        await tenant.order("tenant", "", "stop"),
        await tenant.order("tenant", "", "stop"),
        await tenant.order("ip", ip, "resume"),
    ]
    await follow(dsn, "volume", "audit_log")
    listed = (await tenant.call("GET", ORDERS)).json()["data"]
    audit = (await tenant.call("GET", "/v1/audit?type=VolumeOrdered")).json()["data"]

    assert [answer.status_code for answer in found] == [202] * 5
    assert [answer.json()["changed"] for answer in found] == [True, True, True, False, True]
    assert told(dsn) == [
        ("key", "cell", "quota", 20, "because", False),
        ("key", "ip", "stop", 0, "because", False),
        ("key", "tenant", "stop", 0, "because", False),
        ("key", "ip", "resume", 0, "because", False),
    ]
    assert [row["scope"] for row in listed if row["type"] == "VolumeOrdered"] == [
        *("ip", "tenant", "ip", "cell")
    ]
    assert {row["reason"] for row in audit} == {"because"}
    assert len(audit) == 4


async def test_a_tenant_lowers_its_quota_and_staff_raise_it(house: House, dsn: str) -> None:
    tenant, staff = owner(house), eve(house)
    ip = await tenant.ip()
    put(dsn, QUOTA, ip, 500)
    cell = {"provider": "google"}
    found = [
        await tenant.order("cell", ip, "quota", quota=501, **cell),
        await tenant.order("cell", ip, "warm", quota=500, **cell),
        await tenant.order("cell", ip, "quota", quota=300, **cell),
        await staff.order("cell", ip, "quota", quota=501, **cell),
        await staff.order("cell", ip, "warm", quota=9000, **cell),
    ]

    assert [answer.status_code for answer in found] == [403, 403, 202, 202, 202]
    assert "501 is more than the 500" in found[0].text
    assert [(actor, quota, ours) for actor, _, _, quota, _, ours in told(dsn)] == [
        ("key", 300, False), ("stf", 501, True), ("stf", 9000, True),
    ]  # fmt: skip


async def test_the_first_quota_of_a_plan_binds_a_tenant_before_anything_was_sent(
    house: House,
) -> None:
    tenant = owner(house)
    ip = await tenant.ip()

    many = await tenant.order("cell", ip, "quota", provider="google", quota=1_000_000)
    few = await tenant.order("cell", ip, "quota", provider="google", quota=20)

    assert (many.status_code, few.status_code) == (403, 202)


async def test_without_a_plan_a_cell_has_no_quota_but_can_be_stopped(house: House) -> None:
    tenant = owner(house)
    ip = await tenant.ip("none")

    quota = await tenant.order("cell", ip, "quota", provider="google", quota=20)
    stop = await tenant.order("cell", ip, "stop", provider="google")

    assert (quota.status_code, stop.status_code) == (409, 202)
    assert "plan" in quota.text


async def test_the_block_of_a_listed_ip_is_ended_by_staff_alone(house: House, dsn: str) -> None:
    tenant, staff = owner(house), eve(house)
    ip = await tenant.ip()
    put(dsn, BREAKER, "ip", ip, "", "blocked", "listed")

    refused = await tenant.order("ip", ip, "resume")
    taken = await staff.order("ip", ip, "resume")

    assert (refused.status_code, taken.status_code) == (403, 202)
    assert "listed" in refused.text


async def test_a_tenant_does_not_end_what_staff_stopped(house: House, dsn: str) -> None:
    tenant, staff = owner(house), eve(house)
    ip = await tenant.ip()
    await staff.order("ip", ip, "stop")
    put(dsn, BREAKER, "ip", ip, "", "blocked", "ordered")

    refused = await tenant.order("ip", ip, "resume")
    taken = await staff.order("ip", ip, "resume")

    assert (refused.status_code, taken.status_code) == (403, 202)


async def test_scopes_of_others_are_not_there(house: House) -> None:
    house.tenant("ten_b")
    ip = await owner(house).ip()
    other = Asking(house, house.key("ten_b").text)
    found = [
        await other.order("ip", ip, "stop"),
        await other.order("cell", ip, "stop", provider="google"),
        await other.order("tenant", "ten_a", "stop"),
        await other.order("campaign", "cmp_x", "stop"),
        await other.order("domain", "dom_x", "stop", provider="google"),
    ]

    assert [answer.status_code for answer in found] == [404] * 5


NO_ORDERS: list[dict[str, Any]] = [
    {"scope": "planet"},
    {"action": "faster"},
    {"provider": "google"},
    {"action": "quota", "quota": 5},
    {"quota": 5},
    {"reason": ""},
    {"reason": "ask ann@example.com"},
    {"scope": "cell", "provider": "*"},
    {"colour": "red"},
]


async def test_what_is_no_order_is_refused(house: House, dsn: str) -> None:
    tenant, whole = owner(house), {"scope": "tenant", "action": "stop", "reason": "because"}
    found = [await tenant.call("POST", ORDERS, whole | change) for change in NO_ORDERS]

    assert [answer.status_code for answer in found] == [422] * len(NO_ORDERS)
    assert told(dsn) == []


async def test_who_may_change_ips_may_order(house: House) -> None:
    found = {}
    for role in ("viewer", "member", "manager"):
        asking = Asking(house, house.key("ten_a", role).text)
        found[role] = (await asking.order("tenant", "", "stop")).status_code

    assert found == {"viewer": 403, "member": 403, "manager": 202}
