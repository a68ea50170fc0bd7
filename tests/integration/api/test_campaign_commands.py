"""Campaigns over HTTP: drafted, changed, estimated, launched, scheduled, held and ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2
import pytest

from api.commands import launch_checks, segments
from api.desk import Desk
from api.main import create_app
from domain import plan_limit, sending_domain, tenant
from domain.authority import NOT_HELD
from domain.campaign import CampaignLaunched
from tests import campaign_kit
from tests.api_kit import client_of, ports_of
from tests.campaign_kit import Ground
from tests.decided_kit import decided, done, follow, refused
from tests.schedule_kit import change, rows

pytestmark = pytest.mark.stack


@dataclass
class World:
    dsn: str
    client: httpx2.AsyncClient
    desk: Desk
    ground: Ground

    async def draft(self, **changes: Any) -> dict[str, Any]:
        return await done(self.client.post("/v1/campaigns", json=self.ground.plan | changes), 201)

    def post(self, campaign_id: str, deed: str, **body: Any) -> Any:
        return self.client.post(f"/v1/campaigns/{campaign_id}/{deed}", json=body or None)

    @property
    def told(self) -> list[str]:
        """The types of what was decided about campaigns."""
        names = [type(record.event).__name__ for record in decided(self.dsn)]
        return [name.removeprefix("Campaign") for name in names if name.startswith("Campaign")]


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with ports_of(dsn) as ports, client_of(create_app(ports), tenant="ten_a") as client:
        desk = ports.desks.at("ten_a", "tests")
        ground = campaign_kit.lay(desk, dsn)
        await campaign_kit.fold(dsn)
        yield World(dsn, client, desk, ground)


async def test_a_draft_holds_what_it_was_made_of_and_what_follows_from_it(world: World) -> None:
    made = await world.draft()

    assert (made["state"], made["name"]) == ("draft", "Spring news")
    assert made["domain_id"] == world.ground.domain_id
    assert made["content_id"].startswith("cnt_")
    assert await done(world.client.get(f"/v1/campaigns/{made['campaign_id']}/plan")) == {
        key: value for key, value in made.items() if key != "position"
    }


async def test_a_draft_repeated_under_its_idempotency_key_is_made_once(world: World) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = [
        await done(world.client.post("/v1/campaigns", json=world.ground.plan, headers=headers), 201)
        for _ in range(2)
    ]

    assert first["campaign_id"] == again["campaign_id"]
    assert world.told == ["Drafted"]


async def test_a_change_needs_the_etag_of_what_it_changes(world: World) -> None:
    campaign_id = (await world.draft())["campaign_id"]
    path = f"/v1/campaigns/{campaign_id}"
    etag = (await world.client.get(path + "/plan")).headers["etag"]

    changed = await world.client.patch(
        path, json={"sign": "none", "name": "Summer"}, headers={"If-Match": etag}
    )

    assert (changed.json()["sign"], changed.json()["name"]) == ("none", "Summer")
    assert changed.headers["etag"] != etag
    await refused(
        world.client.patch(path, json={"sign": "both"}, headers={"If-Match": etag}), 412, "again"
    )
    await refused(
        world.client.patch(path, json={"sign": "both"}, headers={"If-Match": '"x"'}), 412, "ETag"
    )
    await refused(world.client.patch(path, json={"sign": "both"}), 428, "If-Match")
    assert world.told == ["Drafted", "Revised"]


@pytest.mark.parametrize(
    "part",
    [
        {"list_ids": ["lst_none"]},
        {"template_id": "tpl_none"},
        {"template_version": 9},
        {"sender_id": "sdr_none"},
        {"ips": ["ip_none"]},
        {"workspace_id": "wsp_none"},
        {"segment_id": "seg_none"},
    ],
    ids=lambda part: next(iter(part)),
)
async def test_a_part_that_is_not_there_is_not_found(part: dict[str, Any], world: World) -> None:
    await follow(world.dsn, "holdings")

    answer = world.client.post("/v1/campaigns", json=world.ground.plan | part)

    await refused(answer, 404, next(iter(part)), "there is no")
    assert world.told == []


async def test_what_can_be_launched_is_launched_once(world: World) -> None:
    campaign_id = (await world.draft())["campaign_id"]

    first = await done(world.post(campaign_id, "launch"), 202)
    again = await done(world.post(campaign_id, "launch"), 202)

    assert first["state"] == again["state"] == "running"
    assert first["position"] == again["position"]
    assert world.told == ["Drafted", "Launched"]


async def test_a_launch_waits_until_the_schedule_has_read_an_ip_that_was_just_added(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await world.draft()
    change(world.dsn, "UPDATE pipeline.ip SET gone = true")
    change(
        world.dsn,
        "INSERT INTO app.cursor (reader, topic, part, next_offset, last_pos, log_id)"
        " SELECT 'schedule', 'pm.decisions', part, 1, 0, 'log' FROM generate_series(0, 3) AS part",
    )
    reads = "UPDATE pipeline.ip SET gone = false"
    monkeypatch.setattr(launch_checks, "sleep", lambda _: change(world.dsn, reads))

    answer = await world.post(made["campaign_id"], "launch")

    assert answer.status_code == 202, answer.text


async def test_a_launch_lists_every_reason_against_it_at_once(world: World) -> None:
    """And changes nothing."""
    empty = await done(world.client.post("/v1/campaigns", json={"name": "Nothing yet"}), 201)
    change(world.dsn, "UPDATE pipeline.ip SET gone = true")
    desk = world.desk
    desk.decide(tenant, tenant.stream("ten_a"), lambda state: tenant.suspend(state, reason="bill"))

    answer = await world.post(empty["campaign_id"], "launch")

    found = {reason["code"]: reason for reason in answer.json()["errors"]}
    assert answer.status_code == 409
    assert answer.json()["code"] == "launch_blocked"
    assert found.keys() == {"tenant_suspended", "no_template", "no_sender", "no_ip", "no_leads"}
    assert found["no_sender"]["field"] == "sender_id"
    assert all(reason["cure"] for reason in found.values())
    assert world.told == ["Drafted"]


async def test_a_domain_that_is_not_verified_and_a_field_that_nobody_has_block_a_launch(
    world: World,
) -> None:
    change(world.dsn, "UPDATE vault.contact SET fields = '{}'")
    change(world.dsn, "DELETE FROM vault.signing_key")
    stream = sending_domain.stream(world.ground.domain_id)
    fails = partial(sending_domain.record_check, seen=[], missing=["TXT pm1._domainkey.news.test"])
    world.desk.decide(sending_domain, stream, fails)
    campaign_id = (await world.draft())["campaign_id"]

    answer = await world.post(campaign_id, "launch")

    found = {reason["code"]: reason for reason in answer.json()["errors"]}
    assert found.keys() == {"unverified_domain", "template_lint", "no_signing_key"}
    assert "pm1._domainkey" in found["unverified_domain"]["cure"]
    assert "first_name" in found["template_lint"]["detail"]


async def test_a_degraded_domain_that_receivers_still_accept_is_a_warning_and_no_block(
    world: World,
) -> None:
    stream = sending_domain.stream(world.ground.domain_id)
    lost = partial(sending_domain.record_check, seen=["dkim"], missing=["TXT _dmarc.news.test"])
    world.desk.decide(sending_domain, stream, lost)
    campaign_id = (await world.draft())["campaign_id"]

    found = await done(world.post(campaign_id, "estimate"))
    await done(world.post(campaign_id, "launch"), 202)

    assert [warning["code"] for warning in found["warnings"]] == [
        *("degraded_domain", "no_warmup_plan")
    ]
    assert "TXT _dmarc.news.test" in found["warnings"][0]["detail"]
    assert found["blocked_by"] == []


async def test_an_estimate_tells_whom_it_reaches_and_who_is_held_back_by_what(
    world: World,
) -> None:
    second = world.desk.fresh_id("lst")
    campaign_kit.add_list(world.dsn, "ten_a", second, ["ann@gmail.test", "dan@gmail.test"], "{}")
    change(
        world.dsn,
        "INSERT INTO vault.suppression VALUES ('ten_a', 'lea_ben', 'complaint', now())",
    )
    change(world.dsn, "INSERT INTO vault.domain_route VALUES ('gmail.test', 'google', now())")
    change(world.dsn, "INSERT INTO pipeline.cap_rule (ip, provider, cap_set, cap_per_day)"
                      " SELECT ip, 'google', true, 1 FROM pipeline.ip"
                      " ON CONFLICT (ip, provider) DO UPDATE SET cap_per_day = 1")  # fmt: skip
    made = await world.draft(list_ids=[world.ground.list_id, second])

    found = await done(world.post(made["campaign_id"], "estimate"))

    assert (found["leads"], found["duplicates"], found["mailable"]) == (4, 1, 3)
    assert found["suppressed"] == {"platform": 0, "tenant": 1, "workspace": 0, "message_class": 0}
    assert found["lacking"] == [{"field": "first_name", "leads": 1}]
    assert {row["provider"]: row["days"] for row in found["by_provider"]} == {
        "google": 2,
        "other": 1,
    }
    assert (found["days"], found["blocked_by"]) == (2, [])


async def test_a_segments_leads_are_found_at_the_launch_and_an_estimate_keeps_nothing(
    world: World,
) -> None:
    given = {"what": "domain", "op": "equals", "value": "other.test"}
    segments.create(world.desk, "seg_a", "Others", given)
    made = await world.draft(list_ids=[], segment_id="seg_a")
    lists = "SELECT list_id FROM vault.list_member GROUP BY list_id"

    found = await done(world.post(made["campaign_id"], "estimate"))
    before = rows(world.dsn, lists)
    await done(world.post(made["campaign_id"], "launch"), 202)

    launched = decided(world.dsn)[-1].event
    assert (found["leads"], found["by_provider"][0]["leads"], len(before)) == (1, 1, 1)
    assert isinstance(launched, CampaignLaunched)
    assert rows(
        world.dsn, "SELECT contact_id FROM vault.list_member WHERE list_id = ANY(%s)",
        launched.list_ids,
    ) == [("lea_cec",)]  # fmt: skip


async def test_a_copy_launches_nothing_until_it_may_send(world: World) -> None:
    campaign_id = (await world.draft())["campaign_id"]
    refusal = f"{NOT_HELD}1) is held by stack stk_original"
    change(world.dsn, "UPDATE pipeline.gate SET open = false, epoch = 1, reason = %s", refusal)

    await refused(world.post(campaign_id, "launch"), 409, "no_send_authority", "authority take")

    change(world.dsn, "UPDATE pipeline.gate SET reason = 'the schedule catches up with the log'")
    await done(world.post(campaign_id, "launch"), 202)


async def test_an_audience_that_is_suppressed_as_a_whole_blocks_a_launch(world: World) -> None:
    change(
        world.dsn,
        "INSERT INTO vault.suppression (tenant_id, contact_id, reason, since, scope, target)"
        " SELECT tenant_id, contact_id, 'manual', now(), 'message_class', 'bulk'"
        " FROM vault.contact",
    )
    campaign_id = (await world.draft())["campaign_id"]

    await refused(world.post(campaign_id, "launch"), 409, "all_suppressed")

    transactional = await world.draft(message_class="transactional")
    await done(world.post(transactional["campaign_id"], "launch"), 202)


async def test_more_sends_than_the_plan_covers_block_a_launch(world: World) -> None:
    world.desk.decide(
        plan_limit,
        plan_limit.stream("ten_a"),
        lambda state: plan_limit.set_limit(
            state, tenant_id="ten_a", sends_per_month=2, reason="plan"
        ),
    )
    await follow(world.dsn, "usage", "send_ledger")
    campaign_id = (await world.draft())["campaign_id"]

    await refused(world.post(campaign_id, "launch"), 409, "quota_exceeded", "2 left")


async def test_deeds_in_the_wrong_state_name_the_state_and_the_cure(world: World) -> None:
    campaign_id = (await world.draft())["campaign_id"]

    await refused(world.post(campaign_id, "pause", reason="a test"), 409, "is draft", "running")
    await done(world.post(campaign_id, "launch"), 202)
    await done(world.post(campaign_id, "pause", reason="a test"), 202)
    await done(world.post(campaign_id, "resume"), 202)
    await done(world.post(campaign_id, "cancel", reason="a test"), 202)
    await refused(world.post(campaign_id, "resume"), 409, "is cancelled")
    await refused(world.post(campaign_id, "launch"), 409, "is cancelled", "wrong_state")
    await refused(
        world.client.patch(
            f"/v1/campaigns/{campaign_id}", json={"sign": "none"}, headers={"If-Match": "*"}
        ),
        409,
        "draft",
    )
    assert world.told == ["Drafted", "Launched", "Paused", "Resumed", "Cancelled"]


async def test_a_copy_is_a_draft_whatever_the_original_is(world: World) -> None:
    campaign_id = (await world.draft())["campaign_id"]
    await done(world.post(campaign_id, "launch"), 202)

    copy = await done(world.client.post(f"/v1/campaigns/{campaign_id}/duplicate", json={}), 201)

    assert copy["campaign_id"] != campaign_id
    assert (copy["state"], copy["name"]) == ("draft", "Spring news")
    assert copy["list_ids"] == [world.ground.list_id]


async def test_a_local_time_is_kept_as_a_moment_with_its_zone(world: World) -> None:
    campaign_id = (await world.draft())["campaign_id"]

    found = await done(
        world.post(campaign_id, "schedule", local="2026-07-01T09:00", zone="Europe/Berlin")
    )
    await campaign_kit.fold(world.dsn)

    assert (found["state"], found["zone"]) == ("scheduled", "Europe/Berlin")
    assert found["scheduled_at"] == "2026-07-01T07:00:00Z"
    assert len(rows(world.dsn, "SELECT * FROM pipeline.scheduled_launch")) == 1

    again = await done(world.post(campaign_id, "unschedule"))
    await campaign_kit.fold(world.dsn)

    assert (again["state"], again["scheduled_at"]) == ("draft", None)
    assert rows(world.dsn, "SELECT * FROM pipeline.scheduled_launch") == []


@pytest.mark.parametrize(
    ("local", "zone", "words"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "skip"),
        ("2026-10-25T02:30", "Europe/Berlin", "twice"),
        ("2025-12-31T09:00", "UTC", "past"),
        ("2026-02-30T09:00", "UTC", "no date and time"),
        ("2026-07-01T09:00", "Mars/Olympus", "no IANA time zone"),
    ],
)
async def test_a_moment_that_is_none_is_refused(
    local: str, zone: str, words: str, world: World
) -> None:
    campaign_id = (await world.draft())["campaign_id"]

    await refused(world.post(campaign_id, "schedule", local=local, zone=zone), 422, words)

    assert world.told == ["Drafted"]


async def test_the_list_answers_by_state_workspace_and_creation(world: World) -> None:
    draft = await world.draft()
    running = await world.draft(name="Second")
    await done(world.post(running["campaign_id"], "launch"), 202)
    await follow(world.dsn, "send_ledger")

    async def found(**query: Any) -> set[str]:
        page = await done(world.client.get("/v1/campaigns", params=query))
        return {row["campaign_id"] for row in page["data"]}

    both = {draft["campaign_id"], running["campaign_id"]}
    assert await found() == both
    assert await found(state="draft") == {draft["campaign_id"]}
    assert await found(state="running") == {running["campaign_id"]}
    assert await found(workspace_id="wsp_none") == set()
    assert await found(since="2020-01-01T00:00:00Z") == both
    assert await found(until="2020-01-01T00:00:00Z") == set()
    await refused(world.client.get("/v1/campaigns", params={"since": "2020-01-01"}), 422, "since")


async def test_i11_another_tenants_campaign_is_not_there(world: World) -> None:
    campaign_id = (await world.draft())["campaign_id"]
    headers = {"X-Tenant": "ten_b"}
    path = f"/v1/campaigns/{campaign_id}"

    await refused(world.client.get(path + "/plan", headers=headers), 404)
    await refused(
        world.client.patch(path, json={"sign": "none"}, headers=headers | {"If-Match": "*"}), 404
    )
    for deed in ("launch", "estimate", "resume", "unschedule"):
        await refused(world.client.post(f"{path}/{deed}", headers=headers), 404)
    for deed in ("pause", "cancel"):
        await refused(
            world.client.post(f"{path}/{deed}", json={"reason": "x"}, headers=headers), 404
        )
    await refused(world.client.post(path + "/duplicate", json={}, headers=headers), 404)
    assert world.told == ["Drafted"]
