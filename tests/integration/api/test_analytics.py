"""Figures over HTTP: what signals add, buckets of odd zones, groups, and who may see which."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from adapters import postgres
from api.main import create_app
from domain.campaign import CampaignLaunched
from domain.event import Event, Meta, Recorded, Topic
from domain.plan_limit import PlanLimitSet
from domain.signals import ClickObserved, ComplaintReceived, OpenObserved
from projections import models
from tests.api_kit import BEGIN, api_of, client_of, ports_of

pytestmark = pytest.mark.stack


async def tell(dsn: str, events: list[Event], first_offset: int = 1000) -> None:
    """Fold events into every read model that reads them, an hour after BEGIN."""
    records = [
        Recorded(
            event=event,
            meta=Meta(id=f"evt_more_{offset}", time=BEGIN + timedelta(hours=1), tenant_id="ten_a"),
            topic=type(event).event_type.topics[0].value,
            partition=0,
            offset=offset,
        )
        for offset, event in enumerate(events, start=first_offset)
    ]
    async with await postgres.connect(dsn, "pm_projector") as conn:
        for model in models.MODELS.values():
            fold = model.fold(1)
            async with conn.transaction():
                await fold.apply(conn, [r for r in records if Topic(r.topic) in fold.topics])


@pytest.fixture
async def told(filled: str) -> str:
    """Of ten_a's 5 accepted mails people opened 2, a machine 1; 1 was clicked; a limit is set."""
    ones: list[dict[str, Any]] = [
        {"tenant_id": "ten_a", "send_id": f"snd_ten_a_{idx}"} for idx in range(5)
    ]
    await tell(
        filled,
        [
            OpenObserved(**ones[0], kind="human", rule=""),
            OpenObserved(**ones[0], kind="human", rule=""),
            OpenObserved(**ones[1], kind="human", rule=""),
            OpenObserved(**ones[2], kind="machine", rule="proxy"),
            ClickObserved(**ones[0], kind="human", rule="", link=0),
            ComplaintReceived(**ones[1], feedback_type="abuse", source="gmail"),
            OpenObserved(tenant_id="ten_b", send_id="snd_ten_a_3", kind="human", rule=""),
            PlanLimitSet(tenant_id="ten_a", sends_per_month=7, reason="plan"),
        ],
    )
    return filled


@pytest.fixture
async def client(told: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with api_of(told) as made:
        yield made


async def answer(client: httpx2.AsyncClient, path: str, **params: Any) -> Any:
    found = await client.get(path, params=params)
    assert found.status_code == 200, found.text
    return found.json()


async def test_the_dashboard_comes_in_one_call(client: httpx2.AsyncClient) -> None:
    found = await answer(client, "/v1/overview", range="7d")

    counters, rates = found["totals"]["counters"], found["totals"]["rates"]
    assert (counters["requested"], counters["sent"], counters["delivered"]) == (7, 6, 5)
    assert (counters["opened"], counters["opens"], counters["machine_opens"]) == (2, 3, 1)
    assert rates["open"] == {"numerator": 2, "denominator": 5, "value": 0.4}
    assert rates["complaint"]["numerator"] == 1
    assert set(found["previous"]["counters"].values()) == {0}
    assert found["campaigns"] == {"total": 1, "running": 1}
    assert [row["campaign_id"] for row in found["top_campaigns"]] == ["cmp_ten_a"]
    (reason,) = found["bounces"]["reasons"]
    assert (reason["reason"], reason["code"], reason["sends"]) == ("UNKNOWN_USER", 550, 1)
    assert (found["usage"]["used"], found["usage"]["limit"]) == (6, 7)
    assert found["as_of"]["caught_up_at"]


async def test_a_signal_of_another_tenant_counts_for_nobody(client: httpx2.AsyncClient) -> None:
    """It names a send that is not its tenant's (I11)."""
    found = await answer(client, "/v1/sends/snd_ten_a_3")
    counted = await answer(client, "/v1/campaigns/cmp_ten_a/stats", by="step")

    assert [event["event"] for event in found["events"]][-1] == "accepted"
    assert counted["totals"]["counters"]["opened"] == 2


@pytest.mark.parametrize(
    ("tz", "begins"),
    [
        ("UTC", "2026-01-01T00:00:00Z"),
        ("Asia/Kolkata", "2026-01-01T05:00:00+05:30"),
        ("Asia/Kathmandu", "2026-01-01T05:00:00+05:45"),
        ("America/New_York", "2025-12-31T19:00:00-05:00"),
    ],
)
async def test_hours_are_those_of_the_zone_and_empty_ones_are_there(
    client: httpx2.AsyncClient, tz: str, begins: str
) -> None:
    found = await answer(client, "/v1/analytics/timeseries", range="7d", by="hour", tz=tz)

    busy = [row for row in found["data"] if row["counters"]["sent"]]
    assert len(found["data"]) == 7 * 24
    assert [row["start"].replace("+00:00", "Z") for row in busy] == [begins]
    assert found["totals"]["counters"]["sent"] == busy[0]["counters"]["sent"] == 6
    ends = [row["end"] for row in found["data"]]
    assert ends[:-1] == [row["start"] for row in found["data"]][1:]


@pytest.mark.parametrize("by", ["hour", "day", "week", "month"])
async def test_every_way_of_cutting_adds_up_to_the_same(
    client: httpx2.AsyncClient, by: str
) -> None:
    found = await answer(client, "/v1/analytics/timeseries", range="30d", by=by, tz="Asia/Tokyo")
    campaign = await answer(client, "/v1/campaigns/cmp_ten_a/stats", by=by, tz="Asia/Tokyo")

    for name, total in found["totals"]["counters"].items():
        assert sum(row["counters"][name] for row in found["data"]) == total
        assert sum(row["counters"][name] for row in campaign["data"]) == total


@pytest.mark.parametrize(
    ("path", "key", "name"),
    [
        ("/v1/analytics/providers", "provider", "gmail"),
        ("/v1/analytics/ips", "ip", "ip_ten_a"),
    ],
)
async def test_groups_add_up_to_the_total_of_any_zones_days(
    client: httpx2.AsyncClient, path: str, key: str, name: str
) -> None:
    for tz in ("UTC", "Asia/Kolkata", "Pacific/Chatham", "America/New_York"):
        (row,) = (await answer(client, path, range="7d", tz=tz))["data"]

        assert row[key] == name
        assert (row["counters"]["sent"], row["counters"]["opened"]) == (6, 2)


@pytest.mark.parametrize("by", ["step", "provider", "ip"])
async def test_a_campaign_by_step_provider_and_ip(client: httpx2.AsyncClient, by: str) -> None:
    found = await answer(client, "/v1/campaigns/cmp_ten_a/stats", by=by)

    assert sum(row["counters"]["sent"] for row in found["data"]) == 6
    assert sum(row["counters"]["requested"] for row in found["data"]) == 7
    assert found["funnel"][3]["sends"] == 2


async def test_a_zone_that_is_none_is_a_problem_that_names_it(client: httpx2.AsyncClient) -> None:
    for path in ("/v1/overview", "/v1/analytics/timeseries", "/v1/campaigns/cmp_ten_a/stats"):
        found = await client.get(path, params={"tz": "Mars/Olympus"})

        assert (found.status_code, found.json()["code"]) == (422, "invalid")
        assert found.json()["detail"].startswith("tz:")


async def test_i11_figures_of_another_tenants_campaign_are_not_found(
    client: httpx2.AsyncClient,
) -> None:
    for path in ("/v1/campaigns/{}/stats", "/v1/analytics/funnel?campaign_id={}"):
        theirs = await client.get(path.format("cmp_ten_b"))
        nobodys = await client.get(path.format("cmp_nobody"))

        assert (theirs.status_code, nobodys.status_code) == (404, 404)
        assert theirs.json()["detail"] == nobodys.json()["detail"]


async def test_who_sees_one_workspace_sees_figures_of_its_campaigns_alone(told: str) -> None:
    """Those of the tenant's own campaigns are not in its sums, series, groups or lists."""
    other = CampaignLaunched(
        tenant_id="ten_a", campaign_id="cmp_other", content_id="cnt_1", list_ids=["lst_1"],
        sender_id="sdr_1", domain_id="dom_1", ips=[], priority="normal", message_class="bulk",
        sign="none", launched_at=BEGIN, expires_at=BEGIN,
    )  # fmt: skip
    await tell(told, [other], first_offset=2000)
    async with await postgres.connect(told, "pm_api") as conn, postgres.tenant_tx(conn, "ten_a"):
        await conn.execute(
            "INSERT INTO vault.workspace_of VALUES ('ten_a', 'cmp_other', 'wsp_one')"
        )
    async with ports_of(told) as ports:
        limited = _Limited(ports.callers, frozenset({"wsp_one"}))
        app = create_app(_with(ports, limited))
        async with client_of(app, tenant="ten_a") as client:
            overview = await answer(client, "/v1/overview")
            sends = await answer(client, "/v1/sends")
            theirs = await client.get("/v1/campaigns/cmp_ten_a/stats")
            story = await client.get("/v1/sends/snd_ten_a_1")
            series = await answer(client, "/v1/analytics/timeseries")

    assert overview["totals"]["counters"]["sent"] == 0
    assert overview["campaigns"] == {"total": 1, "running": 1}
    assert overview["top_campaigns"] == overview["bounces"]["reasons"] == []
    assert sends["data"] == []
    assert (theirs.status_code, story.status_code) == (404, 404)
    assert series["totals"]["counters"]["sent"] == 0


class _Limited:
    """The same callers, who see these workspaces alone."""

    def __init__(self, callers: Any, workspace_ids: frozenset[str]) -> None:
        self._callers, self._workspace_ids = callers, workspace_ids

    async def find(self, *given: Any, **named: Any) -> Any:
        import dataclasses

        found = await self._callers.find(*given, **named)
        return found and dataclasses.replace(found, workspace_ids=self._workspace_ids)


def _with(ports: Any, callers: Any) -> Any:
    import dataclasses

    return dataclasses.replace(ports, callers=callers)


async def test_usage_tells_the_period_against_the_limit(client: httpx2.AsyncClient) -> None:
    found = await answer(client, "/v1/usage")

    assert (found["period"], found["used"], found["limit"], found["left"]) == (
        *("2026-01-01", 6, 7, 1),
    )
    assert found["share"] == 0.857143
