"""What every route does: ids of requests, strict bodies, repeated commands, limits, positions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
import psycopg
import pytest
from fastapi import APIRouter

from api import idempotency
from api.limits import Allowance, Rates
from api.main import Manners, create_app
from api.positions import part_of
from api.wiring import Ports
from projections import models
from projections.reads import Away, Bound, Reads
from tests.api_kit import SEALS, api_of, client_of, ports_of
from tests.decided_kit import done, refused

pytestmark = pytest.mark.stack

IPS = "/v1/sending-ips"
KEY = {"idempotency-key": "once-1"}


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[httpx2.AsyncClient]:
    models.ensure_schemas(dsn)
    async with api_of(dsn) as made:
        yield made


# ---- strict requests


async def test_what_is_no_decent_request_is_named_and_changes_nothing(
    client: httpx2.AsyncClient,
) -> None:
    """Each with its own code; and what is wrong stands in `errors`."""
    json = {"content-type": "application/json"}
    deep = b'{"address": ' + b"[" * 100 + b"]" * 100 + b"}"
    big = b'{"address": "' + b"x" * (1 << 20) + b'"}'
    await refused(client.get(IPS, params={"colour": "red"}), 422, "colour", "query", "min_position")
    await refused(client.get(IPS + "?tenant=a&tenant=b"), 422, "twice")
    await refused(client.get(IPS + "?tenant=%00"), 422, "NUL")
    await refused(client.post(IPS, content=b"{", headers=json), 400, "not_json")
    await refused(client.post(IPS, content=b'{"address": NaN}', headers=json), 400, "not_json")
    await refused(client.post(IPS, content=deep, headers=json), 400, "not_json", "64")
    await refused(client.post(IPS, content=big, headers=json), 413, "too_large")
    await refused(client.post(IPS, content=_parts(big), headers=json), 413, "too_large")
    await refused(client.post(IPS, json={"address": "a\x00b"}), 422, "NUL")
    await refused(client.post(IPS, content=b"address=1"), 415, "application/json")
    await refused(client.post(IPS, json={"colour": 1}), 422, '"pointer":"/colour"', "leave it out")
    await refused(client.request("PATCH", IPS, json={}), 405, "method_not_allowed")
    await refused(client.get("/v1/nothing"), 404, "not_found")

    assert (await done(client.get(IPS)))["data"] == []


async def _parts(body: bytes) -> AsyncIterator[bytes]:
    yield body[:1000]
    yield body[1000:]


async def test_answers_are_kept_by_no_cache_and_framed_by_no_page(
    client: httpx2.AsyncClient,
) -> None:
    found = (await client.get(IPS)).headers

    assert found["cache-control"] == "no-store"
    assert found["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in found["content-security-policy"]


async def test_a_bug_is_answered_with_the_requests_id_and_nothing_else(dsn: str) -> None:
    async with ports_of(dsn) as ports:
        app = create_app(ports)
        _break(app.router)
        async with client_of(app) as client:
            answer = await client.get("/broken", headers={"request-id": "mine"})

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.json()["request_id"] == answer.headers["request-id"] == "mine"
    assert "the secret" not in answer.text


def _break(router: APIRouter) -> None:
    @router.get("/broken")
    async def broken() -> None:
        raise ValueError("the secret")


# ---- repeated commands


async def test_a_repeated_command_gives_the_first_answer_and_runs_once(
    client: httpx2.AsyncClient,
) -> None:
    first = await client.post(IPS, json={}, headers=KEY)
    again = await client.post(IPS, json={}, headers=KEY)

    assert first.status_code == 201
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["pm-position"] == str(first.json()["position"])


async def test_a_key_is_for_one_request_of_one_tenant(client: httpx2.AsyncClient) -> None:
    """Another body, another path: refused. Another tenant's key is another key."""
    mine = await done(client.post(IPS, json={}, headers=KEY), 201)
    other = {"x-tenant": "ten_b"} | KEY
    theirs = await done(client.post(IPS, json={}, headers=other), 201)
    body = {"address": "203.0.113.9"}
    await refused(client.post(IPS, json=body, headers=KEY), 409, "idempotency_key_reused")
    path = f"{IPS}/{mine['ip']}/retire"
    await refused(client.post(path, json={"reason": "x"}, headers=KEY), 409, "reused")

    assert mine["ip"] != theirs["ip"]


async def test_calls_at_the_same_time_run_once(client: httpx2.AsyncClient, dsn: str) -> None:
    answers = await asyncio.gather(*(client.post(IPS, json={}, headers=KEY) for _ in range(4)))
    with psycopg.connect(dsn) as conn:
        row = conn.execute("SELECT count(*) FROM es.decision_events").fetchone()

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert row == (1,)


async def test_what_is_invalid_has_not_begun_and_leaves_the_key_free(
    client: httpx2.AsyncClient,
) -> None:
    await refused(client.post(IPS, json={"colour": 1}, headers=KEY), 422)
    await done(client.post(IPS, json={}, headers=KEY), 201)


async def test_a_key_held_by_the_dead_is_free_after_its_lease(
    client: httpx2.AsyncClient, dsn: str
) -> None:
    """Until then its repetition is told to wait; then it makes the same thing."""
    first = await done(client.post(IPS, json={}, headers=KEY), 201)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("UPDATE app.keyed_answer SET sealed = NULL")
        await refused(client.post(IPS, json={}, headers=KEY), 409, "in_progress")
        conn.execute("UPDATE app.keyed_answer SET lease_until = now() - interval '1 second'")
    again = await done(client.post(IPS, json={}, headers=KEY), 201)

    assert again["ip"] == first["ip"]


async def test_a_key_held_by_a_process_that_died_is_free_for_its_next_life(
    client: httpx2.AsyncClient, dsn: str
) -> None:
    """Else the client's repetitions wait for the dead, and what else it asks waits for them."""
    first = await done(client.post(IPS, json={}, headers=KEY), 201)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("UPDATE app.keyed_answer SET sealed = NULL")

    async with api_of(dsn) as reborn:
        again = await done(reborn.post(IPS, json={}, headers=KEY), 201)

    assert again["ip"] == first["ip"]


class Flickering:
    """Reads of a Postgres that is away for so many looks."""

    def __init__(self, reads: Reads, times: int) -> None:
        self.reads, self.times = reads, times

    @asynccontextmanager
    async def of(self, tenant_id: str) -> AsyncIterator[Bound]:
        self.times -= 1
        if self.times >= 0:
            raise Away("away")
        async with self.reads.of(tenant_id) as bound:
            yield bound


async def test_a_key_that_could_not_be_freed_in_an_outage_is_free_once_it_is_over(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else who asks again after a 503 is told for a minute that the first request still runs."""
    monkeypatch.setattr(idempotency, "FREE_AGAIN_S", 0.01)
    values: dict[str, Any] = {"key": "k", "request": b"r", "holder": "h", "process": "", "life": ""}
    async with ports_of(dsn) as ports:
        async with ports.reads.of("ten_a") as bound:
            await bound.rows(idempotency.RESERVE, lease_s=60, days=1, **values)
        reads: Any = Flickering(ports.reads, 2)

        await idempotency.Reserved(reads, SEALS, "ten_a", "k", "h").free()
        async with asyncio.timeout(20):
            await asyncio.gather(*idempotency._freeing)

        async with ports.reads.of("ten_a") as bound:
            assert await bound.rows(idempotency.LOOK, key="k") == []


async def test_kept_answers_are_sealed_and_go_with_an_erased_person(
    client: httpx2.AsyncClient, dsn: str
) -> None:
    """I10."""
    await done(client.post(IPS, json={"address": "203.0.113.77"}, headers=KEY), 201)
    with psycopg.connect(dsn, autocommit=True) as conn:
        (kept,) = conn.execute("SELECT sealed FROM app.keyed_answer").fetchone() or (b"",)
        conn.execute(
            "INSERT INTO vault.contact (tenant_id, contact_id, address, address_key, domain)"
            " VALUES ('ten_a', 'lea_1', 'a@b.test', 'a@b.test', 'b.test')"
        )
        conn.execute("UPDATE vault.contact SET erased_at = now()")
        left = conn.execute("SELECT count(*) FROM app.keyed_answer").fetchone()

    assert bytes(kept).startswith(b"\x00pm1")
    assert left == (0,)


# ---- limits


async def test_who_asks_too_much_is_told_when_to_ask_again(dsn: str) -> None:
    """Counted for all API processes in one place, per caller; headers tell what is left."""
    async with ports_of(dsn) as ports:
        rates = Rates(strangers=Allowance(per_min=1, burst=2))
        token = {"token": "made-up"}
        answers = []
        for app in (create_app(replace(ports, rates=rates)), _another(ports)):
            async with client_of(app) as client:
                answers += [await client.post("/v1/auth/verify", json=token) for _ in range(2)]

    assert [answer.status_code == 429 for answer in answers] == [False, False, True, True]
    assert answers[0].headers["x-ratelimit-remaining"] == "1"
    assert answers[2].json()["code"] == "rate_limited"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60


def _another(ports: Ports) -> Any:
    """As another process would: nothing is shared but the database."""
    return create_app(replace(ports, rates=Rates(strangers=Allowance(per_min=1, burst=2))))


async def test_too_much_at_once_is_shed_and_stopping_mail_is_not(dsn: str) -> None:
    async with (
        ports_of(dsn) as ports,
        client_of(create_app(ports, Manners(in_flight_max=0)), tenant="ten_a") as client,
    ):
        await refused(client.get("/v1/overview"), 503, "overloaded")
    for pressed, path, method in ((39, "/v1/overview", "GET"), (49, "/v1/campaigns", "GET")):
        assert share_of(method, path) * 64 < pressed
    assert share_of("POST", "/v1/campaigns/cmp_1/pause") > 1


def share_of(method: str, path: str) -> float:
    from api.limits import share

    return share(method, path)


async def test_an_answer_that_takes_too_long_is_given_up(dsn: str) -> None:
    async with ports_of(dsn) as ports:
        app = create_app(ports, Manners(answer_max_s=0.01))
        never = asyncio.Event()

        @app.get("/slow")
        async def slow() -> None:
            await never.wait()

        async with client_of(app) as client:
            await refused(client.get("/slow"), 503, "timed_out")
        never.set()


# ---- positions


async def test_a_question_waits_for_the_position_that_it_names(
    client: httpx2.AsyncClient, dsn: str
) -> None:
    told = await done(client.post(IPS, json={}), 201)
    _applied(dsn, 0)
    await refused(client.get(IPS, params={"min_position": told["position"]}), 409, "not_yet")
    waiting = asyncio.create_task(
        client.get(IPS, headers={"pm-min-position": str(told["position"])})
    )
    _applied(dsn, told["position"])

    assert (await waiting).status_code == 200


def _applied(dsn: str, position: int) -> None:
    """As if every read model had applied the tenant's decisions up to here."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO app.cursor (reader, topic, part, next_offset, last_pos, log_id)"
            " SELECT name || '_v1', 'pm.decisions', %(part)s, 1, %(pos)s, 'log'"
            " FROM app.read_model"
            " ON CONFLICT (reader, topic, part) DO UPDATE SET last_pos = excluded.last_pos",
            {"part": part_of("ten_a"), "pos": position},
        )
