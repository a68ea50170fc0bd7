"""Senders, sending IPs, VPS and mailboxes over HTTP."""

from __future__ import annotations

from typing import Any

import httpx2
import psycopg
import pytest

from api.positions import part_of
from tests.api_kit import SEALS, Zone, api_of
from tests.decided_kit import done, follow, refused

pytestmark = pytest.mark.stack

OTHER = {"x-tenant": "ten_b"}
#: As if the read model had applied the tenant's decisions up to here, and none after.
CURSOR = """
INSERT INTO app.cursor (reader, topic, part, next_offset, last_pos, log_id)
VALUES ('holdings_v1', 'pm.decisions', %(part)s, 1, %(pos)s, 'log')
"""
IPS, SERVERS, MAILBOXES, SENDERS = "/v1/sending-ips", "/v1/vps", "/v1/mailboxes", "/v1/senders"


async def with_domain(client: httpx2.AsyncClient, name: str = "example.com") -> str:
    """The id of a domain that was added."""
    return str((await done(client.post("/v1/domains", json={"domain": name}), 201))["domain_id"])


# ---- senders


async def test_a_sender_may_send_once_its_domain_is_verified(dsn: str) -> None:
    zone = Zone()
    body = {"address": "News@Example.com", "name": "Example News"}
    async with api_of(dsn, zone=zone) as client:
        early = await done(client.post(SENDERS, json=body), 201)
        added = await done(client.post("/v1/domains", json={"domain": "example.com"}), 201)
        for record in added["records"]:
            value = record["value"].split()[-1] if record["type"] == "MX" else record["value"]
            zone.values[record["type"], record["name"]] = [value]
        await done(client.post(f"/v1/domains/{added['domain_id']}/check"))
        saved = await done(client.post(SENDERS, json=body), 201)
        await follow(dsn, "holdings")
        listed = await done(client.get(SENDERS))
        others = await done(client.get(SENDERS, headers=OTHER))

    assert (early["domain_verified"], saved["domain_verified"]) == (False, True)
    assert early["sender_id"] == saved["sender_id"]
    assert (saved["address"], saved["domain"]) == ("News@example.com", "example.com")
    assert [row["domain_verified"] for row in listed["data"]] == [True]
    assert others["data"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"address": "nobody"},
        {"address": "a@example.com\r\nBcc: b@example.com"},
        {"address": "a@example.com", "name": "A\r\nBcc: b@example.com"},
        {"address": "a@example.com", "name": "A\u2028B"},
        {"address": "a@example.com", "names": "A"},
    ],
)
async def test_what_is_no_sender_is_refused(dsn: str, body: dict[str, str]) -> None:
    async with api_of(dsn) as client:
        await refused(client.post(SENDERS, json=body), 422)
        await follow(dsn, "holdings")
        assert (await done(client.get(SENDERS)))["data"] == []


# ---- sending IPs and VPS


async def test_an_ip_belongs_to_a_vps_and_is_bound_by_caps_with_reasons(dsn: str) -> None:
    async with api_of(dsn) as client:
        vps = await done(client.post(SERVERS, json={"name": "Mail 1", "region": "fra"}), 201)
        where = f"{SERVERS}/{vps['vps_id']}"
        await done(client.put(f"{where}/state", json={"state": "active"}))
        body = {"address": "203.0.113.7", "vps_id": vps["vps_id"]}
        ip = (await done(client.post(IPS, json=body), 201))["ip"]
        domain_id = await with_domain(client)
        await done(client.put(f"/v1/domains/{domain_id}/ips/{ip}"))
        cap = {"cap_per_day": 500, "reason": "warm-up day 3"}
        await done(client.put(f"{IPS}/{ip}/caps/gmail", json=cap))
        rate = {"rate_per_s": 2.5, "burst": 5, "reason": "they asked for it"}
        await done(client.put(f"{IPS}/{ip}/rates/*", json=rate))
        await follow(dsn, "holdings", "sending_ips")
        listed = (await done(client.get(IPS)))["data"]
        server = await done(client.get(where))
        domain = await done(client.get(f"/v1/domains/{domain_id}"))
        await done(client.post(f"{IPS}/{ip}/retire", json={"reason": "burned"}))
        await refused(client.put(f"{IPS}/{ip}/caps/gmail", json=cap), 409, "retired")

    assert [(row["ip"], row["vps_id"], row["domain_ids"]) for row in listed] == [
        (ip, vps["vps_id"], [domain_id])
    ]
    rules = {rule["provider"]: rule for rule in listed[0]["rules"]}
    assert (rules["gmail"]["cap_per_day"], rules["gmail"]["cap_reason"]) == (500, "warm-up day 3")
    assert (rules["*"]["rate_per_s"], rules["*"]["burst"]) == (2.5, 5)
    assert (server["name"], server["state"], server["ips"]) == ("Mail 1", "active", [ip])
    assert [row["ip"] for row in domain["ips"]] == [ip]


async def test_a_local_address_is_one_tenants_alone(dsn: str) -> None:
    """Or one tenant could send from another's reputation."""
    async with api_of(dsn) as client:
        await done(client.post(IPS, json={"address": "203.0.113.7"}), 201)
        await refused(client.post(IPS, json={"address": "203.0.113.7"}, headers=OTHER), 409)
        await done(client.post(IPS, json={}, headers=OTHER), 201)


async def test_repeating_with_an_idempotency_key_makes_one_ip(dsn: str) -> None:
    async with api_of(dsn) as client:
        key = {"idempotency-key": "again-1"}
        first = await done(client.post(IPS, json={}, headers=key), 201)
        second = await done(client.post(IPS, json={}, headers=key), 201)

    assert first["ip"] == second["ip"]


async def test_a_vps_that_is_given_up_comes_back_no_more(dsn: str) -> None:
    async with api_of(dsn) as client:
        vps = await done(client.post(SERVERS, json={"name": "Mail 1"}), 201)
        state = f"{SERVERS}/{vps['vps_id']}/state"
        for wanted in ("active", "maintenance", "active", "decommissioned"):
            await done(client.put(state, json={"state": wanted, "reason": "as planned"}))
        await refused(client.put(state, json={"state": "active"}), 409, "decommissioned")
        await refused(client.post(IPS, json={"vps_id": vps["vps_id"]}), 409)
        await follow(dsn, "holdings")
        listed = await done(client.get(SERVERS, params={"state": "decommissioned"}))

    assert [row["vps_id"] for row in listed["data"]] == [vps["vps_id"]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (IPS, {"address": "nowhere"}),
        (IPS, {"route": "pigeon"}),
        (IPS, {"route": "relay"}),
        (IPS, {"relay_port": 70000}),
        (IPS, {"colour": "red"}),
        (SERVERS, {"name": ""}),
        (SERVERS, {"name": "a\nb"}),
        (SERVERS, {"name": "a", "region": "no region"}),
    ],
)
async def test_what_is_no_ip_or_vps_is_refused(dsn: str, path: str, body: dict[str, Any]) -> None:
    async with api_of(dsn) as client:
        await refused(client.post(path, json=body), 422)


@pytest.mark.parametrize(
    "body",
    [
        {"cap_per_day": -1, "reason": "r"},
        {"cap_per_day": 5},
        {"cap_per_day": 5, "reason": "ann@example.com asked"},
        {"cap_per_day": "many", "reason": "r"},
        {"reason": "r"},
    ],
)
async def test_a_cap_needs_a_number_and_a_reason_that_names_nobody(
    dsn: str, body: dict[str, Any]
) -> None:
    async with api_of(dsn) as client:
        ip = (await done(client.post(IPS, json={}), 201))["ip"]
        await refused(client.put(f"{IPS}/{ip}/caps/gmail", json=body), 422)


# ---- mailboxes


async def test_a_mailbox_is_limited_paused_and_resumed(dsn: str) -> None:
    async with api_of(dsn) as client:
        domain_id = await with_domain(client)
        made = await done(client.post(MAILBOXES, json={"address": "Ann@example.com"}), 201)
        path = f"{MAILBOXES}/{made['mailbox_id']}"
        changed = await done(client.patch(path, json={"daily_limit": 80, "warmup_wanted": True}))
        paused = await done(client.post(f"{path}/pause", json={"reason": "on leave"}))
        await follow(dsn, "holdings")
        found = await done(client.get(path))
        resumed = await done(client.post(f"{path}/resume"))

    assert (made["daily_limit"], made["state"]) == (50, "active")
    assert (changed["daily_limit"], changed["warmup_wanted"]) == (80, True)
    assert (paused["state"], resumed["state"]) == ("paused", "active")
    assert (found["address"], found["reason"]) == ("Ann@example.com", "on leave")
    assert (found["domain_id"], found["state"], found["daily_limit"]) == (domain_id, "paused", 80)


async def test_credentials_go_in_sealed_and_come_out_nowhere(dsn: str) -> None:
    secret = "correct horse battery"  # noqa: S105 - of this test alone
    credential = {
        "protocol": "smtp", "host": "mail.example.com", "port": 587, "username": "ann",
        "password": secret,
    }  # fmt: skip
    async with api_of(dsn) as client:
        await with_domain(client)
        made = await done(client.post(MAILBOXES, json={"address": "ann@example.com"}), 201)
        path = f"{MAILBOXES}/{made['mailbox_id']}"
        put = await client.put(f"{path}/credentials", json={"credentials": [credential]})
        wrong = await client.put(
            f"{path}/credentials", json={"credentials": [credential | {"port": 0}]}
        )
        await follow(dsn, "holdings")
        got = await client.get(path)
    with psycopg.connect(dsn) as conn:
        kept = conn.execute("SELECT secret FROM vault.mailbox_credential").fetchall()
        events = conn.execute("SELECT state FROM es.decision_events").fetchall()

    assert (put.status_code, wrong.status_code, got.json()["protocols"]) == (200, 422, ["smtp"])
    assert all(secret not in answer.text for answer in (put, wrong, got))
    assert "ann" not in put.text
    context = ("ten_a", "vault.mailbox_credential.secret", made["mailbox_id"], "smtp")
    assert SEALS.open(kept[0][0], *context) == secret.encode()
    assert secret.encode() not in kept[0][0]
    assert not any(b"ann" in bytes(state) or b"@" in bytes(state) for (state,) in events)


async def test_a_removed_mailbox_is_forgotten_by_the_vault(dsn: str) -> None:
    async with api_of(dsn) as client:
        await with_domain(client)
        made = await done(client.post(MAILBOXES, json={"address": "ann@example.com"}), 201)
        path = f"{MAILBOXES}/{made['mailbox_id']}"
        await done(client.delete(path))
        await refused(client.post(f"{path}/resume"), 404)
        await follow(dsn, "holdings")
        await refused(client.get(path), 404)
        with psycopg.connect(dsn) as conn:
            kept = conn.execute("SELECT count(*) FROM vault.mailbox").fetchone()
        again = await done(client.post(MAILBOXES, json={"address": "ann@example.com"}), 201)

    assert kept == (0,)
    assert again["mailbox_id"] == made["mailbox_id"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"address": "ann@elsewhere.example"}, "add it first"),
        ({"address": "ann"}, "address"),
        ({"address": "ann@example.com", "daily_limit": 100000}, "daily_limit"),
        ({"address": "ann@example.com", "password": "x"}, "password"),
    ],
)
async def test_what_is_no_mailbox_is_refused(dsn: str, body: dict[str, Any], word: str) -> None:
    async with api_of(dsn) as client:
        await with_domain(client)
        await refused(client.post(MAILBOXES, json=body), 422, word)


async def test_mailboxes_are_listed_newest_first_page_by_page(dsn: str) -> None:
    seen: list[str] = []
    async with api_of(dsn) as client:
        await with_domain(client)
        for name in ("a", "b", "c"):
            await done(client.post(MAILBOXES, json={"address": f"{name}@example.com"}), 201)
        await follow(dsn, "holdings")
        cursor: str | None = ""
        while cursor is not None:
            page = await done(client.get(MAILBOXES, params={"limit": 2, "cursor": cursor}))
            seen += [row["address"][0] for row in page["data"]]
            cursor = page["next_cursor"]

    assert seen == ["c", "b", "a"]


# ---- isolation


async def test_i11_nothing_of_another_tenant_is_found_or_moved(dsn: str) -> None:
    """Each operation on another tenant's id answers as on an unknown one."""
    async with api_of(dsn) as client:
        await with_domain(client)
        mailbox = await done(client.post(MAILBOXES, json={"address": "ann@example.com"}), 201)
        vps = await done(client.post(SERVERS, json={"name": "Mail 1"}), 201)
        ip = (await done(client.post(IPS, json={}), 201))["ip"]
        await follow(dsn, "holdings", "sending_ips")
        box, server = f"{MAILBOXES}/{mailbox['mailbox_id']}", f"{SERVERS}/{vps['vps_id']}"
        reason = {"reason": "r"}
        credential = {
            "protocol": "smtp", "host": "h", "port": 25, "username": "u", "password": "p",
        }  # fmt: skip
        asked: list[tuple[str, str, Any]] = [
            ("GET", box, None),
            ("PATCH", box, {"daily_limit": 1}),
            ("POST", f"{box}/pause", reason),
            ("POST", f"{box}/resume", None),
            ("PUT", f"{box}/credentials", {"credentials": [credential]}),
            ("DELETE", box, None),
            ("GET", server, None),
            ("PUT", f"{server}/state", {"state": "active"}),
            ("PUT", f"{server}/ips/{ip}", None),
            ("PUT", f"{IPS}/{ip}/caps/gmail", {"cap_per_day": 1, "reason": "r"}),
            ("PUT", f"{IPS}/{ip}/rates/gmail", {"rate_per_s": 1, "burst": 1, "reason": "r"}),
            ("POST", f"{IPS}/{ip}/retire", reason),
        ]
        for method, path, body in asked:
            await refused(client.request(method, path, json=body, headers=OTHER), 404)
        for path in (IPS, SERVERS, MAILBOXES, SENDERS):
            assert (await done(client.get(path, headers=OTHER)))["data"] == []
        await follow(dsn, "holdings")
        still = await done(client.get(box))

    assert (still["state"], still["daily_limit"], still["protocols"]) == ("active", 50, [])


# ---- edits that undo nobody's work


async def test_an_edit_on_what_was_changed_since_is_refused(dsn: str) -> None:
    """Domains, sending IPs, mailboxes and VPS: 412, and nothing is changed."""
    async with api_of(dsn) as client:
        domain_id = await with_domain(client)
        ip = (await done(client.post(IPS, json={}), 201))["ip"]
        box = {"address": "ann@example.com"}
        mailbox_id = (await done(client.post(MAILBOXES, json=box), 201))["mailbox_id"]
        vps_id = (await done(client.post(SERVERS, json={"name": "one"}), 201))["vps_id"]
        await follow(dsn, "holdings", "sending_ips")
        places = {
            f"/v1/domains/{domain_id}": ("PUT", f"/ips/{ip}", {}, {}),
            f"{IPS}/{ip}": (
                "PUT", "/caps/*",
                {"cap_per_day": 5, "reason": "slow"}, {"cap_per_day": 6, "reason": "slow"},
            ),
            f"{MAILBOXES}/{mailbox_id}": ("PATCH", "", {"daily_limit": 7}, {"daily_limit": 8}),
            f"{SERVERS}/{vps_id}": (
                "PUT", "/state", {"state": "active"}, {"state": "maintenance", "reason": "disk"},
            ),
        }  # fmt: skip
        found, last = {}, {}
        for path, (method, where, one, other) in places.items():
            old = {"if-match": (await client.get(path)).headers["etag"]}
            first = await client.request(method, path + where, json=one or None, headers=old)
            again = await client.request(method, path + where, json=one or None, headers=old)
            back = method if other else "DELETE"
            late = await client.request(back, path + where, json=other or None, headers=old)
            fresh = {"if-match": first.headers["etag"]}
            good = await client.request(back, path + where, json=other or None, headers=fresh)
            told = (first.status_code, again.status_code, late.status_code, good.status_code)
            found[path] = (*told, late.json().get("code"))
            last[path] = good.headers["etag"]
        await follow(dsn, "holdings", "sending_ips")
        shown = {path: (await client.get(path)).headers["etag"] for path in places}

    assert set(found.values()) == {(200, 200, 412, 200, "precondition_failed")}, found
    assert shown == last


async def test_an_etag_is_of_what_the_answer_shows_not_of_what_was_decided_since(dsn: str) -> None:
    """An edit that stands on an answer from before undoes nothing that it did not show."""
    async with api_of(dsn) as client:
        made = await done(client.post(SERVERS, json={"name": "one"}), 201)
        await follow(dsn, "holdings")
        with psycopg.connect(dsn) as conn:
            values = {"part": part_of("ten_a"), "pos": made["position"]}
            conn.execute(CURSOR, values)
        path = f"{SERVERS}/{made['vps_id']}"
        await done(client.put(f"{path}/state", json={"state": "active"}))
        behind = await client.get(path)
        headers = {"if-match": behind.headers["etag"]}
        body = {"state": "decommissioned", "reason": "old"}
        edit = await client.put(f"{path}/state", json=body, headers=headers)

    assert behind.json()["state"] == "registered"
    assert edit.status_code == 412
