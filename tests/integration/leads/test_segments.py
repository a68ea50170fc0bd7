"""Segments over HTTP: saved filters, their leads, lists frozen from them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.api_kit import api_of

pytestmark = pytest.mark.stack
OSLO = {"what": "field", "name": "city", "op": "equals", "value": "Oslo"}


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with api_of(dsn) as found:
        items = [
            {
                "op": "create",
                "address": f"p{n}@{'a' if n % 2 else 'b'}.example",
                "fields": {"city": "Oslo" if n < 4 else "Rome"},
                "tags": ["vip"] if n == 0 else [],
            }
            for n in range(6)
        ]
        assert (await found.post("/v1/leads/bulk", json={"items": items})).json()["done"] == 6
        yield found


def condition(what: str, op: str, value: Any = None, **more: str) -> dict[str, Any]:
    return {"what": what, "op": op} | ({} if value is None else {"value": value}) | more


@pytest.mark.parametrize(
    ("given", "count"),
    [
        (OSLO, 4),
        ({"not": OSLO}, 2),
        ({"all": [OSLO, condition("domain", "equals", "a.example")]}, 2),
        ({"any": [OSLO, condition("tag", "has", "VIP")]}, 4),
        ({"any": [condition("tag", "has", "vip"), condition("domain", "in", ["a.example"])]}, 4),
        (condition("field", "contains", "OSL", name="city"), 4),
        (condition("field", "starts_with", "Ro", name="city"), 2),
        (condition("field", "not_equals", "Oslo", name="team"), 6),
        (condition("field", "in", ["Rome", "Bonn"], name="city"), 2),
        (condition("field", "is_set", name="city"), 6),
        (condition("field", "is_not_set", name="team"), 6),
        (condition("address", "starts_with", "P1"), 1),
        (condition("address", "in", ["p1@a.example", "p2@b.example"]), 2),
        (condition("tag", "has_not", "vip"), 5),
        (condition("list", "in", "lst_none"), 0),
        (condition("list", "not_in", "lst_none"), 6),
        (condition("suppressed", "is", value=True), 0),
        (condition("created", "within_days", 1), 6),
        (condition("created", "before", "2020-01-01T00:00:00+02:00"), 0),
        (condition("field", "equals", "'; DROP TABLE vault.contact; --", name="a'%(b)s{c}"), 0),
    ],
)
async def test_a_filter_finds_who_meets_it(
    client: httpx2.AsyncClient, given: dict[str, Any], count: int
) -> None:
    answer = await client.post("/v1/segments/preview", json={"filter": given})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["leads"], answer.json()["exact"]) == (count, True)


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = OSLO
    for _ in range(depth):
        found = {"not": found}
    return found


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        ({}, "use one of"),
        ({"what": "shoe", "op": "is"}, "filter.what"),
        ({"what": "tag", "op": "is"}, "has, has_not"),
        ({"all": []}, "at least one"),
        ({"all": [OSLO], "any": [OSLO]}, "stands alone"),
        (nested(6), "flatten"),
        ({"all": [OSLO] * 51}, "use fewer"),
        ({"all": [{"any": [OSLO] * 30}] * 3}, "use fewer"),
        (OSLO | {"value": "x" * 300}, "1 to 254"),
        (OSLO | {"value": 7}, "text"),
        (OSLO | {"sql": "1=1"}, "unknown sql"),
    ],
)
async def test_a_bad_filter_is_a_problem_that_names_the_place_and_the_cure(
    client: httpx2.AsyncClient, given: dict[str, Any], cure: str
) -> None:
    answer = await client.post("/v1/segments", json={"name": "S", "filter": given})

    assert answer.status_code == 422, answer.text
    assert cure in answer.json()["detail"]
    assert (await client.get("/v1/segments")).json()["data"] == []


async def test_a_list_frozen_from_a_segment_does_not_follow_it(client: httpx2.AsyncClient) -> None:
    made = await client.post("/v1/segments", json={"name": "Oslo", "filter": OSLO})
    path = f"/v1/segments/{made.json()['segment_id']}"
    key = {"Idempotency-Key": "freeze-1"}

    first = await client.post(f"{path}/freeze", headers=key)
    await client.post("/v1/leads", json={"address": "late@x.org", "fields": {"city": "Oslo"}})
    again = await client.post(f"{path}/freeze", headers=key)
    members = await client.get(f"{path}/leads", params={"limit": 3})

    assert (first.status_code, first.json()["members"]) == (201, 4)
    assert (again.json()["list_id"], again.json()["members"]) == (first.json()["list_id"], 4)
    assert first.json()["segment_id"] == made.json()["segment_id"]
    assert len(members.json()["data"]) == 3
    rest = {"limit": 3, "cursor": members.json()["next_cursor"]}
    assert len((await client.get(f"{path}/leads", params=rest)).json()["data"]) == 2
    assert (await client.get(f"{path}/preview")).json()["leads"] == 5


async def test_a_segment_is_changed_by_who_saw_its_newest_version(
    client: httpx2.AsyncClient,
) -> None:
    made = await client.post("/v1/segments", json={"name": "Oslo", "filter": OSLO})
    path, tag = f"/v1/segments/{made.json()['segment_id']}", made.headers["etag"]
    rome = {"filter": OSLO | {"value": "Rome"}}

    changed = await client.patch(path, json=rome, headers={"If-Match": tag})
    stale = await client.patch(path, json=rome, headers={"If-Match": tag})
    archived = await client.post(f"{path}/archive")
    late = await client.post(f"{path}/freeze")

    assert (changed.json()["version"], changed.json()["filter"]["value"]) == (2, "Rome")
    assert stale.status_code == 412
    assert archived.json()["archived_at"]
    assert late.json()["code"] == "wrong_state"
