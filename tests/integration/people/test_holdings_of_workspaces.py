"""Templates, domains, senders and mailboxes of a workspace: seen and moved by its people alone."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.decided_kit import done, follow, refused
from tests.house_kit import House

pytestmark = pytest.mark.stack
SAID = {"subject": "Hi", "html": "<p>Hello</p>"}


async def belongings(house: House, token: str, workspace_id: str, name: str) -> dict[str, Any]:
    """One of each in a workspace: where it is asked about."""
    own = {"workspace_id": workspace_id}

    async def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await done(house.post(path, token, body), 201)

    template = await made("/v1/templates", own | {"name": name, "draft": SAID})
    domain = await made("/v1/domains", own | {"domain": f"{name}.example"})
    mailbox = await made("/v1/mailboxes", own | {"address": f"ann@{name}.example"})
    sender = await made("/v1/senders", {"address": f"news@{name}.example"})
    return {
        "/v1/templates": f"/v1/templates/{template['template_id']}",
        "/v1/domains": f"/v1/domains/{domain['domain_id']}",
        "/v1/mailboxes": f"/v1/mailboxes/{mailbox['mailbox_id']}",
        "sender_id": sender["sender_id"],
    }


async def test_i11_who_is_bound_to_a_workspace_has_what_lies_in_it_alone(
    house: House, dsn: str
) -> None:
    owner, one, two = house.person("ten_a"), house.workspace("ten_a"), house.workspace("ten_a", "2")
    admin = house.person("ten_a", "admin", (one,))
    mine = await belongings(house, admin.token, one, "one")
    other = await belongings(house, owner.token, two, "two")
    await follow(dsn, "holdings")
    for path in ("/v1/templates", "/v1/domains", "/v1/mailboxes"):
        listed = (await done(house.get(path, admin.token)))["data"]
        assert [row["workspace_id"] for row in listed] == [one]
        await done(house.get(mine[path], admin.token))
        await refused(house.get(other[path], admin.token), 404)
        await refused(house.call("DELETE", other[path], admin.token), 405 if "tem" in path else 404)
        assert len((await done(house.get(path, owner.token)))["data"]) == 2
    senders = (await done(house.get("/v1/senders", admin.token)))["data"]
    test = {"sender_id": other["sender_id"], "to": ["a@other.example"]}

    assert [row["sender_id"] for row in senders] == [mine["sender_id"]]
    for asked in (
        house.post(f"{other['/v1/templates']}/publish", admin.token),
        house.post(f"{other['/v1/templates']}/duplicate", admin.token, {"name": "Mine"}),
        house.post(f"{mine['/v1/templates']}/test", admin.token, test),
        house.post(f"{other['/v1/domains']}/check", admin.token),
        house.post(f"{other['/v1/mailboxes']}/pause", admin.token, {"reason": "r"}),
        house.post("/v1/senders", admin.token, {"address": "me@two.example"}),
        house.post("/v1/templates", admin.token, {"name": "x", "workspace_id": two}),
        house.post("/v1/templates", admin.token, {"name": "x"}),
    ):
        await refused(asked, 404)
    await refused(
        house.post("/v1/domains", admin.token, {"domain": "two.example", "workspace_id": one}), 409
    )


async def test_a_preview_shows_leads_of_ones_own_workspaces_alone(house: House, dsn: str) -> None:
    one = house.workspace("ten_a")
    owner, member = house.person("ten_a"), house.person("ten_a", "member", (one,))
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "INSERT INTO vault.contact (tenant_id, contact_id, address, address_key, domain)"
            " VALUES ('ten_a', 'lea_1', 'ann@example.com', 'ann@example.com', 'example.com')"
        )
    body = {"name": "x", "workspace_id": one, "draft": SAID}
    made = await done(house.post("/v1/templates", member.token, body), 201)
    path = f"/v1/templates/{made['template_id']}/preview"

    await done(house.post(path, owner.token, {"contact_id": "lea_1"}))
    await refused(house.post(path, member.token, {"contact_id": "lea_1"}), 404)


async def test_who_may_not_read_leads_previews_with_given_fields_alone(house: House) -> None:
    owner = house.person("ten_a")
    reader = house.key("ten_a", scopes=("templates:read",))
    made = await done(house.post("/v1/templates", owner.token, {"name": "x", "draft": SAID}), 201)
    path = f"/v1/templates/{made['template_id']}/preview"

    await done(house.post(path, reader.text, {"fields": {"first_name": "Ann"}}))
    await refused(house.post(path, reader.text, {"contact_id": "lea_1"}), 403)
    await refused(house.post("/v1/templates", reader.text, {"name": "x"}), 403)


async def test_only_the_platforms_own_people_name_an_address_or_a_relay(house: House) -> None:
    """Either reaches into the network that all tenants share."""
    owner = house.person("ten_a")
    relay = {"route": "relay", "relay_host": "127.0.0.1", "relay_port": 25}
    for body in ({"address": "203.0.113.7"}, relay):
        await refused(house.post("/v1/sending-ips", owner.token, body), 403)
    await done(house.post("/v1/sending-ips", owner.token, {}), 201)
