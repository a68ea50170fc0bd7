"""Changes as server-sent events, over a real port: told as they happen, resumed without loss."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from adapters import postgres
from api import listeners
from api.callers import Caller
from api.main import create_app, serve
from domain.campaign import CampaignPaused
from domain.event import Event, Meta, Recorded, Topic
from domain.sending import OutcomesRecorded
from domain.signals import OpenObserved
from projections import models
from tests.api_kit import BEGIN, TOKEN, ports_of
from tests.integration.api.test_server import free_port
from tests.volume_told_kit import quota_of

pytestmark = pytest.mark.stack
DEADLINE_S = 20.0


class Told(dict[str, Any]):
    """One event of a stream: its name, id and data."""


async def tell(dsn: str, offset: int, *events: Event, model: str = "send_ledger") -> None:
    """Fold events into the read model and move its cursor, as the runner does."""
    fold = models.MODELS[model].fold(1)
    records = [
        Recorded(
            event=event,
            meta=Meta(
                id=f"evt_live_{offset}_{number}",
                time=BEGIN + timedelta(minutes=1),
                tenant_id=str(getattr(event, "tenant_id", "")),
            ),
            topic=type(event).event_type.topics[0].value,
            partition=0,
            offset=offset + number,
        )
        for number, event in enumerate(events)
    ]
    async with await postgres.connect(dsn, "pm_projector") as conn, conn.transaction():
        await fold.apply(conn, [r for r in records if Topic(r.topic) in fold.topics])
        await conn.execute(
            "INSERT INTO app.cursor VALUES (%s, 'pm.attempts', 0, %s, -1, 'log')"
            " ON CONFLICT (reader, topic, part) DO UPDATE SET next_offset = excluded.next_offset",
            (fold.reader, offset + len(events)),
        )


def accepted(tenant: str) -> OutcomesRecorded:
    """The seventh send of the tenant's campaign is accepted."""
    return OutcomesRecorded(
        tenant_id=tenant, campaign_id=f"cmp_{tenant}", batch_id=f"bat_{tenant}",
        release_id=f"rel_{tenant}_2", n=1, ip=f"ip_{tenant}", provider="gmail", source="owner",
        results=[{"outcome": "accepted", "reason": "ACCEPTED", "ranges": [[6, 7]], "code": 250}],
    )  # fmt: skip


@asynccontextmanager
async def served(dsn: str) -> AsyncIterator[tuple[str, asyncio.Event, asyncio.Task[None]]]:
    """The API on a port: its address, what stops it, and its task."""
    async with ports_of(dsn) as ports:
        stop, ready, port = asyncio.Event(), asyncio.Event(), free_port()
        serving = asyncio.create_task(serve(create_app(ports), "127.0.0.1", port, stop, ready.set))
        await asyncio.wait_for(ready.wait(), DEADLINE_S)
        try:
            yield f"http://127.0.0.1:{port}/v1/live", stop, serving
        finally:
            stop.set()
            await asyncio.wait_for(serving, DEADLINE_S)


@asynccontextmanager
async def listening(
    url: str, tenant: str = "ten_a", last_id: str = ""
) -> AsyncIterator[AsyncIterator[Told]]:
    """One client's stream."""
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "X-Tenant": tenant,
        "Accept": "text/event-stream",
    }
    headers |= {"Last-Event-ID": last_id} if last_id else {}
    async with (
        httpx2.AsyncClient(timeout=DEADLINE_S) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        assert response.status_code == 200
        yield _events(response)


async def _events(response: httpx2.Response) -> AsyncIterator[Told]:
    told = Told()
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if line and name in {"event", "id", "data"}:
            told[name] = json.loads(value) if name == "data" else value
        elif not line and told:
            yield told
            told = Told()


async def until_position(events: AsyncIterator[Told]) -> tuple[list[Told], str]:
    """What is told up to the next position, and that position."""
    found: list[Told] = []
    async with asyncio.timeout(DEADLINE_S):
        async for told in events:
            if told.get("event") == "position":
                return found, str(told["id"])
            found.append(told)
    raise AssertionError("the stream ended")


async def until_accepted(events: AsyncIterator[Told], sends: int) -> Told:
    """The first counters that say so; what was known may be told once more before them."""
    async with asyncio.timeout(DEADLINE_S):
        async for told in events:
            counted = told.get("event") == "campaign.counters"
            if counted and told["data"]["states"]["accepted"] == sends:
                return told
    raise AssertionError("the stream ended")


async def test_a_change_is_told_as_it_is_now(filled: str) -> None:
    """Its counters and rates; a decision as a state, after the counters that it comes with."""
    async with served(filled) as (url, *_), listening(url) as events:
        first, _ = await until_position(events)

        await tell(filled, 1000, accepted("ten_a"))
        counters = await until_accepted(events, 6)
        paused = CampaignPaused(tenant_id="ten_a", campaign_id="cmp_ten_a", reason="asked")
        await tell(filled, 2000, paused)
        told = [await anext(events)]
        while told[-1]["data"].get("state") != "paused":
            told.append(await anext(events))

    assert first == []
    assert counters["data"]["rates"]["delivery"]["numerator"] == 6
    assert [one["event"] for one in told[-2:]] == ["campaign.counters", "campaign.state"]


async def test_who_comes_back_with_its_position_hears_all_that_changed_since(filled: str) -> None:
    """Also from another process. What it knows may be told once more, as it is.

    While others' transactions run, Postgres cannot say that nothing before them is still to come.
    """
    async with served(filled) as (url, *_), listening(url) as events:
        _, place = await until_position(events)
    await tell(filled, 1000, accepted("ten_a"))
    opened = OpenObserved(tenant_id="ten_a", send_id="snd_ten_a_0", kind="human", rule="")
    await tell(filled, 2000, opened)

    async with served(filled) as (url, *_):
        async with listening(url, last_id=place) as events:
            missed, later = await until_position(events)
        async with listening(url, last_id=later) as events:
            again, _ = await until_position(events)

    (counters,) = [told["data"] for told in missed if told["event"] == "campaign.counters"]
    assert (counters["states"]["accepted"], counters["counters"]["opened"]) == (6, 1)
    assert [told for told in again if told not in missed] == []


@pytest.mark.parametrize("place", ["1", "9223372036854775807", "9999999999999999999"])
async def test_a_position_that_cannot_be_means_since_ever(filled: str, place: str) -> None:
    """As after a restore: everything is told rather than nothing."""
    async with served(filled) as (url, *_), listening(url, last_id=place) as events:
        found, _ = await until_position(events)

    assert {told["data"]["campaign_id"] for told in found} == {"cmp_ten_a"}
    assert {told["event"] for told in found} == {"campaign.state", "campaign.counters"}


async def test_i11_nobody_hears_of_another_tenant(filled: str) -> None:
    async with (
        served(filled) as (url, *_),
        listening(url, "ten_a") as ours,
        listening(url, "ten_b") as theirs,
    ):
        await until_position(ours)
        await until_position(theirs)

        await tell(filled, 1000, accepted("ten_b"))
        told_theirs, _ = await until_position(theirs)
        await tell(filled, 2000, accepted("ten_a"))
        told_ours, _ = await until_position(ours)

    assert {told["data"]["campaign_id"] for told in told_theirs} == {"cmp_ten_b"}
    assert {told["data"]["campaign_id"] for told in told_ours} == {"cmp_ten_a"}


async def test_streams_end_when_the_server_stops(filled: str) -> None:
    """At once, not after the time that it leaves to running requests."""
    async with served(filled) as (url, stop, serving), listening(url) as events:
        await until_position(events)

        stop.set()
        rest = [told async for told in events]
        await asyncio.wait_for(serving, DEADLINE_S)

    assert rest == []


async def test_streams_of_a_tenant_are_bounded(
    filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "PER_TENANT_MAX", 1)
    async with served(filled) as (url, *_), listening(url) as events:
        await until_position(events)
        headers = {"Authorization": f"Bearer {TOKEN}", "X-Tenant": "ten_a"}
        async with httpx2.AsyncClient() as client:
            refused = await client.get(url, headers=headers)
        async with listening(url, "ten_b") as others:
            await until_position(others)

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")


async def start_import(url: str) -> str:
    """Upload a file of two leads as ten_a and have it run; the import's id."""
    imports = url.replace("/live", "/imports")
    who = {"Authorization": f"Bearer {TOKEN}", "X-Tenant": "ten_a"}
    async with httpx2.AsyncClient(headers=who, timeout=DEADLINE_S) as client:
        body = b"email\nann@x.org\nbob@x.org\n"
        csv = {"content-type": "text/csv"}
        made = await client.post(imports, params={"list_name": "New"}, content=body, headers=csv)
        import_id = str(made.json()["import_id"])
        started = await client.post(f"{imports}/{import_id}/start")
    assert started.status_code == 202, started.text
    return import_id


async def until_done(events: AsyncIterator[Told], import_id: str) -> list[Told]:
    """All that is told of an import up to its end; the position after it has come too."""
    told: list[Told] = []
    async with asyncio.timeout(DEADLINE_S):
        async for one in events:
            if one["data"].get("import_id") == import_id:
                told.append(one)
            done = told and told[-1]["data"].get("state") == "done"
            if done and one["event"] == "position":
                return told
    raise AssertionError("the stream ended")


async def test_an_import_is_told_of_until_its_end_and_again_to_who_was_away(filled: str) -> None:
    """Without the ledger having moved; the end is told once, although the row was written anew."""
    async with served(filled) as (url, *_), listening(url) as events:
        _, place = await until_position(events)
        import_id = await start_import(url)
        live = await until_done(events, import_id)
    async with served(filled) as (url, *_), listening(url, last_id=place) as events:
        missed, _ = await until_position(events)

    progress = [one["data"] for one in live if one["event"] == "import.progress"]
    states = [one["data"]["state"] for one in live if one["event"] == "import.state"]
    assert progress[-1] | {"rows_done": 2, "phase": ""} == progress[-1]
    assert states[-1] == "done"
    assert len(states) == len(set(states))
    (end,) = [one["data"] for one in missed if one["event"] == "import.state"]
    assert (end["import_id"], end["state"], end["imported"]) == (import_id, "done", 2)
    assert "file_name" not in end


async def test_who_may_not_read_leads_hears_nothing_of_imports(filled: str) -> None:
    async with served(filled) as (url, *_), listening(url) as events:
        await until_position(events)
        await until_done(events, await start_import(url))
    async with ports_of(filled) as ports:
        heard = {}
        for permissions in ({"campaigns:read"}, {"campaigns:read", "leads:read"}):
            caller = Caller("ten_a", "key", frozenset(permissions))
            stream = listeners.Listeners(ports.reads).stream(caller, 1)
            heard[len(permissions)] = await anext(stream)
            await stream.aclose()

    assert b"campaign.state" in heard[1]
    assert b"import." not in heard[1]
    assert b"import.state" in heard[2]


async def test_what_volume_control_decides_is_told_to_its_tenant_alone(filled: str) -> None:
    """As it holds now; again to who comes back with a position from before it."""
    async with served(filled) as (url, *_):
        async with listening(url) as events:
            _, before = await until_position(events)
            decided = [quota_of(tenant, f"ip_{tenant}", 700) for tenant in ("ten_a", "ten_b")]
            await tell(filled, 1000, *decided, model="volume")
            told, _ = await until_position(events)
        async with listening(url, last_id=before) as events:
            again, _ = await until_position(events)

    for found in (told, again):
        (one,) = [event for event in found if event["event"] == "volume.scope"]
        scope = one["data"]
        assert (scope["scope"], scope["scope_id"], scope["quota"], scope["breaker"]) == (
            *("cell", "ip_ten_a", 700, "closed"),
        )
