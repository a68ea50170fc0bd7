"""A tenant's mail moves to clean infrastructure: all that had the old IPs has the new ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Unpack

import httpx2
import pytest

from api.commands import campaigns, domains, ip_moves, tenants
from api.commands.ip_moves import Move
from api.desk import Desk
from api.main import create_app
from domain import campaign, quarantine, sending_domain, sending_ip
from domain.event import Event
from domain.ports import CommandContext, Decided, Decider, Outcome, Wanted
from domain.refusals import WrongState
from projections import models
from tests import campaign_kit
from tests.api_kit import BEGIN, client_of, ports_of
from tests.campaign_kit import Ground
from tests.decided_kit import decided, done, refused
from tests.schedule_kit import change, rows

pytestmark = pytest.mark.stack

IPS, CAMPAIGNS = "/v1/sending-ips", "/v1/campaigns"
GIVEN = {
    "schedule": {"local": "2026-01-09T09:00"}, "pause": {"reason": "x"}, "cancel": {"reason": "x"},
}  # fmt: skip
BREAKER = """
INSERT INTO pipeline.volume_breaker (scope, scope_id, provider, status, rule, since)
VALUES (%s, %s, '', 'blocked', %s, now())
"""


class Died(Exception):  # noqa: N818 - what happens to a process
    """As if the process ended here."""


@dataclass
class Mortal:
    """A Decider whose process dies after so many decisions that stored something."""

    inner: Decider
    lives: int

    def transact(
        self,
        stream_id: str,
        initial: Any,
        evolve: Callable[[Any, Event], Any],
        decide: Callable[[Any], Sequence[Event]],
        **context: Unpack[CommandContext],
    ) -> Decided:
        found = self.inner.transact(stream_id, initial, evolve, decide, **context)
        self.lives -= bool(found.events)
        if found.events and self.lives == 0:
            raise Died
        return found

    def transact_many(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        raise NotImplementedError


@dataclass
class World:
    """A tenant whose domain and campaigns have one IP."""

    dsn: str
    client: httpx2.AsyncClient
    desk: Desk
    ground: Ground

    async def ip(self, **body: Any) -> str:
        return str((await done(self.client.post(IPS, json=body), 201))["ip"])

    async def campaign(self, *deeds: str, **plan: Any) -> str:
        """The id of a campaign after these deeds."""
        body = self.ground.plan | plan
        made = await done(self.client.post(CAMPAIGNS, json=body), 201)
        for deed in deeds:
            given = GIVEN.get(deed)
            answer = await self.client.post(f"{CAMPAIGNS}/{made['campaign_id']}/{deed}", json=given)
            assert answer.status_code < 300, answer.text
        return str(made["campaign_id"])

    async def fold(self) -> None:
        await campaign_kit.fold(self.dsn)

    async def move(self, **body: Any) -> httpx2.Response:
        return await self.client.post(
            "/v1/staff/tenants/ten_a/move", json={"reason": "burned"} | body
        )

    def plan(self, campaign_id: str) -> tuple[list[str], str]:
        state: campaign.State = self.desk.state(campaign, campaign.stream(campaign_id))
        found = campaign.require(state)
        return found.ips, found.pool_id

    def domain_ips(self) -> tuple[str, ...]:
        stream = sending_domain.stream(self.ground.domain_id)
        return tuple(self.desk.state(sending_domain, stream).ips)

    def held(self, ip: str) -> bool:
        return bool(self.desk.state(sending_ip, sending_ip.stream(ip)).quarantined)

    @property
    def told(self) -> list[Event]:
        return [one.event for one in decided(self.dsn)]


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with ports_of(dsn) as ports, client_of(create_app(ports), tenant="ten_a") as client:
        desk = ports.desks.at("ten_a", "tests")
        tenants.ensure(desk, "A")
        ground = campaign_kit.lay(desk, dsn)
        domains.assign_ip(desk, ground.domain_id, ground.ip, assigned=True)
        await campaign_kit.fold(dsn)
        yield World(dsn, client, desk, ground)


async def test_all_that_had_the_old_ip_has_the_new_one_which_warms_up(world: World) -> None:
    running, paused = await world.campaign("launch"), await world.campaign("launch", "pause")
    waiting = await world.campaign("schedule")
    ended, draft = await world.campaign("launch", "cancel"), await world.campaign()
    new = await world.ip()
    await world.fold()

    first = await done(world.move(to_ips=[new]))
    before = len(world.told)
    await world.fold()
    again = await done(world.move(to_ips=[new]))

    old = world.ground.ip
    assert (first["from_ips"], first["to_ips"]) == ([old], [new])
    counted = ("planned", "quarantined", "domains", "campaigns")
    assert [first[name] for name in counted] == [1, 1, 1, 3]
    assert [again[name] for name in counted] == [0, 0, 0, 0]
    assert len(world.told) == before
    assert [world.plan(one) for one in (running, paused, waiting)] == [([new], "")] * 3
    assert [world.plan(one) for one in (ended, draft)] == [([old], "")] * 2
    assert (world.domain_ips(), world.held(old), world.held(new)) == ((new,), True, False)
    names = [type(event).__name__ for event in world.told]
    assert names.index("WarmupPlanChosen") < names.index("SendingIpQuarantined")
    assert names.index("SendingIpQuarantined") < names.index("CampaignIpsReplaced")
    kept = "SELECT ips FROM pipeline.campaign WHERE state IN ('running', 'paused')"
    assert rows(world.dsn, kept) == [([new],), ([new],)]


async def test_a_move_that_broke_off_anywhere_is_finished_by_the_same_words(world: World) -> None:
    made = [
        await world.campaign("launch"),
        await world.campaign("launch"),
        await world.campaign("schedule"),
    ]
    new = await world.ip()
    await world.fold()
    wanted = Move("burned", to_ips=(new,))
    deaths = 0
    while True:
        try:
            mortal = Mortal(world.desk.decider, lives=1)
            ip_moves.move(replace(world.desk, decider=mortal), wanted)
            break
        except Died:
            deaths += 1
            if deaths % 2:  # the fold may or may not have seen what was decided
                await world.fold()

    assert deaths == 6  # plan, quarantine, domain, three campaigns
    assert [world.plan(one) for one in made] == [([new], "")] * 3
    assert (world.domain_ips(), world.held(world.ground.ip)) == ((new,), True)
    names = [type(event).__name__ for event in world.told]
    assert names.count("CampaignIpsReplaced") == 3
    assert names.count("SendingIpQuarantined") == names.count("WarmupPlanChosen") == 1


async def test_a_move_to_a_pool_names_it_and_leaves_other_ips_alone(world: World) -> None:
    other, new = await world.ip(), await world.ip(warmup_plan="conservative")
    await world.fold()
    both = await world.campaign("launch", ips=[world.ground.ip, other])
    apart = await world.campaign("launch", ips=[other])
    pool_id = (await done(world.client.post("/v1/ip-pools", json={"name": "Clean"}), 201))[
        "pool_id"
    ]
    await done(world.client.put(f"/v1/ip-pools/{pool_id}/ips/{new}"))
    await world.fold()

    told = await done(world.move(pool_id=pool_id, from_ips=[world.ground.ip], plan="fast"))

    assert (told["from_ips"], told["to_ips"], told["planned"]) == ([world.ground.ip], [new], 0)
    assert world.plan(both) == ([other, new], pool_id)
    assert world.plan(apart) == ([other], "")
    assert not world.held(other)


async def test_a_block_of_the_tenants_own_making_is_not_routed_around_unless_one_says_so(
    world: World,
) -> None:
    made, new = await world.campaign("launch"), await world.ip()
    await world.fold()
    change(world.dsn, BREAKER, "campaign", made, "content")
    change(world.dsn, BREAKER, "tenant", "ten_b", "content")  # of another one

    await refused(
        world.move(to_ips=[new]), 409, "own lists", f"campaign {made} content", "acknowledge"
    )
    untouched = (world.plan(made), world.held(world.ground.ip))
    told = await done(world.move(to_ips=[new], acknowledge=True))

    assert untouched == (([world.ground.ip], ""), False)
    assert told["acknowledged"] == [f"campaign:{made}:content"]
    reasons = {getattr(event, "reason", "") for event in world.told}
    assert f"burned (acknowledged: campaign {made} content)" in reasons


async def test_a_quota_that_complaints_cut_and_a_bad_domain_count_as_the_tenants_own(
    world: World,
) -> None:
    new = await world.ip()
    await world.fold()
    cut = "INSERT INTO pipeline.volume_quota VALUES ('cell', %s, 'gmail', 20, %s, now())"
    change(world.dsn, cut, world.ground.ip, "complaints")
    await refused(world.move(to_ips=[new]), 409, "complaints")
    change(world.dsn, "UPDATE pipeline.volume_quota SET rule = 'deferrals'")
    score = (
        "INSERT INTO rm.reputation_v1 VALUES"
        " ('ten_a', 'domain', %s, '', 1, now(), %s, '[]', 100, 1)"
    )
    models.ensure_schemas(world.dsn)
    change(world.dsn, score, world.ground.domain_id, 49)
    await refused(world.move(to_ips=[new]), 409, "reputation 49")
    change(world.dsn, "UPDATE rm.reputation_v1 SET score = 50")

    assert (await done(world.move(to_ips=[new])))["acknowledged"] == []


async def test_new_ips_are_the_tenants_own_free_and_of_the_same_route(world: World) -> None:
    await world.campaign("launch")
    held = await world.ip()
    relay = await world.ip(route="relay", relay_host="mail.test", relay_port=25)
    foreign = (await done(world.client.post(IPS, json={}, headers={"x-tenant": "ten_b"}), 201))[
        "ip"
    ]
    isolate = partial(quarantine.begin, reason="listed")
    world.desk.decide(sending_ip, sending_ip.stream(held), isolate)
    await world.fold()

    await refused(world.move(to_ips=[held]), 409, "quarantine")
    await refused(world.move(to_ips=[foreign]), 404)
    await refused(world.move(to_ips=[world.ground.ip], from_ips=[foreign]), 404)
    await refused(world.move(to_ips=[relay]), 422, "relay", "mx")
    await refused(world.move(), 422, "one of the two")
    await refused(world.move(to_ips=[held], pool_id="pol_x"), 422, "one of the two")
    await refused(world.move(to_ips=[held], from_ips=[held]), 422, "among the new")
    await refused(world.move(pool_id="pol_x"), 404)
    assert not world.held(world.ground.ip)


async def test_only_staff_move_a_tenant(world: World) -> None:
    key = (await done(world.client.post("/v1/keys", json={"name": "K", "role": "owner"}), 201))[
        "key"
    ]
    as_owner = {"authorization": f"Bearer {key}"}
    body = {"reason": "x", "to_ips": [world.ground.ip]}

    answer = world.client.post("/v1/staff/tenants/ten_a/move", json=body, headers=as_owner)
    await refused(answer, 403)
    unknown = world.client.post("/v1/staff/tenants/ten_x/move", json=body)
    await refused(unknown, 404)


async def test_a_launch_after_a_move_leaves_from_the_new_ip_alone(world: World) -> None:
    new = await world.ip()
    await world.fold()
    await done(world.move(to_ips=[new]))
    await world.fold()
    drafted = await world.campaign(ips=[])

    campaigns.launch(world.desk, drafted, BEGIN)
    await world.fold()

    assert rows(world.dsn, "SELECT ips FROM pipeline.campaign") == [([new],)]
    with pytest.raises(WrongState, match="quarantine"):
        ip_moves.move(world.desk, Move("back", to_ips=(world.ground.ip,)))
