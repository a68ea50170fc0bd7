"""IP pools over HTTP: made, filled, weighed, and campaigns that are launched from one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from api.desk import Desk
from api.main import create_app
from domain.campaign import CampaignLaunched
from domain.ip_pool import PoolIpAdded
from tests import campaign_kit
from tests.api_kit import client_of, ports_of
from tests.campaign_kit import Ground
from tests.decided_kit import decided, done, follow, refused
from tests.schedule_kit import change, rows

pytestmark = pytest.mark.stack

OTHER = {"x-tenant": "ten_b"}
POOLS, IPS = "/v1/ip-pools", "/v1/sending-ips"


@dataclass
class World:
    dsn: str
    client: httpx2.AsyncClient
    desk: Desk
    ground: Ground

    async def pool(self, *ips: str) -> str:
        """The id of a pool with these IPs."""
        pool_id = (await done(self.client.post(POOLS, json={"name": "News"}), 201))["pool_id"]
        for ip in ips:
            await done(self.client.put(f"{POOLS}/{pool_id}/ips/{ip}"))
        return str(pool_id)

    async def ip(self, plan: str = "none") -> str:
        return str((await done(self.client.post(IPS, json={"warmup_plan": plan}), 201))["ip"])

    async def draft(self, **changes: Any) -> str:
        plan = {k: v for k, v in self.ground.plan.items() if k != "ips"} | changes
        return str((await done(self.client.post("/v1/campaigns", json=plan), 201))["campaign_id"])

    def post(self, campaign_id: str, deed: str) -> Any:
        return self.client.post(f"/v1/campaigns/{campaign_id}/{deed}")

    @property
    def launches(self) -> list[CampaignLaunched]:
        events = [one.event for one in decided(self.dsn)]
        return [event for event in events if isinstance(event, CampaignLaunched)]


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with ports_of(dsn) as ports, client_of(create_app(ports), tenant="ten_a") as client:
        desk = ports.desks.at("ten_a", "tests")
        ground = campaign_kit.lay(desk, dsn)
        await campaign_kit.fold(dsn)
        yield World(dsn, client, desk, ground)


async def test_a_pool_is_made_filled_renamed_emptied_and_retired(world: World) -> None:
    one, other = await world.ip(), await world.ip()
    pool_id = await world.pool(one, other, other)
    await done(world.client.delete(f"{POOLS}/{pool_id}/ips/{one}"))
    await done(world.client.patch(f"{POOLS}/{pool_id}", json={"name": "Receipts"}))
    await follow(world.dsn, "holdings")
    listed = (await done(world.client.get(POOLS)))["data"]
    await done(world.client.post(f"{POOLS}/{pool_id}/retire", json={"reason": "merged"}))
    await refused(world.client.put(f"{POOLS}/{pool_id}/ips/{one}"), 409, "retired")
    await follow(world.dsn, "holdings")
    retired = await done(world.client.get(f"{POOLS}/{pool_id}"))
    kept = (await done(world.client.get(POOLS, params={"retired": "false"})))["data"]

    assert [(row["name"], row["ips"], row["state"]) for row in listed] == [
        ("Receipts", [other], "active")
    ]
    assert (retired["state"], retired["reason"], kept) == ("retired", "merged", [])
    added = [one.event for one in decided(world.dsn) if isinstance(one.event, PoolIpAdded)]
    assert len(added) == 2


def shares(answer: dict[str, Any]) -> dict[str, Any]:
    """Member → its state, and what it may still carry with its weight, per provider."""
    return {
        member["ip"]: (member["state"], *[
            (one["left"], one["weight"]) for one in member["allowances"]
        ])
        for member in answer["members"]
    }  # fmt: skip


async def test_members_are_weighed_by_what_may_still_leave_today(world: World) -> None:
    plain, capped, held, planned = [
        *(await world.ip(), await world.ip(), await world.ip(), await world.ip("standard"))
    ]
    for ip in (capped, held):
        cap = {"cap_per_day": 300, "reason": "x"}
        await done(world.client.put(f"{IPS}/{ip}/caps/gmail", json=cap))
    pool_id = await world.pool(capped, held, planned)
    await done(world.client.post(f"{IPS}/{held}/quarantine", json={"reason": "listed"}))
    await follow(world.dsn, "holdings")
    await campaign_kit.fold(world.dsn)
    use = "INSERT INTO pipeline.cap VALUES (%s, 'gmail', '2026-01-01', 60, 40)"
    change(world.dsn, use, capped)
    change(
        world.dsn,
        "INSERT INTO pipeline.volume_quota VALUES ('cell', %s, 'gmail', 600, 'grown', now())",
        planned,
    )

    limited = await done(world.client.get(f"{POOLS}/{pool_id}"))
    score = "INSERT INTO pipeline.volume_score VALUES (%s, %s, %s, %s, now())"
    change(world.dsn, score, "ip", planned, "", 80)
    change(world.dsn, score, "ip", capped, "", 10)  # has no plan: not held against it
    scored = await done(world.client.get(f"{POOLS}/{pool_id}"))
    change(world.dsn, score, "cell", planned, "gmail", 40)
    bad = await done(world.client.get(f"{POOLS}/{pool_id}"))
    await world.client.put(f"{POOLS}/{pool_id}/ips/{plain}")
    await follow(world.dsn, "holdings")
    unbound = await done(world.client.get(f"{POOLS}/{pool_id}", params={"provider": "gmail"}))
    unmet = await done(world.client.get(f"{POOLS}/{pool_id}", params={"provider": "unmet"}))

    assert shares(limited) == {
        capped: ("active", (200, 0.25)),
        held: ("quarantined", (0, 0.0)),
        planned: ("active", (600, 0.75)),
    }
    assert shares(unbound)[plain] == ("active", (None, 1.0))
    assert shares(unbound)[capped] == ("active", (200, 0.0))
    assert shares(scored)[capped] == ("active", (200, 0.294118))  # 200 times 100, as unknown
    assert shares(scored)[planned] == ("active", (600, 0.705882))  # 600 times 80
    assert shares(bad)[capped] == ("active", (200, 1.0))  # a bad one comes last
    assert shares(bad)[planned] == ("active", (600, 0.0))
    assert 0 < shares(unmet)[planned][1][0] < 600  # what its plan begins with


async def test_a_campaign_leaves_from_the_ips_that_its_pool_has_at_the_launch(
    world: World,
) -> None:
    early, late, held = await world.ip(), await world.ip(), await world.ip()
    pool_id = await world.pool(early, held)
    campaign_id = await world.draft(pool_id=pool_id)
    await done(world.client.put(f"{POOLS}/{pool_id}/ips/{late}"))
    await done(world.client.post(f"{IPS}/{held}/quarantine", json={"reason": "listed"}))
    await campaign_kit.fold(world.dsn)

    await done(world.post(campaign_id, "launch"), 202)
    await campaign_kit.fold(world.dsn)

    (launched,) = world.launches
    assert (sorted(launched.ips), launched.pool_id) == (sorted([early, late]), pool_id)
    assert rows(world.dsn, "SELECT pool_id FROM pipeline.campaign") == [(pool_id,)]


async def test_a_pool_without_a_usable_ip_blocks_the_launch_and_names_the_cure(
    world: World,
) -> None:
    held = await world.ip()
    empty, shut = await world.pool(), await world.pool(held)
    await done(world.client.post(f"{IPS}/{held}/quarantine", json={"reason": "listed"}))
    await campaign_kit.fold(world.dsn)
    for pool_id in (empty, shut):
        answer = await world.post(await world.draft(pool_id=pool_id), "launch")
        (reason,) = answer.json()["errors"]
        assert answer.status_code == 409
        assert (reason["code"], reason["field"]) == ("no_pool_ip", "pool_id")
        assert "quarantine" in reason["cure"]
    assert world.launches == []


async def test_a_draft_names_ips_or_a_pool_and_the_later_word_counts(world: World) -> None:
    pool_id = await world.pool(world.ground.ip)
    both = world.ground.plan | {"pool_id": pool_id}
    await refused(world.client.post("/v1/campaigns", json=both), 422, "one of the two")
    campaign_id = await world.draft(ips=[world.ground.ip])

    async def changed(**change: Any) -> tuple[Any, Any]:
        path, any_plan = f"/v1/campaigns/{campaign_id}", {"If-Match": "*"}
        plan = await done(world.client.patch(path, json=change, headers=any_plan))
        return plan["ips"], plan["pool_id"]

    assert await changed(pool_id=pool_id) == ([], pool_id)
    assert await changed(sign="none") == ([], pool_id)
    assert await changed(ips=[world.ground.ip]) == ([world.ground.ip], "")
    await refused(
        world.client.post("/v1/campaigns", json=both | {"pool_id": "pol_x", "ips": []}), 404
    )


async def test_an_ip_for_which_nobody_chose_a_plan_is_a_warning_and_no_block(world: World) -> None:
    campaign_id = await world.draft(ips=[world.ground.ip])
    before = await done(world.post(campaign_id, "estimate"))
    chosen = {"plan": "none", "reason": "it is warm"}
    await done(world.client.put(f"{IPS}/{world.ground.ip}/warmup", json=chosen))
    await campaign_kit.fold(world.dsn)
    after = await done(world.post(campaign_id, "estimate"))
    await done(world.post(campaign_id, "launch"), 202)

    assert [warning["code"] for warning in before["warnings"]] == ["no_warmup_plan"]
    assert world.ground.ip in before["warnings"][0]["detail"]
    assert before["blocked_by"] == after["blocked_by"] == after["warnings"] == []


async def test_pools_and_ips_of_others_are_not_there(world: World) -> None:
    pool_id, ip = await world.pool(), await world.ip()
    await follow(world.dsn, "holdings")
    others = (await done(world.client.post(POOLS, json={"name": "x"}, headers=OTHER), 201))[
        "pool_id"
    ]
    body = {"reason": "x"}
    for ask in (
        world.client.get(f"{POOLS}/{pool_id}", headers=OTHER),
        world.client.patch(f"{POOLS}/{pool_id}", json={"name": "x"}, headers=OTHER),
        world.client.put(f"{POOLS}/{pool_id}/ips/{ip}", headers=OTHER),
        world.client.put(f"{POOLS}/{others}/ips/{ip}", headers=OTHER),
        world.client.put(f"{POOLS}/{others}/ips/{ip}"),
        world.client.delete(f"{POOLS}/{pool_id}/ips/{ip}", headers=OTHER),
        world.client.post(f"{POOLS}/{pool_id}/retire", json=body, headers=OTHER),
    ):
        await refused(ask, 404)
    assert (await done(world.client.get(POOLS, headers=OTHER)))["data"] == []
