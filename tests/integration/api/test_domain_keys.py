"""A domain's DKIM keys follow one another: made, published, switched to, destroyed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest

from api.commands import domain_care, domain_keys
from api.commands.domains import Dns
from api.desk import Desk
from api.main import create_app
from tests.api_kit import Zone, client_of, ports_of
from tests.decided_kit import done, follow, refused

pytestmark = pytest.mark.stack

DOMAINS = "/v1/domains"


@dataclass
class Domain:
    """A verified domain over HTTP, its DNS, and the tenant's desk."""

    dsn: str
    client: httpx2.AsyncClient
    zone: Zone
    desk: Desk
    domain_id: str

    @property
    def path(self) -> str:
        return f"{DOMAINS}/{self.domain_id}"

    def publish(self, record: dict[str, Any]) -> None:
        self.zone.values[record["type"], record["name"]] = [record["value"].split("10 ")[-1]]

    async def rotate(self) -> dict[str, Any]:
        """A second key, published and switched to."""
        made = await done(self.client.post(f"{self.path}/dkim-keys", json={}), 201)
        self.publish(made["record"])
        return await done(self.client.post(f"{self.path}/dkim-keys/{made['selector']}/activate"))

    def kept(self) -> dict[str, str]:
        """By selector, the state of the keys whose private half is there."""
        with psycopg.connect(self.dsn) as conn:
            return dict(conn.execute("SELECT selector, state FROM vault.signing_key").fetchall())

    def change(self, statement: LiteralString) -> None:
        with psycopg.connect(self.dsn) as conn:
            conn.execute(statement)


@pytest.fixture
async def domain(dsn: str) -> Any:
    zone = Zone()
    async with (
        ports_of(dsn, zone=zone) as ports,
        client_of(create_app(ports), tenant="ten_a") as client,
    ):
        added = await done(client.post(DOMAINS, json={"domain": "example.com"}), 201)
        found = Domain(dsn, client, zone, ports.desks.at("ten_a", "test"), added["domain_id"])
        for record in added["records"]:
            found.publish(record)
        await done(client.post(f"{found.path}/check"))
        yield found


async def test_a_second_key_signs_only_once_it_is_seen_in_dns_and_activated(
    domain: Domain,
) -> None:
    made = await done(domain.client.post(f"{domain.path}/dkim-keys", json={}), 201)
    idle = domain.kept()
    too_early = f"{domain.path}/dkim-keys/pm2/activate"
    await refused(domain.client.post(too_early), 409, "pm2 is not published")
    still_idle = domain.kept()
    checked = await done(domain.client.post(f"{domain.path}/check"))
    domain.publish(made["record"])
    activated = await done(domain.client.post(too_early))
    await follow(domain.dsn, "holdings")
    found = await done(domain.client.get(domain.path))

    assert (made["selector"], made["state"], made["record"]["needed"]) == ("pm2", "pending", False)
    assert idle == still_idle == {"pm1": "active", "pme": "active", "pm2": "pending"}
    assert checked["state"] == "verified"  # the next key's record is shown, and not needed yet
    assert [row["name"] for row in checked["records"] if row["state"] == "missing"] == [
        "pm2._domainkey.example.com"
    ]
    assert activated["state"] == "active"
    assert domain.kept() == {"pm1": "retiring", "pme": "active", "pm2": "active"}
    keys = {key["selector"]: key for key in found["keys"]}
    assert {name: key["state"] for name, key in keys.items()} == domain.kept()
    assert keys["pm1"]["retires_at"] > keys["pm2"]["activated_at"]
    assert "leave it until it is retired" in found["records"][1]["purpose"]
    assert {record["state"] for record in found["records"]} == {"verified"}


async def test_the_key_before_is_destroyed_when_its_grace_is_over(domain: Domain) -> None:
    await domain.rotate()
    early = domain_keys.retire_due(domain.desk, domain.domain_id)
    domain.change("UPDATE vault.signing_key SET retire_at = now() WHERE selector = 'pm1'")
    dns = Dns(lambda: domain.zone, "bounces.test")
    became = await asyncio.to_thread(domain_care.tend, domain.desk, domain.domain_id, dns)
    await follow(domain.dsn, "holdings")
    found = await done(domain.client.get(domain.path))

    assert early == []
    assert became == "verified"
    assert domain.kept() == {"pme": "active", "pm2": "active"}
    assert {key["selector"]: key["state"] for key in found["keys"]}["pm1"] == "retired"
    assert "pm1._domainkey.example.com" not in [row["name"] for row in found["records"]]


async def test_a_selector_is_never_used_twice(domain: Domain) -> None:
    """Mail that the old key signed must not be judged by a new key."""
    await domain.rotate()
    await done(domain.client.delete(f"{domain.path}/dkim-keys/pm1"))
    second = await domain.rotate()
    again = await done(domain.client.post(DOMAINS, json={"domain": "example.com"}), 201)

    assert second["selector"] == "pm3"
    assert domain.kept() == {"pme": "active", "pm2": "retiring", "pm3": "active"}
    assert len(again["records"]) == 6  # both of rsa, and no first one made anew


async def test_one_may_go_back_to_the_key_before_within_its_grace(domain: Domain) -> None:
    await domain.rotate()
    await done(domain.client.post(f"{domain.path}/dkim-keys/pm1/activate"))

    assert domain.kept() == {"pm1": "active", "pme": "active", "pm2": "retiring"}


async def test_no_third_key_and_no_domain_without_a_key_that_signs(domain: Domain) -> None:
    await done(domain.client.post(f"{domain.path}/dkim-keys", json={"algorithm": "ed25519"}), 201)
    body = {"algorithm": "ed25519"}
    await refused(
        domain.client.post(f"{domain.path}/dkim-keys", json=body), 409, "pme2 (pending)", "activate"
    )
    await refused(domain.client.delete(f"{domain.path}/dkim-keys/pme"), 409, "another first")
    await refused(domain.client.delete(f"{domain.path}/dkim-keys/pm9"), 404)
    await done(domain.client.delete(f"{domain.path}/dkim-keys/pme2"))
    await refused(domain.client.post(f"{domain.path}/dkim-keys/pme2/activate"), 409, "retired")
    await refused(
        domain.client.post(f"{domain.path}/dkim-keys", json={"algorithm": "md5"}), 422, "algorithm"
    )

    assert domain.kept() == {"pm1": "active", "pme": "active"}


async def test_a_switch_that_broke_off_after_its_decision_is_brought_to_an_end(
    domain: Domain,
) -> None:
    await domain.rotate()
    domain.change("UPDATE vault.signing_key SET state = 'pending' WHERE selector = 'pm2'")
    domain.change("UPDATE vault.signing_key SET state = 'active' WHERE selector = 'pm1'")

    domain_keys.retire_due(domain.desk, domain.domain_id)

    assert domain.kept() == {"pm1": "retiring", "pme": "active", "pm2": "active"}


async def test_another_tenants_keys_are_not_there(domain: Domain) -> None:
    """I11."""
    other = {"x-tenant": "ten_b"}
    path = f"{domain.path}/dkim-keys"
    await refused(domain.client.post(path, json={}, headers=other), 404)
    await refused(domain.client.post(f"{path}/pm1/activate", headers=other), 404)
    await refused(domain.client.delete(f"{path}/pm1", headers=other), 404)
