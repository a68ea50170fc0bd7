"""The warm-up board, decisions about volume and reputation over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import jsonschema
import pytest

from adapters import postgres
from domain.event import Event, Meta, Recorded
from domain.governor.events import BreakerOpened, PhaseChanged, RateChanged
from domain.governor.orders import VolumeOrdered
from domain.sending import OutcomesRecorded, Result, SliceStarted
from projections.models import MODELS
from tests.api_kit import BEGIN, api_of
from tests.integration.api.conftest import campaign_of
from tests.pipeline_world import open_gate
from tests.schedule_kit import apply, recorded
from tests.volume_told_kit import plan_of, quota_of, said, score_of

pytestmark = pytest.mark.stack


def decided(tenant: str) -> list[tuple[Event, int]]:
    """What was decided about the tenant's IP, and how many days before BEGIN."""
    ip = f"ip_{tenant}"
    cell = (tenant, "cell", ip, "gmail")
    until = BEGIN + timedelta(hours=2)
    paced: dict[str, Any] = {
        "old_per_h": 40,
        "new_per_h": 55,
        "connections": 3,
        "per_connection": 50,
    }
    ordered = VolumeOrdered(
        tenant_id=tenant, scope="cell", scope_id=ip, provider="gmail", action="quota", quota=700,
        reason="a trial",
    )  # fmt: skip
    return [
        (plan_of(tenant, ip), 2),
        (said(PhaseChanged, *cell, old="cold", new="warming", rule="first_mail"), 2),
        (quota_of(tenant, ip, 600, old=300, decided_at=BEGIN - timedelta(hours=12)), 1),
        (ordered, 0),
        (quota_of(tenant, ip, 700, old=600, rule="ordered"), 0),
        (said(RateChanged, *cell, **paced), 0),
        (said(BreakerOpened, *cell, until=until, level=0, rule="blocked", counts={"b": 5}), 0),
        (score_of(tenant, ip, None), 2),
        (score_of(tenant, ip, 88, old=None), 0),
    ]


def left_before(tenant: str) -> list[tuple[Event, int]]:
    """A slice of 20 that left two days before: 12 taken, 8 put off for reputation."""
    names: dict[str, Any] = {
        "tenant_id": tenant, "campaign_id": "cmp_0", "batch_id": "bat_0", "n": 1,
        "ip": f"ip_{tenant}", "provider": "gmail", "release_id": f"rel_{tenant}_0",
    }  # fmt: skip
    began = SliceStarted(
        **names, ranges=[[0, 20]], cap_day=(BEGIN - timedelta(days=2)).date(), cap_per_day=None,
        deadline_at=BEGIN, owner="o", journal="j",
    )  # fmt: skip
    results = [
        Result(outcome="accepted", reason="ACCEPTED", ranges=[[0, 12]], code=250),
        Result(outcome="deferred", reason="REPUTATION_DEFER", ranges=[[12, 20]], code=421),
    ]
    late = [Result(outcome="rejected", reason="INACTIVE", ranges=[[0, 20]], code=550)]
    told = [
        OutcomesRecorded(**names, source="owner", results=results),
        OutcomesRecorded(**names, source="sweeper", results=late),
    ]
    return [(began, 2), *((event, 2) for event in told)]


@pytest.fixture
async def governed(filled: str) -> str:
    """As `filled`; both tenants' IPs are governed and were decided about."""
    told = [(t, *one) for t in ("ten_a", "ten_b") for one in [*left_before(t), *decided(t)]]
    records = [
        Recorded(
            event=event,
            meta=Meta(
                id=f"evt_v{number}",
                time=BEGIN - timedelta(days=days),
                tenant_id=tenant,
                actor=f"actor_{tenant}",
            ),
            topic=type(event).event_type.topics[0].value,
            partition=0,
            offset=100 + number,
        )
        for number, (tenant, event, days) in enumerate(told)
    ]
    async with await postgres.connect(filled, "pm_projector") as conn, conn.transaction():
        await MODELS["volume"].fold(1).apply(conn, records)
    return filled


@pytest.fixture
async def client(governed: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Asks as the operator about ten_a, on the day BEGIN."""
    async with api_of(governed) as made:
        yield made


async def test_the_board_tells_how_each_cell_stands_today(client: httpx2.AsyncClient) -> None:
    found = (await client.get("/v1/warmup")).json()

    (cell,) = found["data"]
    breaker = cell.pop("breaker")
    assert cell == {
        "object": "warmup_cell", "ip": "ip_ten_a", "provider": "gmail", "plan": "standard",
        "target": 0, "day": 3, "first_mail_on": "2025-12-30", "phase": "warming", "quota": 700,
        "used": 6, "left": 694, "rate_per_h": 55, "connections": 3, "reputation": 88,
    }  # fmt: skip
    assert (breaker["status"], breaker["scope"], breaker["rule"]) == ("open", "cell", "blocked")
    assert breaker["until"] == "2026-01-01T02:00:00Z"
    assert found["date"] == "2026-01-01"


async def test_the_series_stands_beside_what_the_plan_comes_to(client: httpx2.AsyncClient) -> None:
    """Each send by its first definite answer; a quota by what held at the end of its day."""
    found = (await client.get("/v1/warmup/ip_ten_a/gmail/series")).json()

    names = ("planned", "quota", "started", "accepted", "deferred", "hard", "other")
    days = [[day[name] for name in names] for day in found["data"]]
    assert [day["date"] for day in found["data"]] == ["2025-12-30", "2025-12-31", "2026-01-01"]
    assert days == [
        [300, 300, 20, 12, 8, 0, 0],
        [600, 600, 0, 0, 0, 0, 0],
        [1200, 700, 6, 5, 0, 0, 1],
    ]


async def test_decisions_come_with_rule_counts_and_actor_newest_first(
    client: httpx2.AsyncClient,
) -> None:
    found = (await client.get("/v1/volume/decisions", params={"ip": "ip_ten_a"})).json()["data"]

    assert [row["type"] for row in found] == [
        "BreakerOpened", "RateChanged", "QuotaSet", "VolumeOrdered", "QuotaSet", "PhaseChanged",
        "WarmupPlanChosen",
    ]  # fmt: skip
    assert (found[0]["rule"], found[0]["counts"]) == ("blocked", {"b": 5})
    assert found[2]["details"] == {"old": 600, "new": 700}
    assert (found[3]["rule"], found[3]["actor"], found[3]["governor"]) == (
        *("ordered", "actor_ten_a", 0),
    )


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ({"rule": "blocked"}, ["BreakerOpened"]),
        ({"scope": "ip"}, []),
        ({"provider": "gmail", "until": "2025-12-31T00:00:00Z"}, []),
        ({"since": "2025-12-31T12:00:00Z", "until": "2026-01-01T00:00:00Z"}, ["QuotaSet"]),
        ({"id": "ip_ten_a", "provider": "yahoo"}, []),
    ],
)
async def test_decisions_are_found_by_scope_provider_rule_and_time(
    client: httpx2.AsyncClient, query: dict[str, str], types: list[str]
) -> None:
    found = (await client.get("/v1/volume/decisions", params=query)).json()["data"]

    assert [row["type"] for row in found if row["type"] != "PhaseChanged"] == types


async def test_orders_are_what_people_decided(client: httpx2.AsyncClient) -> None:
    found = (await client.get("/v1/volume/orders")).json()["data"]

    assert [row["type"] for row in found] == ["VolumeOrdered", "WarmupPlanChosen"]
    ordered = {"action": "quota", "quota": 700, "reason": "a trial"}
    assert found[0]["details"].items() >= ordered.items()


async def test_lists_are_read_page_by_page(client: httpx2.AsyncClient) -> None:
    for path, count in (
        ("/v1/volume/decisions", 7),
        ("/v1/reputation/cell/ip_ten_a/history", 2),
        ("/v1/reputation", 1),
        ("/v1/warmup", 1),
    ):
        seen: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            page = (await client.get(path, params={"limit": 1, "cursor": cursor})).json()
            seen += page["data"]
            cursor = page["next_cursor"]
        assert len(seen) == count


async def test_reputation_tells_its_components_and_its_history(client: httpx2.AsyncClient) -> None:
    (now,) = (await client.get("/v1/reputation")).json()["data"]
    history = (await client.get("/v1/reputation/cell/ip_ten_a/history")).json()["data"]

    assert (now["scope"], now["scope_id"], now["score"]) == ("cell", "ip_ten_a", 88)
    assert now["components"] == [
        {"signal": "deferred", "value_ppm": 20_000, "penalty": 35, "events": 20}
    ]
    assert [row["score"] for row in history] == [88, None]


PATHS = (
    "/v1/warmup",
    "/v1/warmup/ip_ten_a/gmail/series",
    "/v1/volume/decisions",
    "/v1/volume/orders",
    "/v1/reputation",
    "/v1/reputation/cell/ip_ten_a/history",
)


async def test_i11_nothing_of_another_tenant_is_told(client: httpx2.AsyncClient) -> None:
    """Lists show nothing of it; its ids are answered as ids that nobody has."""
    for path in PATHS:
        assert "ten_b" not in (await client.get(path)).text
    for path in (PATHS[1], PATHS[5]):
        theirs = await client.get(path.replace("ten_a", "ten_b"))
        nobodys = await client.get(path.replace("ten_a", "ten_z"))
        assert (theirs.status_code, theirs.json()["detail"]) == (404, nobodys.json()["detail"])
    theirs = await client.get("/v1/volume/decisions", params={"ip": "ip_ten_b"})
    assert theirs.json()["data"] == []


async def test_answers_have_the_documented_shape(client: httpx2.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    for path in PATHS:
        answer = await client.get(path)
        pattern = path.replace("ip_ten_a", "{ip}").replace("gmail", "{provider}")
        pattern = pattern.replace("/cell/{ip}", "/{scope}/{scope_id}")
        told = described["paths"][pattern]["get"]["responses"]["200"]
        assert answer.status_code == 200
        jsonschema.validate(answer.json(), told["content"]["application/json"]["schema"])


@pytest.fixture
async def scheduled(governed: str) -> str:
    """As `governed`; the schedule knows both tenants' IPs and campaigns, and the gate is open."""
    open_gate(governed)
    for tenant in ("ten_a", "ten_b"):
        events = [one for one in campaign_of(tenant) if not isinstance(one, OutcomesRecorded)]
        async with await postgres.connect(governed, "pm_projector") as conn:
            await apply(conn, [recorded(event) for event in events])
    return governed


ASKED = {
    "/v1/campaigns/{campaign_id}/whynot": "cmp_ten_a",
    "/v1/sending-ips/{ip}/whynot": "ip_ten_a",
    "/v1/sends/{send_id}/whynot": "snd_ten_a_6",
}


async def test_why_something_is_not_sending_is_told_in_one_shape(scheduled: str) -> None:
    """Of a campaign, a sending IP and a send; of another tenant's: there is no such thing (I11)."""
    async with api_of(scheduled) as client:
        described = (await client.get("/openapi.json")).json()
        for pattern, name in ASKED.items():
            path = re.sub(r"\{\w+\}", name, pattern)
            answer = await client.get(path)
            found = answer.json()
            told = described["paths"][pattern]["get"]["responses"]["200"]
            jsonschema.validate(found, told["content"]["application/json"]["schema"])
            assert found.keys() == {
                "object", "id", "state", "sending", "binding", "others", "as_of",
            }  # fmt: skip
            assert (found["id"], found["binding"]["limit"]) == (name, "releaser")
            assert "ten_b" not in answer.text

            theirs = await client.get(path.replace("ten_a", "ten_b"))
            nobodys = await client.get(path.replace("ten_a", "ten_z"))
            assert theirs.status_code == nobodys.status_code == 404
            assert theirs.json()["detail"] == nobodys.json()["detail"]
