"""Sending domains over HTTP: claimed, published, checked, taken away."""

from __future__ import annotations

import psycopg
import pytest

from tests.api_kit import Zone, api_of
from tests.decided_kit import done, follow, refused

pytestmark = pytest.mark.stack

DOMAINS = "/v1/domains"


def published(zone: Zone, records: list[dict[str, str]]) -> None:
    """Publish records as their owner would."""
    for record in records:
        value = record["value"].split()[-1] if record["type"] == "MX" else record["value"]
        zone.values[record["type"], record["name"]] = [value]


async def test_a_domain_says_what_to_publish_and_is_verified_once_that_is_seen(dsn: str) -> None:
    """Each record with type, name, value, a line to copy, and what is wrong in plain words."""
    zone = Zone()
    async with api_of(dsn, zone=zone) as client:
        added = await done(client.post(DOMAINS, json={"domain": "Example.COM."}), 201)
        path = f"{DOMAINS}/{added['domain_id']}"
        names = [record["name"] for record in added["records"]]
        early = await done(client.post(f"{path}/check"))
        published(zone, added["records"])
        zone.values["TXT", "pm1._domainkey.example.com"] = ["v=DKIM1; k=rsa; p=other"]
        wrong = await done(client.post(f"{path}/check"))
        published(zone, added["records"])
        checked = await done(client.post(f"{path}/check"))
        await follow(dsn, "holdings")
        found = await done(client.get(path))
        listed = await done(client.get(DOMAINS, params={"state": "verified"}))

    assert added["state"] == "pending"
    assert names == [
        "_pm.example.com", "pm1._domainkey.example.com", "pme._domainkey.example.com",
        "bounce.example.com", "_dmarc.example.com",
    ]  # fmt: skip
    assert {record["state"] for record in early["records"]} == {"missing"}
    assert "there is no TXT record at _pm.example.com yet" in early["records"][0]["error"]
    assert [record["state"] for record in wrong["records"]].count("differs") == 1
    assert wrong["records"][1]["found"] == ["v=DKIM1; k=rsa; p=other"]
    assert (wrong["state"], checked["state"], found["state"]) == ("failed", "verified", "verified")
    assert checked["position"] > wrong["position"] > added["position"]
    assert {record["error"] for record in found["records"]} == {""}
    assert found["records"][0]["line"].startswith('_pm.example.com. 3600 IN TXT "pm-verification=')
    assert [row["domain_id"] for row in listed["data"]] == [added["domain_id"]]


async def test_a_silent_dns_changes_nothing(dsn: str) -> None:
    zone = Zone()
    async with api_of(dsn, zone=zone) as client:
        added = await done(client.post(DOMAINS, json={"domain": "example.com"}), 201)
        path = f"{DOMAINS}/{added['domain_id']}"
        published(zone, added["records"])
        await done(client.post(f"{path}/check"))
        zone.silent = True
        await refused(client.post(f"{path}/check"), 503, "dns_silent")
        await follow(dsn, "holdings")
        found = await done(client.get(path))

    assert found["state"] == "verified"


async def test_a_domain_is_one_tenants_until_the_end(dsn: str) -> None:
    """Removed, it is seen no more; its own tenant may add it again, with the keys of before."""
    async with api_of(dsn) as client:
        added = await done(client.post(DOMAINS, json={"domain": "example.com"}), 201)
        path = f"{DOMAINS}/{added['domain_id']}"
        other = {"x-tenant": "ten_b"}
        await refused(
            client.post(DOMAINS, json={"domain": "example.com"}, headers=other), 409, "taken"
        )
        await follow(dsn, "holdings")
        for asked in (
            client.get(path, headers=other),
            client.post(f"{path}/check", headers=other),
            client.delete(path, headers=other),
            client.put(f"{path}/ips/ip_1", headers=other),
        ):
            await refused(asked, 404)
        await done(client.delete(path, params={"reason": "moved away"}))
        await follow(dsn, "holdings")
        await refused(client.get(path), 404)
        await refused(client.post(f"{path}/check"), 404)
        again = await done(client.post(DOMAINS, json={"domain": "example.com"}), 201)

    assert again["records"] == added["records"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"domain": "no domain"}, "domain"),
        ({"domain": "localhost"}, "domain"),
        ({"domain": "x" * 300 + ".com"}, "domain"),
        ({"domain": "example.com", "colour": "red"}, "colour"),
        ({}, "domain"),
    ],
)
async def test_what_is_no_domain_is_refused(dsn: str, body: dict[str, str], word: str) -> None:
    async with api_of(dsn) as client:
        await refused(client.post(DOMAINS, json=body), 422, word)


async def test_no_private_key_leaves_and_none_lies_open(dsn: str) -> None:
    async with api_of(dsn) as client:
        added = await done(client.post(DOMAINS, json={"domain": "example.com"}), 201)
        await follow(dsn, "holdings")
        answer = await client.get(f"{DOMAINS}/{added['domain_id']}")
    with psycopg.connect(dsn) as conn:
        kept = [row[0] for row in conn.execute("SELECT private_key FROM vault.signing_key")]

    assert "private" not in answer.text
    assert len(kept) == 2
    assert all(key.startswith(b"\x00pm1") for key in kept)


async def test_an_ip_is_assigned_only_if_it_is_the_tenants(dsn: str) -> None:
    async with api_of(dsn) as client:
        added = await done(client.post(DOMAINS, json={"domain": "example.com"}), 201)
        await refused(client.put(f"{DOMAINS}/{added['domain_id']}/ips/ip_none"), 404)


async def test_domains_are_listed_by_name_page_by_page(dsn: str) -> None:
    names = ["a.example", "b.example", "c.example"]
    seen: list[str] = []
    async with api_of(dsn) as client:
        for name in reversed(names):
            await done(client.post(DOMAINS, json={"domain": name}), 201)
        await follow(dsn, "holdings")
        cursor: str | None = ""
        while cursor is not None:
            page = await done(client.get(DOMAINS, params={"limit": 2, "cursor": cursor}))
            seen += [row["domain"] for row in page["data"]]
            cursor = page["next_cursor"]

    assert seen == names
