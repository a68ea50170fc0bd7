"""Sending windows over HTTP: named, shown, changed, refused where they can never open, launched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx2
import pytest

from api.desk import Desk
from api.main import create_app
from domain import tenant, windows
from domain.campaign import CampaignLaunched
from tests import campaign_kit
from tests.api_kit import client_of, ports_of
from tests.campaign_kit import Ground
from tests.decided_kit import decided, done, refused

pytestmark = pytest.mark.stack

WINDOW = {"days": ["fri", "mon"], "from": "09:00", "to": "17:00", "zone_of": "recipient",
          "zone": "Europe/Berlin"}  # fmt: skip
SHOWN = WINDOW | {"days": ["mon", "fri"]}


@dataclass
class World:
    dsn: str
    client: httpx2.AsyncClient
    desk: Desk
    ground: Ground

    async def draft(self, **changes: Any) -> dict[str, Any]:
        return await done(self.client.post("/v1/campaigns", json=self.ground.plan | changes), 201)

    async def revise(self, campaign_id: str, **changes: Any) -> dict[str, Any]:
        return await done(
            self.client.patch(
                f"/v1/campaigns/{campaign_id}", json=changes, headers={"If-Match": "*"}
            )
        )


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with ports_of(dsn) as ports, client_of(create_app(ports), tenant="ten_a") as client:
        desk = ports.desks.at("ten_a", "tests")
        ground = campaign_kit.lay(desk, dsn)
        await campaign_kit.fold(dsn)
        yield World(dsn, client, desk, ground)


async def test_a_window_is_shown_as_it_was_named_changed_and_taken_away(world: World) -> None:
    made = await world.draft(send_window=WINDOW)
    campaign_id = made["campaign_id"]
    renamed = await world.revise(campaign_id, name="Autumn news")
    moved = await world.revise(campaign_id, send_window=WINDOW | {"from": "22:00", "to": "06:00"})
    freed = await world.revise(campaign_id, send_window=None)
    plain = await world.draft()

    assert made["send_window"] == renamed["send_window"] == SHOWN
    assert moved["send_window"] == SHOWN | {"from": "22:00", "to": "06:00"}
    assert freed["send_window"] is None
    assert plain["send_window"] is None


async def test_without_a_zone_the_window_goes_by_the_tenants_clock(world: World) -> None:
    decide = partial(tenant.set_time_zone, time_zone="Asia/Kolkata")
    world.desk.decide(tenant, tenant.stream("ten_a"), decide)

    made = await world.draft(send_window={"days": ["mon"], "from": "09:00", "to": "17:00"})

    assert made["send_window"]["zone"] == "Asia/Kolkata"
    assert made["send_window"]["zone_of"] == "campaign"


#: What is wrong with a window → what the refusal says.
WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"days": []}, "days"),
    ({"days": ["someday"]}, "days"),
    ({"to": "09:00"}, "send_window.to: the window never opens"),
    ({"from": "24:00"}, "send_window.to: the window never opens"),
    ({"from": "9:00"}, "from"),
    ({"zone": "Mars/Olympus"}, "send_window.zone: 'Mars/Olympus' is no IANA time zone"),
    ({"zone_of": "postman"}, "zone_of"),
    ({"until": "17:00"}, "until"),
)


async def test_a_window_that_can_never_open_is_refused(world: World) -> None:
    for changes, said in WRONG:
        body = world.ground.plan | {"send_window": WINDOW | changes}
        await refused(world.client.post("/v1/campaigns", json=body), 422, "send_window", said)


async def test_a_launch_counts_its_time_from_the_first_opening(world: World) -> None:
    made = await world.draft(send_window=WINDOW, expire_after_s=3600)
    campaign_id = made["campaign_id"]
    estimate = await done(world.client.post(f"/v1/campaigns/{campaign_id}/estimate"))

    await done(world.client.post(f"/v1/campaigns/{campaign_id}/launch"), 202)

    events = [record.event for record in decided(world.dsn)]
    (launched,) = [event for event in events if isinstance(event, CampaignLaunched)]
    assert launched.send_window
    opens_at = windows.next_open(launched.send_window, launched.launched_at)
    assert launched.expires_at == opens_at + timedelta(hours=1)
    assert datetime.fromisoformat(estimate["opens_at"]) >= opens_at - timedelta(minutes=1)


async def test_a_launch_is_blocked_where_the_windows_zone_is_known_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await world.draft(send_window=WINDOW)
    monkeypatch.setattr(windows, "zone_named", lambda _: "")

    answer = await world.client.post(f"/v1/campaigns/{made['campaign_id']}/launch")

    assert answer.json()["code"] == "launch_blocked"
    (block,) = answer.json()["errors"]
    assert (block["code"], block["field"]) == ("bad_window", "send_window")
    assert "Europe/Berlin" in block["detail"]
