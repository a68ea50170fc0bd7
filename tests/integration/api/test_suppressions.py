"""Suppressions over HTTP: in every scope, by address or contact, one or many, there and back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from api.commands import suppressions as commands
from api.commands.suppressions import Wish
from api.desk import Desks
from api.main import create_app
from domain.refusals import Invalid, NotFound
from domain.suppression import ContactSuppressed, Reach, Scope
from tests import campaign_kit
from tests.api_kit import client_of, ports_of
from tests.decided_kit import decided, done, refused
from tests.schedule_kit import change, rows

pytestmark = pytest.mark.stack

ANN, BEN, NOBODY = "ann@gmail.test", "ben@gmail.test", "nobody@new.test"
PATH = "/v1/suppressions"


@dataclass
class World:
    dsn: str
    client: httpx2.AsyncClient
    desks: Desks

    async def suppress(self, **body: Any) -> dict[str, Any]:
        found = await done(self.client.post(PATH, json=body), 201)
        await campaign_kit.fold(self.dsn)
        return found

    async def verdict(self, address: str, **context: Any) -> dict[str, Any]:
        asked = {"addresses": [address]} | context
        found = await done(self.client.post(PATH + "/check", json=asked))
        verdict: dict[str, Any] = found["data"][0]
        return verdict

    @property
    def told(self) -> list[ContactSuppressed]:
        events = [record.event for record in decided(self.dsn)]
        return [event for event in events if isinstance(event, ContactSuppressed)]


@pytest.fixture
async def world(dsn: str) -> AsyncIterator[World]:
    async with ports_of(dsn) as ports, client_of(create_app(ports), tenant="ten_a") as client:
        campaign_kit.add_list(dsn, "ten_a", "lst_a", [ANN, BEN])
        change(dsn, "INSERT INTO vault.workspace VALUES ('ten_a', 'wsp_a', now())")
        yield World(dsn, client, ports.desks)


async def test_who_is_suppressed_is_told_with_scope_reason_and_since(world: World) -> None:
    made = await world.suppress(address=" ANN@Gmail.test ", reason="unsubscribe")

    verdict = await world.verdict(ANN)
    (listed,) = (await done(world.client.get(PATH)))["data"]

    assert (made["contact_id"], made["created"]) == ("lea_ann", True)
    assert (verdict["suppressed"], verdict["scope"]) == (True, "tenant")
    assert (verdict["reason"], bool(verdict["since"])) == ("unsubscribe", True)
    assert (listed["address"], listed["reason"]) == (ANN, "unsubscribe")
    assert (await world.verdict(BEN))["suppressed"] is False


async def test_suppressing_twice_decides_once_and_the_first_reason_stays(world: World) -> None:
    await world.suppress(address=ANN, reason="complaint")
    again = await world.suppress(contact_id="lea_ann", reason="manual")

    assert again["created"] is False
    assert [event.reason for event in world.told] == ["complaint"]


async def test_i10_the_log_has_ids_and_a_keyed_hash_and_no_address(world: World) -> None:
    await world.suppress(address=NOBODY)
    await done(world.client.post(PATH + "/platform", json={"address": ANN}), 201)

    (states,) = rows(world.dsn, "SELECT string_agg(encode(state, 'escape'), ' ')"
                                " FROM es.decision_events")  # fmt: skip

    assert "@" not in states[0]
    assert "nobody" not in states[0]
    assert all(re.fullmatch(r"[0-9a-f]{64}", event.address_hash) for event in world.told)


async def test_an_address_that_is_imported_later_is_suppressed_already(world: World) -> None:
    """It is the same contact then; no list held it before."""
    made = await world.suppress(address=NOBODY)
    members = "SELECT contact_id FROM vault.list_member WHERE contact_id = %s"
    assert rows(world.dsn, members, made["contact_id"]) == []

    campaign_kit.add_list(world.dsn, "ten_a", "lst_b", [NOBODY])

    assert rows(world.dsn, members, made["contact_id"]) == [(made["contact_id"],)]
    assert (await world.verdict(NOBODY))["suppressed"]


async def test_who_was_erased_stays_suppressed_and_can_be_lifted(world: World) -> None:
    await world.suppress(address=ANN)
    change(world.dsn, "UPDATE vault.contact SET address = NULL, address_key = NULL, domain = ''"
                      " WHERE contact_id = 'lea_ann'")  # fmt: skip

    held = await world.verdict(ANN)
    lifted = await done(world.client.post(PATH + "/lift", json={"address": ANN, "reason": "asked"}))
    await campaign_kit.fold(world.dsn)

    assert held["suppressed"]
    assert lifted["lifted"] == 1
    assert not (await world.verdict(ANN))["suppressed"]


async def test_a_scope_holds_for_its_own_mail_alone(world: World) -> None:
    await world.suppress(address=ANN, scope="workspace", target="wsp_a")
    await world.suppress(address=BEN, scope="message_class", target="bulk")

    assert not (await world.verdict(ANN))["suppressed"]
    assert (await world.verdict(ANN, workspace_id="wsp_a"))["scope"] == "workspace"
    assert (await world.verdict(BEN))["scope"] == "message_class"
    assert not (await world.verdict(BEN, message_class="transactional"))["suppressed"]


async def test_the_platforms_word_is_over_every_tenants_and_no_tenant_can_lift_it(
    world: World,
) -> None:
    await world.suppress(address=ANN)
    await done(world.client.post(PATH + "/platform", json={"address": ANN}), 201)
    await campaign_kit.fold(world.dsn)

    for tenant in ("ten_a", "ten_b"):
        found = await world.client.post(
            PATH + "/check", json={"addresses": [ANN]}, headers={"X-Tenant": tenant}
        )
        assert found.json()["data"][0]["scope"] == "platform"
    everywhere = {"address": ANN, "scope": "platform", "reason": "asked"}
    await refused(world.client.post(PATH + "/lift", json=everywhere), 422, "platform")
    await refused(
        world.client.post(PATH, json={"address": ANN, "scope": "platform"}), 422, "platform"
    )
    await done(world.client.post(PATH + "/platform/lift", json={"address": ANN}))
    await campaign_kit.fold(world.dsn)
    assert (await world.verdict(ANN))["scope"] == "tenant"


async def test_each_of_many_has_its_own_answer(world: World) -> None:
    items = [
        {"address": ANN},
        {"address": "no address"},
        {"address": ANN.upper()},
        {"contact_id": "lea_none"},
        {"contact_id": "lea_ben", "scope": "workspace", "target": "wsp_none"},
        {"contact_id": "lea_ben", "scope": "message_class", "target": "odd"},
        {"contact_id": "lea_ben"},
    ]

    found = await done(world.client.post(PATH + "/bulk", json={"items": items}))

    assert [item["status"] for item in found["items"]] == [201, 422, 200, 422, 422, 422, 201]
    assert (found["done"], found["failed"]) == (3, 4)
    assert "no address" not in found["items"][1]["detail"]
    assert len(world.told) == 2


async def test_a_list_from_elsewhere_comes_in_and_goes_out_as_text_for_spreadsheets(
    world: World,
) -> None:
    risky = "=cmd@evil.test"
    body = f"Email,Reason\r\n{ANN},complaint\r\n{risky},\r\nbroken,\r\n{ANN},odd\r\n"
    csv = {"content-type": "text/csv"}

    found = await done(world.client.post(PATH + "/import", content=body.encode(), headers=csv))
    await campaign_kit.fold(world.dsn)
    exported = (await world.client.get(PATH + "/export")).text.splitlines()

    assert (found["rows"], found["suppressed"], found["known"]) == (4, 2, 1)
    assert [reject["line"] for reject in found["rejects"]] == [4]
    assert exported[0] == "address,contact_id,scope,target,reason,since"
    assert {line.split(",")[0] for line in exported[1:]} == {ANN, "'" + risky}
    assert {line.split(",")[4] for line in exported[1:]} == {"complaint", "import"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\r\n", "empty"),
        (b"name\r\nAnn\r\n", "no address column"),
        (b"email\r\n\xff\xfe\r\n", "UTF-8"),
        (b'email\r\n"open', "no CSV"),
        (b"email\r\n" + b"a@b.test\r\n" * 1001, "1000 rows"),
    ],
)
async def test_what_is_no_list_is_refused(body: bytes, words: str, world: World) -> None:
    headers = {"content-type": "text/csv"}

    await refused(world.client.post(PATH + "/import", content=body, headers=headers), 422, words)

    assert world.told == []


async def test_the_list_is_filtered_and_read_page_by_page(world: World) -> None:
    for number in range(5):
        await world.suppress(address=f"p{number}@gmail.test", reason="complaint")
    await world.suppress(address=ANN, scope="message_class", target="bulk")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "2", "cursor": cursor, "reason": "complaint"}
        page = await done(world.client.get(PATH, params=query))
        seen += [row["address"] for row in page["data"]]
        cursor = page["next_cursor"]

    assert sorted(seen) == [f"p{number}@gmail.test" for number in range(5)]
    one = await done(world.client.get(PATH, params={"scope": "message_class"}))
    assert [row["address"] for row in one["data"]] == [ANN]
    none = await done(world.client.get(PATH, params={"until": "2020-01-01T00:00:00Z"}))
    assert none["data"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"address": ANN, "contact_id": "lea_ann"},
        {"address": "x"},
        {"address": ANN, "reason": "policy"},
        {"address": ANN, "scope": "workspace"},
        {"address": ANN, "scope": "tenant", "target": "x"},
        {"address": ANN, "odd": 1},
    ],
)
async def test_a_wish_that_makes_no_sense_changes_nothing(
    body: dict[str, Any], world: World
) -> None:
    answer = await world.client.post(PATH, json=body)

    assert answer.status_code in {404, 422}
    assert world.told == []


async def test_i11_one_tenants_suppressions_are_not_anothers(world: World) -> None:
    await world.suppress(address=ANN)
    other = {"X-Tenant": "ten_b"}

    listed = await done(world.client.get(PATH, headers=other))
    await refused(
        world.client.delete(PATH + "/lea_ann", params={"reason": "x"}, headers=other), 404
    )

    assert listed["data"] == []
    assert (await world.verdict(ANN))["suppressed"]


async def test_who_is_bound_to_workspaces_speaks_for_them_alone(world: World) -> None:
    desk = world.desks.at("ten_a", "tests", workspace_ids=frozenset({"wsp_a"}))
    own = Reach(Scope.WORKSPACE, "wsp_a")

    assert commands.suppress(desk, Wish(ANN, reach=own)).created
    with pytest.raises(Invalid, match="beyond your workspaces"):
        commands.suppress(desk, Wish(ANN))
    with pytest.raises(NotFound, match="no such workspace"):
        commands.suppress(desk, Wish(ANN, reach=Reach(Scope.WORKSPACE, "wsp_b")))
