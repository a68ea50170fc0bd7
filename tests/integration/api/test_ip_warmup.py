"""Plans of sending IPs and their quarantine, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from domain.sending_ip import SendingIpPlaced
from tests.api_kit import api_of
from tests.decided_kit import decided, done, follow, refused

pytestmark = pytest.mark.stack

OTHER = {"x-tenant": "ten_b"}
IPS = "/v1/sending-ips"
STANDARD = {"plan": "standard", "target": 20_000, "reason": "a new IP"}
CUSTOM = {"plan": "custom", "curve": [50, 100, 200], "reason": "as agreed with them"}


async def test_plans_are_shown_with_their_reason_and_end_with_none(dsn: str) -> None:
    async with api_of(dsn) as client:
        ip = (await done(client.post(IPS, json={}), 201))["ip"]
        await done(client.put(f"{IPS}/{ip}/warmup", json=STANDARD))
        await done(client.put(f"{IPS}/{ip}/warmup/google", json=CUSTOM))
        await done(client.put(f"{IPS}/{ip}/warmup/google", json=CUSTOM))  # decides nothing
        await follow(dsn, "holdings", "sending_ips")
        during = await done(client.get(f"{IPS}/{ip}"))
        await done(client.put(f"{IPS}/{ip}/warmup", json={"plan": "none", "reason": "it is warm"}))
        await follow(dsn, "sending_ips")
        after = await done(client.get(f"{IPS}/{ip}"))

    def told(answer: dict[str, Any]) -> list[tuple[Any, ...]]:
        names = ("provider", "plan", "curve", "target", "reason")
        return [tuple(row[name] for name in names) for row in answer["warmup"]]

    custom = ("google", "custom", [50, 100, 200], 0, "as agreed with them")
    assert told(during) == [("*", "standard", [], 20_000, "a new IP"), custom]
    assert told(after) == [("*", "none", [], 0, "it is warm"), custom]
    events = [type(one.event).__name__ for one in decided(dsn)]
    assert events.count("WarmupPlanChosen") == 3


async def test_an_ip_may_be_added_with_a_plan_and_has_none_otherwise(dsn: str) -> None:
    async with api_of(dsn) as client:
        plain = (await done(client.post(IPS, json={}), 201))["ip"]
        cold = (await done(client.post(IPS, json={"warmup_plan": "conservative"}), 201))["ip"]
        await follow(dsn, "holdings", "sending_ips")
        listed = {row["ip"]: row["warmup"] for row in (await done(client.get(IPS)))["data"]}

    assert listed[plain] == []
    assert [(row["provider"], row["plan"]) for row in listed[cold]] == [("*", "conservative")]


async def test_a_relay_is_not_added_with_a_plan_and_gets_one_by_force_alone(dsn: str) -> None:
    relay = {"route": "relay", "relay_host": "mail.test", "relay_port": 25}
    async with api_of(dsn) as client:
        with_plan = relay | {"warmup_plan": "fast"}
        await refused(client.post(IPS, json=with_plan), 409, "relay", "force")
        await follow(dsn, "holdings", "sending_ips")
        nothing = await done(client.get(IPS))
        ip = (await done(client.post(IPS, json=relay), 201))["ip"]
        await refused(client.put(f"{IPS}/{ip}/warmup", json=STANDARD), 409, "relay", "force")
        await done(client.put(f"{IPS}/{ip}/warmup", json=STANDARD | {"force": True}))

    assert nothing["data"] == []


NO_PLANS: list[dict[str, Any]] = [
    {"plan": "slow"},
    {"plan": "custom"},
    {"curve": [5]},
    {"plan": "custom", "curve": [9, 5]},
    {"plan": "custom", "curve": [0]},
    {"plan": "custom", "curve": [5] * 366},
    {"target": -1},
    {"reason": ""},
    {"reason": "ask ann@example.com"},
    {"speed": 9},
]


async def test_what_is_no_plan_is_refused(dsn: str) -> None:
    async with api_of(dsn) as client:
        ip = (await done(client.post(IPS, json={}), 201))["ip"]
        for change in NO_PLANS:
            await refused(client.put(f"{IPS}/{ip}/warmup", json=STANDARD | change), 422)


async def test_a_plan_is_not_put_over_one_that_others_changed_since(dsn: str) -> None:
    async with api_of(dsn) as client:
        ip = (await done(client.post(IPS, json={}), 201))["ip"]
        await follow(dsn, "holdings", "sending_ips")
        seen = (await client.get(f"{IPS}/{ip}")).headers["etag"]
        await done(client.put(f"{IPS}/{ip}/warmup", json=STANDARD))
        late = client.put(f"{IPS}/{ip}/warmup", json=CUSTOM, headers={"if-match": seen})
        await refused(late, 412)


async def test_quarantine_is_shown_with_its_reason_and_ends_by_release(dsn: str) -> None:
    async with api_of(dsn) as client:
        ip = (await done(client.post(IPS, json={}), 201))["ip"]
        held = await done(client.post(f"{IPS}/{ip}/quarantine", json={"reason": "listed"}))
        await follow(dsn, "holdings", "sending_ips")
        during = await done(client.get(f"{IPS}/{ip}"))
        freed = await done(client.post(f"{IPS}/{ip}/release", json={"reason": "delisted"}))
        await follow(dsn, "holdings", "sending_ips")
        after = await done(client.get(f"{IPS}/{ip}"))

    assert (held["state"], freed["state"]) == ("quarantined", "active")
    assert during["quarantined_at"]
    assert during["quarantine_reason"] == "listed"
    assert (after["quarantined_at"], after["quarantine_reason"]) == (None, "")


async def test_another_tenants_ip_is_not_there(dsn: str) -> None:
    async with api_of(dsn) as client:
        ip = (await done(client.post(IPS, json={}), 201))["ip"]
        for ask in (
            client.put(f"{IPS}/{ip}/warmup", json=STANDARD, headers=OTHER),
            client.put(f"{IPS}/{ip}/warmup/google", json=STANDARD, headers=OTHER),
            client.post(f"{IPS}/{ip}/quarantine", json={"reason": "x"}, headers=OTHER),
            client.post(f"{IPS}/{ip}/release", json={"reason": "x"}, headers=OTHER),
        ):
            await refused(ask, 404)


async def test_an_ip_and_a_vps_of_different_tenants_do_not_come_together(dsn: str) -> None:
    async with api_of(dsn) as client:
        vps = (await done(client.post("/v1/vps", json={"name": "Mail 1"}), 201))["vps_id"]
        others = (await done(client.post(IPS, json={}, headers=OTHER), 201))["ip"]
        await refused(client.put(f"/v1/vps/{vps}/ips/{others}"), 404)
        await refused(client.put(f"/v1/vps/{vps}/ips/{others}", headers=OTHER), 404)
        await refused(client.post(IPS, json={"vps_id": vps}, headers=OTHER), 404)
        placed = [one for one in decided(dsn) if isinstance(one.event, SendingIpPlaced)]

    assert placed == []
