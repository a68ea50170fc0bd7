"""Leads over HTTP: created, found, changed, tagged, deleted; each tenant's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.api_kit import api_of
from tests.vault_kit import change, rows

pytestmark = pytest.mark.stack


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with api_of(dsn) as found:
        yield found


async def create(client: httpx2.AsyncClient, address: str, **more: Any) -> dict[str, Any]:
    answer = await client.post("/v1/leads", json={"address": address} | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def addresses(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    answer = await client.get("/v1/leads", params=query)
    assert answer.status_code == 200, answer.text
    return [lead["address"] for lead in answer.json()["data"]]


async def test_a_lead_is_created_with_fields_tags_and_list_and_told_without_its_address(
    client: httpx2.AsyncClient, dsn: str
) -> None:
    made = await client.post("/v1/lists", json={"name": "Friends"})
    list_id = made.json()["list_id"]

    lead = await create(
        client,
        "Ada@Example.com",
        fields={"firstName": "Ada", "City": "Oslo"},
        tags=["VIP", "vip "],
        list_id=list_id,
    )

    assert (lead["address"], lead["fields"]) == (
        "Ada@example.com",
        {"first_name": "Ada", "city": "Oslo"},
    )
    assert (lead["tags"], lead["list_ids"], lead["version"]) == (["vip"], [list_id], 1)
    assert (await client.get(f"/v1/lists/{list_id}")).json()["members"] == 1
    log = rows(dsn, "SELECT convert_from(state, 'UTF8') FROM es.decision_events")
    assert any(lead["lead_id"] in text for (text,) in log)
    assert not [text for (text,) in log if "xample.com" in text or "Oslo" in text]


async def test_creating_again_under_the_same_key_is_once_and_without_is_taken(
    client: httpx2.AsyncClient,
) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await client.post("/v1/leads", json={"address": "a@x.org"}, headers=key)
    again = await client.post("/v1/leads", json={"address": "a@x.org"}, headers=key)
    other = await client.post("/v1/leads", json={"address": "A@x.org"})

    assert first.json()["lead_id"] == again.json()["lead_id"]
    assert (other.status_code, other.json()["code"]) == (409, "taken")


async def test_a_change_needs_the_version_that_was_read(client: httpx2.AsyncClient) -> None:
    lead = await create(client, "a@x.org", fields={"city": "Oslo", "team": "b"}, tags=["one"])
    path = f"/v1/leads/{lead['lead_id']}"
    tag = (await client.get(path)).headers["etag"]

    body = {"fields": {"city": "Rome", "team": None}, "add_tags": ["two"]}
    changed = await client.patch(path, json=body, headers={"If-Match": tag})
    stale = await client.patch(path, json=body, headers={"If-Match": tag})
    without = await client.patch(path, json=body)

    assert changed.json()["fields"] == {"city": "Rome"}
    assert (changed.json()["tags"], changed.json()["version"]) == (["one", "two"], 2)
    assert (stale.status_code, without.status_code) == (412, 428)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"address": "ADA@oslo.example"}, ["ada@oslo.example"]),
        ({"address_prefix": "ad", "sort": "address"}, ["ada@oslo.example", "adb@rome.example"]),
        ({"domain": "rome.example"}, ["adb@rome.example"]),
        ({"field": "city:Oslo"}, ["ada@oslo.example"]),
        ({"tag": "VIP"}, ["adb@rome.example"]),
        ({"suppressed": "true"}, ["cy@oslo.example"]),
        ({"suppressed": "false", "sort": "-address"}, ["adb@rome.example", "ada@oslo.example"]),
        ({"created_after": "2100-01-01T00:00:00Z"}, []),
        ({"created_before": "2100-01-01T00:00:00Z", "domain": "oslo.example", "sort": "address"},
         ["ada@oslo.example", "cy@oslo.example"]),
    ],
)  # fmt: skip
async def test_leads_are_found_by_what_is_known_of_them(
    client: httpx2.AsyncClient, dsn: str, query: dict[str, str], expected: list[str]
) -> None:
    await create(client, "ada@oslo.example", fields={"city": "Oslo"})
    await create(client, "adb@rome.example", tags=["vip"])
    third = await create(client, "cy@oslo.example")
    with_id = (third["lead_id"],)
    rows_before = rows(dsn, "SELECT 1 FROM vault.contact WHERE contact_id = %s", with_id)
    assert rows_before
    change(
        dsn,
        "INSERT INTO vault.suppression (tenant_id, contact_id, reason, since)"
        " SELECT tenant_id, contact_id, 'manual', now() FROM vault.contact"
        " WHERE address = 'cy@oslo.example'",
    )

    assert await addresses(client, **query) == expected


@pytest.mark.parametrize("sort", ["created", "-created", "address", "-address"])
async def test_pages_hold_every_lead_once_in_every_order(
    client: httpx2.AsyncClient, sort: str
) -> None:
    items = [{"op": "create", "address": f"p{n:02}@x.org"} for n in range(7)]
    assert (await client.post("/v1/leads/bulk", json={"items": items})).status_code == 200

    seen: list[str] = []
    query: dict[str, Any] = {"sort": sort, "limit": 3}
    while True:
        page = (await client.get("/v1/leads", params=query)).json()
        seen += [lead["address"] for lead in page["data"]]
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]

    assert len(seen) == 7
    assert len(set(seen)) == 7
    if sort.endswith("address"):
        assert seen == sorted(seen, reverse=sort.startswith("-"))


async def test_bulk_items_succeed_and_fail_alone(client: httpx2.AsyncClient) -> None:
    known = await create(client, "known@x.org", tags=["a"])
    gone = await create(client, "gone@x.org")
    items = [
        {"op": "create", "address": "new@x.org"},
        {"op": "create", "address": "known@x.org"},
        {"op": "create", "address": "not an address"},
        {"op": "update", "lead_id": known["lead_id"], "add_tags": ["b"], "remove_tags": ["a"]},
        {"op": "update", "lead_id": "lea_nobody", "fields": {"a": "b"}},
        {"op": "update", "lead_id": gone["lead_id"], "version": 9, "fields": {"a": "b"}},
        {"op": "delete", "lead_id": known["lead_id"]},
        {"op": "update", "lead_id": known["lead_id"], "fields": {"a\x01": "x\x02"}},
    ]

    answer = await client.post("/v1/leads/bulk", json={"items": items})

    found = answer.json()
    assert answer.status_code == 200, answer.text
    assert [one["status"] for one in found["results"]] == [201, 409, 422, 200, 404, 412, 422, 422]
    assert found["done"] == 2
    assert "cure" not in found["results"][2]["problem"]
    lead = (await client.get(f"/v1/leads/{known['lead_id']}")).json()
    assert (lead["tags"], lead["version"]) == (["b"], 2)


async def test_a_deleted_lead_is_in_no_list_and_no_answer(client: httpx2.AsyncClient) -> None:
    list_id = (await client.post("/v1/lists", json={"name": "L"})).json()["list_id"]
    lead = await create(client, "a@x.org", list_id=list_id, tags=["t"])
    path = f"/v1/leads/{lead['lead_id']}"

    assert (await client.delete(path)).status_code == 200

    assert (await client.get(path)).status_code == 404
    assert (await client.delete(path)).status_code == 404
    assert (await client.get(f"/v1/lists/{list_id}")).json()["members"] == 0
    assert await addresses(client) == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"sort": "city"}, 422),
        ({"limit": "0"}, 422),
        ({"cursor": "AAAA"}, 400),
        ({"created_after": "yesterday"}, 422),
        ({"field": "no colon"}, 422),
        ({"unknown": "x"}, 422),
        ({"address": "a\x00b"}, 422),
    ],
)
async def test_a_bad_question_is_a_problem_that_names_the_field(
    client: httpx2.AsyncClient, query: dict[str, str], status: int
) -> None:
    answer = await client.get("/v1/leads", params=query)

    assert answer.status_code == status, answer.text
    assert answer.json()["code"]


async def test_i11_nobody_sees_or_touches_another_tenants_leads_lists_and_segments(
    dsn: str, client: httpx2.AsyncClient
) -> None:
    list_id = (await client.post("/v1/lists", json={"name": "L"})).json()["list_id"]
    lead = await create(client, "a@x.org", list_id=list_id)
    condition = {"what": "domain", "op": "equals", "value": "x.org"}
    made = await client.post("/v1/segments", json={"name": "S", "filter": condition})
    segment_id, lead_id = made.json()["segment_id"], lead["lead_id"]
    one = {"lead_ids": [lead_id]}
    any_match = {"If-Match": "*"}
    requests: list[tuple[str, str, Any]] = [
        ("GET", f"/v1/leads/{lead_id}", None),
        ("PATCH", f"/v1/leads/{lead_id}", {"fields": {"a": "b"}}),
        ("DELETE", f"/v1/leads/{lead_id}", None),
        ("GET", f"/v1/lists/{list_id}", None),
        ("PATCH", f"/v1/lists/{list_id}", {"name": "mine"}),
        ("POST", f"/v1/lists/{list_id}/archive", None),
        ("POST", f"/v1/lists/{list_id}/leads", one),
        ("POST", f"/v1/lists/{list_id}/leads/remove", one),
        ("POST", "/v1/leads", {"address": "b@x.org", "list_id": list_id}),
        ("GET", f"/v1/segments/{segment_id}", None),
        ("GET", f"/v1/segments/{segment_id}/preview", None),
        ("GET", f"/v1/segments/{segment_id}/leads", None),
        ("PATCH", f"/v1/segments/{segment_id}", {"name": "mine"}),
        ("POST", f"/v1/segments/{segment_id}/archive", None),
        ("POST", f"/v1/segments/{segment_id}/freeze", None),
    ]

    async with api_of(dsn, "ten_b") as other:
        for method, path, body in requests:
            answer = await other.request(method, path, json=body, headers=any_match)
            assert answer.status_code == 404, (method, path, answer.text)
        assert await addresses(other) == []
        tried = await other.post("/v1/segments/preview", json={"filter": condition})
        assert tried.json()["leads"] == 0
        mine = (await other.post("/v1/lists", json={"name": "B"})).json()["list_id"]
        assert (await other.post(f"/v1/lists/{mine}/leads", json=one)).status_code == 404
    assert (await client.get(f"/v1/leads/{lead_id}")).json()["version"] == 1


async def test_lists_are_renamed_filled_emptied_and_archived(client: httpx2.AsyncClient) -> None:
    lead = await create(client, "a@x.org")
    path = "/v1/lists/" + (await client.post("/v1/lists", json={"name": "L"})).json()["list_id"]
    one = {"lead_ids": [lead["lead_id"]]}

    renamed = await client.patch(path, json={"name": "New name"})
    added = await client.post(f"{path}/leads", json=one)
    again = await client.post(f"{path}/leads", json=one)
    in_list = await addresses(client, list_id=path.rpartition("/")[2])
    removed = await client.post(f"{path}/leads/remove", json=one)
    archived = await client.post(f"{path}/archive")
    late = await client.post(f"{path}/leads", json=one)

    assert renamed.json()["name"] == "New name"
    assert (added.json()["members"], added.json()["lead_ids"]) == (1, [lead["lead_id"]])
    assert (again.json()["members"], again.json()["lead_ids"]) == (1, [])
    assert in_list == ["a@x.org"]
    assert removed.json()["members"] == 0
    assert archived.json()["archived_at"]
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")
    assert (await client.get("/v1/lists", params={"archived": "false"})).json()["data"] == []
