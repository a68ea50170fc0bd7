"""Templates over HTTP: drafts, versions, findings, previews, test mails."""

from __future__ import annotations

from typing import Any

import httpx2
import psycopg
import pytest

from domain.campaign import CampaignLaunched
from tests.api_kit import Zone, api_of
from tests.decided_kit import decided, done, follow, refused

pytestmark = pytest.mark.stack

TEMPLATES = "/v1/templates"
OTHER = {"x-tenant": "ten_b"}
SAID = {
    "subject": 'Hi {{ first_name | default("there") }}',
    "html": '<p>From {{ company | default("us") }}</p><a href="{{ unsubscribe_url }}">Leave</a>',
    "preheader": "News",
}


async def created(client: httpx2.AsyncClient, **more: Any) -> str:
    """The path of a template with a draft."""
    body = {"name": "Spring", "draft": SAID} | more
    return f"{TEMPLATES}/{(await done(client.post(TEMPLATES, json=body), 201))['template_id']}"


async def test_a_template_is_drafted_published_and_compared(dsn: str) -> None:
    async with api_of(dsn) as client:
        path = await created(client, folder="2026", tags=["b", "a", "a"])
        first = await done(client.post(f"{path}/publish"))
        again = await done(client.post(f"{path}/publish"))
        tag = (await client.get(f"{path}/draft")).headers["etag"]
        changed = SAID | {"html": SAID["html"] + "\n<p>More</p>"}
        await done(client.put(f"{path}/draft", json=changed, headers={"if-match": tag}))
        await follow(dsn, "holdings")
        since = await done(client.get(f"{path}/diff", params={"from": 1}))
        second = await done(client.post(f"{path}/publish"))
        await follow(dsn, "holdings")
        found = await done(client.get(path))
        versions = await done(client.get(f"{path}/versions", params={"limit": 1}))
        version = await done(client.get(f"{path}/versions/1"))
        await refused(client.get(f"{path}/versions/3"), 404)
        tagged = (await done(client.get(TEMPLATES, params={"tag": "a", "folder": "2026"})))["data"]

    assert (first["template_version"], again["template_version"]) == (1, 1)
    assert second["template_version"] == 2
    assert first["variables"] == ["company", "first_name"]
    assert (found["name"], found["tags"], found["template_version"]) == ("Spring", ["a", "b"], 2)
    assert [row["template_version"] for row in versions["data"]] == [2]
    assert versions["has_more"]
    assert version["content_id"] == first["content_id"]
    assert "unsubscribe_url" in version["html"]
    parts = {part["field"]: part for part in since["parts"]}
    assert (parts["html"]["changed"], parts["subject"]["changed"]) == (True, False)
    assert "+<p>More</p>" in parts["html"]["lines"]
    assert [row["template_id"] for row in tagged] == [found["template_id"]]


async def test_nobody_overwrites_a_draft_that_changed_meanwhile(dsn: str) -> None:
    async with api_of(dsn) as client:
        path = await created(client)
        tag = (await client.get(f"{path}/draft")).headers["etag"]
        await refused(client.put(f"{path}/draft", json=SAID), 428)
        mine = await client.put(f"{path}/draft", json=SAID, headers={"if-match": tag})
        await refused(client.put(f"{path}/draft", json=SAID, headers={"if-match": tag}), 412)
        await refused(client.post(f"{path}/publish", headers={"if-match": tag}), 412)
        await refused(client.put(f"{path}/draft", json=SAID, headers={"if-match": "x"}), 422)
        await done(client.post(f"{path}/publish", headers={"if-match": mine.headers["etag"]}))
        await done(client.put(f"{path}/draft", json=SAID, headers={"if-match": "*"}))

    assert mine.status_code == 200
    assert mine.headers["etag"] != tag


async def test_every_finding_names_field_line_and_cure(dsn: str) -> None:
    bad = {
        "subject": "Hi {{ name }}",
        "html": "<p>a</p>\n<script>x()</script>\n"
        '<a href="java&#115;cript:x()">b</a>\n<img onerror="x">',
        "text": "line one\n{{ company }}\n{% include 'x' %}",
    }
    async with api_of(dsn) as client:
        path = await created(client, draft=bad)
        found = await done(client.post(f"{path}/lint", json={"fields": ["Company"]}))
        answer = await client.post(f"{path}/publish")
        await follow(dsn, "holdings")
        versions = (await done(client.get(f"{path}/versions")))["data"]

    places = {(one["code"], one["field"], one["line"]) for one in found["findings"]}
    assert {
        ("undefined_variable", "subject", 1),
        ("unsafe_html", "html", 2),
        ("unsafe_html", "html", 3),
        ("unsafe_html", "html", 4),
        ("bad_template", "text", 3),
    } <= places
    assert all(one["cure"] and one["detail"] for one in found["findings"])
    assert answer.status_code == 422
    assert {one["code"] for one in answer.json()["errors"]} == {"unsafe_html", "bad_template"}
    assert versions == []


async def test_a_bulk_mail_without_a_way_to_leave_is_warned_of(dsn: str) -> None:
    plain = {"subject": "Hi", "html": "<p>Hello</p>"}
    async with api_of(dsn) as client:
        path = await created(client, draft=plain)
        bulk = await done(client.post(f"{path}/lint", json={}))
        other = await done(client.post(f"{path}/lint", json={"message_class": "transactional"}))
        await done(client.post(f"{path}/publish"))

    assert [one["code"] for one in bulk["findings"]] == ["no_unsubscribe"]
    assert (bulk["errors"], other["findings"]) == (0, [])


async def test_a_preview_shows_what_one_reader_would_see(dsn: str) -> None:
    """Values are escaped, nothing is fetched or counted, and what is missing is named."""
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "INSERT INTO vault.contact"
            " (tenant_id, contact_id, address, address_key, domain, fields)"
            " VALUES ('ten_a', 'lea_1', 'ann@example.com', 'ann@example.com', 'example.com',"
            ' \'{"firstName": "Ann", "company": "<b>&Co"}\')'
        )
    said = SAID | {"html": SAID["html"] + '<p>{{ city }}</p><a href="https://x.example/">x</a>'}
    async with api_of(dsn) as client:
        path = await created(client, draft=said)
        answer = await client.post(f"{path}/preview", json={"contact_id": "lea_1"})
        given = await done(client.post(f"{path}/preview", json={"fields": {"city": "Rome"}}))
        both = {"contact_id": "lea_1", "fields": {"city": "Rome"}}
        await refused(client.post(f"{path}/preview", json=both), 422)
        await refused(client.post(f"{path}/preview", json={"contact_id": "lea_2"}), 404)

    found = answer.json()
    assert found["subject"] == "Hi Ann"
    assert "From &lt;b&gt;&amp;Co</p>" in found["html"]
    assert 'href="https://x.example/"' in found["html"]
    assert found["missing"] == ["city"]
    assert (given["subject"], "<p>Rome</p>" in given["html"]) == ("Hi there", True)
    assert answer.headers["content-type"] == "application/json"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_header_cannot_be_smuggled_into_a_preview_or_a_draft(dsn: str) -> None:
    async with api_of(dsn) as client:
        path = await created(client)
        fields = {"first_name": "Ann\r\nBcc: all@example.com"}
        found = await done(client.post(f"{path}/preview", json={"fields": fields}))

    assert found["subject"] == "Hi Ann Bcc: all@example.com"


async def test_mjml_becomes_html(dsn: str) -> None:
    said = {
        "subject": "Hi",
        "mjml": "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ first_name }}</mj-text>"
        "</mj-column></mj-section></mj-body></mjml>",
    }
    async with api_of(dsn) as client:
        path = await created(client, draft=said)
        kept = await done(client.get(f"{path}/draft"))
        found = await done(client.post(f"{path}/preview", json={"fields": {"first_name": "Ann"}}))

    assert (kept["mjml"], kept["html"]) == (said["mjml"], None)
    assert "<mj-" not in found["html"]
    assert "Hello Ann" in found["html"]
    assert "Hello Ann" in found["text"]


async def test_an_archived_template_stays_as_it_is_until_restored(dsn: str) -> None:
    async with api_of(dsn) as client:
        path = await created(client)
        await done(client.post(f"{path}/archive"))
        any_tag = {"if-match": "*"}
        await refused(client.put(f"{path}/draft", json=SAID, headers=any_tag), 409, "archived")
        await refused(client.post(f"{path}/publish"), 409, "archived")
        await follow(dsn, "holdings")
        living = (await done(client.get(TEMPLATES)))["data"]
        archived = (await done(client.get(TEMPLATES, params={"archived": True})))["data"]
        await done(client.post(f"{path}/restore"))
        await done(client.post(f"{path}/publish"))

    assert (len(living), len(archived)) == (0, 1)


async def test_a_copy_says_the_same_and_lives_alone(dsn: str) -> None:
    async with api_of(dsn) as client:
        path = await created(client, tags=["a"])
        key = {"idempotency-key": "copy-1"}
        copy = await done(client.post(f"{path}/duplicate", json={"name": "Copy"}, headers=key), 201)
        again = await done(
            client.post(f"{path}/duplicate", json={"name": "Copy"}, headers=key), 201
        )
        own = f"{TEMPLATES}/{copy['template_id']}"
        draft = await done(client.get(f"{own}/draft"))
        await done(client.patch(own, json={"name": "Autumn", "tags": []}))
        await follow(dsn, "holdings")
        names = {row["name"]: row for row in (await done(client.get(TEMPLATES)))["data"]}

    assert copy["template_id"] == again["template_id"]
    assert (draft["subject"], draft["html"]) == (SAID["subject"], SAID["html"])
    assert (names["Spring"]["tags"], names["Autumn"]["tags"]) == (["a"], [])


async def sendable(client: httpx2.AsyncClient, zone: Zone) -> str:
    """A sender whose domain is verified, and a sending IP; the sender's id."""
    added = await done(client.post("/v1/domains", json={"domain": "example.com"}), 201)
    for record in added["records"]:
        value = record["value"].split()[-1] if record["type"] == "MX" else record["value"]
        zone.values[record["type"], record["name"]] = [value]
    await done(client.post(f"/v1/domains/{added['domain_id']}/check"))
    saved = await done(client.post("/v1/senders", json={"address": "news@example.com"}), 201)
    return str(saved["sender_id"])


def with_ip(dsn: str) -> None:
    """A sending IP of ten_a as the schedule would note it."""
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "INSERT INTO pipeline.ip (ip, tenant_id, address, route, relay_host, relay_port)"
            " VALUES ('ip_1', 'ten_a', '', 'mx', '', 0)"
        )


async def test_a_test_mail_is_a_transactional_campaign_to_those_addresses_alone(dsn: str) -> None:
    zone = Zone()
    async with api_of(dsn, zone=zone) as client:
        sender_id = await sendable(client, zone)
        path = await created(client)
        body = {"sender_id": sender_id, "to": ["Ann@other.example", "bob@other.example"]}
        await refused(client.post(f"{path}/test", json=body), 409, "sending IP")
        with_ip(dsn)
        body["fields"] = {"company": "{{ email }}{% raw %}"}  # type: ignore[assignment]
        key = {"idempotency-key": "test-1"}
        sent = await done(client.post(f"{path}/test", json=body, headers=key), 202)
        again = await done(client.post(f"{path}/test", json=body, headers=key), 202)
    launched = [one.event for one in decided(dsn) if isinstance(one.event, CampaignLaunched)]
    with psycopg.connect(dsn) as conn:
        members = conn.execute(
            "SELECT c.address FROM vault.list_member m JOIN vault.contact c"
            " USING (tenant_id, contact_id) ORDER BY 1"
        ).fetchall()
        content = conn.execute(
            "SELECT body FROM vault.content WHERE content_id = %s", (launched[0].content_id,)
        ).fetchone()

    assert sent["campaign_id"] == again["campaign_id"]
    assert [event.campaign_id for event in launched] == [sent["campaign_id"]]
    assert (launched[0].priority, launched[0].message_class) == ("high", "transactional")
    assert members == [("Ann@other.example",), ("bob@other.example",)]
    assert content is not None
    assert content[0]["subject"] == "[Test] Hi there"
    assert "{{ unsubscribe_url }}" in content[0]["html"]
    assert '{{ "{{" }} email }}' in content[0]["html"]
    assert not any("@" in str(one.event) for one in decided(dsn))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"to": []}, 422),
        ({"to": [f"a{at}@other.example" for at in range(6)]}, 422),
        ({"to": ["nobody"]}, 422),
        ({"to": ["a@other.example\nBcc: b@other.example"]}, 422),
        ({"sender_id": "sdr_none"}, 404),
        ({"colour": "red"}, 422),
        ({"version": 7}, 404),
    ],
)
async def test_a_test_mail_that_cannot_be_is_refused_and_sends_nothing(
    dsn: str, change: dict[str, Any], status: int
) -> None:
    zone = Zone()
    async with api_of(dsn, zone=zone) as client:
        sender_id = await sendable(client, zone)
        path = await created(client)
        with_ip(dsn)
        await follow(dsn, "holdings")
        body = {"sender_id": sender_id, "to": ["ann@other.example"]} | change
        await refused(client.post(f"{path}/test", json=body), status)

    assert not [one for one in decided(dsn) if type(one.event).__name__.startswith("Campaign")]


@pytest.mark.parametrize(
    "draft",
    [
        {"subject": "Hi"},
        {"subject": "Hi", "html": "a", "mjml": "<mjml></mjml>"},
        {"subject": "Hi", "html": "a\x00"},
        {"subject": "Hi", "html": "x" * 400_001},
        {"subject": "Hi" * 1000, "html": "a"},
        {"subject": "Hi", "html": "a", "body": "b"},
    ],
)
async def test_what_is_no_draft_is_refused(dsn: str, draft: dict[str, str]) -> None:
    async with api_of(dsn) as client:
        path = await created(client)
        await refused(client.put(f"{path}/draft", json=draft, headers={"if-match": "*"}), 422)
        kept = await done(client.get(f"{path}/draft"))

    assert kept["revision"] == 1


async def test_a_bomb_is_a_finding_and_no_wait(dsn: str) -> None:
    bomb = {"subject": "Hi", "html": "{% for a in range(99999) %}{% for b in range(99999) %}x"
            "{% endfor %}{% endfor %}"}  # fmt: skip
    async with api_of(dsn) as client:
        path = await created(client, draft=bomb)
        found = await done(client.post(f"{path}/lint", json={}))
        await refused(client.post(f"{path}/preview", json={}), 422)

    assert found["errors"] >= 1


async def test_i11_nothing_of_another_tenants_template_is_found_or_moved(dsn: str) -> None:
    """Each operation on another tenant's id answers as on an unknown one."""
    async with api_of(dsn) as client:
        path = await created(client)
        await done(client.post(f"{path}/publish"))
        await follow(dsn, "holdings")
        asked: list[tuple[str, str, Any]] = [
            ("GET", "", None),
            ("PATCH", "", {"name": "Mine"}),
            ("GET", "/draft", None),
            ("PUT", "/draft", SAID),
            ("POST", "/publish", None),
            ("POST", "/duplicate", {"name": "Mine"}),
            ("POST", "/archive", None),
            ("POST", "/restore", None),
            ("GET", "/versions", None),
            ("GET", "/versions/1", None),
            ("GET", "/diff?from=1", None),
            ("POST", "/lint", {}),
            ("POST", "/preview", {}),
            ("POST", "/test", {"sender_id": "sdr_1", "to": ["a@example.com"]}),
        ]
        for method, more, body in asked:
            headers = OTHER | {"if-match": "*"} if more == "/draft" else OTHER
            await refused(client.request(method, path + more, json=body, headers=headers), 404)
        assert (await done(client.get(TEMPLATES, headers=OTHER)))["data"] == []
        still = await done(client.get(path))

    assert (still["name"], still["template_version"]) == ("Spring", 1)
