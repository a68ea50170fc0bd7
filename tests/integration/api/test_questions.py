"""The API's answers over HTTP: what they say, whom they refuse, what Postgres's absence does."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import jsonschema
import psycopg
import pytest

pytestmark = pytest.mark.stack

CAMPAIGN = "/v1/campaigns/cmp_ten_a"
QUESTIONS = (
    "/v1/campaigns",
    CAMPAIGN,
    f"{CAMPAIGN}/sends",
    "/v1/sends/snd_ten_a_5",
    "/v1/sending-ips",
)
HEALTH = ("/health", "/health/db", "/health/queue", "/health/email")


async def test_a_campaign_has_its_counters_rates_and_freshness(client: httpx2.AsyncClient) -> None:
    """Rates carry what they are made of."""
    answer = await client.get(CAMPAIGN)

    found = answer.json()
    counters = found["counters"]
    assert answer.status_code == 200
    assert found["state"] == "running"
    assert (counters["requested"], counters["planned"], counters["open"]) == (7, 7, 1)
    assert (counters["accepted"], counters["rejected"], counters["waiting"]) == (5, 1, 1)
    assert found["rates"]["bounce"] == {"numerator": 1, "denominator": 6, "value": 0.166667}
    assert found["as_of"]["age_s"] < 60
    assert found["providers"]["gmail"]["accepted"] == 5


async def test_the_ledger_is_read_page_by_page(client: httpx2.AsyncClient) -> None:
    """Every send once, in a fixed order, until there is no next cursor."""
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await client.get(f"{CAMPAIGN}/sends", params={"limit": 3, "cursor": cursor})
        page = answer.json()
        seen += [send["send_id"] for send in page["data"]]
        cursor = page["next_cursor"]

    assert seen == [f"snd_ten_a_{idx}" for idx in range(7)]


async def test_the_ledger_answers_by_state(client: httpx2.AsyncClient) -> None:
    """Who got it, who did not, who may still."""
    for state, sends in (("accepted", 5), ("rejected", 1), ("waiting", 1), ("ambiguous", 0)):
        page = (await client.get(f"{CAMPAIGN}/sends", params={"state": state})).json()

        assert [send["state"] for send in page["data"]] == [state] * sends


async def test_a_send_tells_its_story_with_places_in_the_log(client: httpx2.AsyncClient) -> None:
    """Each event that concerns it, and none that concerns only its neighbours."""
    found = (await client.get("/v1/sends/snd_ten_a_5")).json()

    assert [event["event"] for event in found["events"]] == ["requested", "started", "rejected"]
    assert found["events"][2]["reason"] == "UNKNOWN_USER"
    assert all({"topic", "partition", "offset"} <= event.keys() for event in found["events"])


async def test_sending_ips_show_caps_and_use(client: httpx2.AsyncClient) -> None:
    """Used of the cap that binds, on the day asked."""
    found = (await client.get("/v1/sending-ips")).json()

    (ip,) = found["data"]
    assert ip["use"] == [
        {"provider": "gmail", "started": 6, "reserved": 0, "cap_per_day": 10, "headroom": 4}
    ]
    assert ip["rules"][0]["cap_reason"] == "warm-up"


async def test_i11_no_answer_tells_of_another_tenant(client: httpx2.AsyncClient) -> None:
    """Its ids get the same answer as ids that nobody has; lists show nothing of it."""
    for path in QUESTIONS:
        other = path.replace("ten_a", "ten_b")
        theirs = await client.get(other)
        missing = await client.get(path.replace("ten_a", "ten_zzz"))

        assert "ten_b" not in theirs.text.replace(other, "")
        assert theirs.status_code == missing.status_code
        assert _bare(theirs) == _bare(missing)


def _bare(answer: httpx2.Response) -> dict[str, Any]:
    """Without what differs from request to request."""
    found: dict[str, Any] = answer.json()
    return found | {"instance": "", "request_id": "", "as_of": ""}


async def test_answers_have_the_documented_shape(client: httpx2.AsyncClient) -> None:
    """What /openapi.json promises; health pages need no token."""
    described = (await client.get("/openapi.json")).json()
    for path in QUESTIONS + HEALTH:
        nobody = {"Authorization": "", "X-Tenant": ""} if path in HEALTH else {}
        answer = await client.get(path, headers=nobody)

        assert answer.status_code == 200
        jsonschema.validate(answer.json(), _schema(described, path))


def _schema(described: dict[str, Any], path: str) -> Any:
    operation = next(
        methods["get"]
        for pattern, methods in described["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path)
    )
    return operation["responses"]["200"]["content"]["application/json"]["schema"]


async def test_without_the_operators_token_nothing_is_told(client: httpx2.AsyncClient) -> None:
    """401, whatever is asked."""
    for given in ("", "Bearer wrong", "Basic tok-of-the-operator"):
        answers = [await client.get(p, headers={"Authorization": given}) for p in QUESTIONS]

        assert {answer.status_code for answer in answers} == {401}
        assert {answer.json()["code"] for answer in answers} == {"unauthorized"}


async def test_bad_values_are_named(client: httpx2.AsyncClient) -> None:
    """A problem with a stable code, not a crash."""
    bad = [{"limit": limit} for limit in ("0", "101", "many")] + [{"state": "lost"}]
    bad += [{"cursor": cursor} for cursor in ("made-up", "é", "AAAA" * 50)]
    for query in bad:
        answer = await client.get(f"{CAMPAIGN}/sends", params=query)

        found = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert found["code"] == ("invalid_cursor" if "cursor" in query else "invalid")
        assert found["status"] == answer.status_code < 500
        assert found["request_id"] == answer.headers["request-id"]


async def test_a_cursor_is_good_only_where_it_was_made(client: httpx2.AsyncClient) -> None:
    """Changed by one character, for other filters, or for another tenant: refused."""
    page = (await client.get(f"{CAMPAIGN}/sends", params={"limit": 2})).json()
    cursor = page["next_cursor"]
    changed = ("B" if cursor[0] == "A" else "A") + cursor[1:]
    other = {"X-Tenant": "ten_b"}

    assert (await _ask(client, CAMPAIGN, cursor=cursor)).status_code == 200
    assert (await _ask(client, CAMPAIGN, cursor=changed)).json()["code"] == "invalid_cursor"
    assert (await _ask(client, CAMPAIGN, cursor=cursor, state="accepted")).status_code == 400
    stolen = await client.get(
        "/v1/campaigns/cmp_ten_b/sends", params={"cursor": cursor}, headers=other
    )
    assert stolen.json()["code"] == "invalid_cursor"


async def _ask(client: httpx2.AsyncClient, path: str, **query: str) -> httpx2.Response:
    return await client.get(f"{path}/sends", params=query)


async def test_odd_ids_are_not_found(client: httpx2.AsyncClient) -> None:
    """Whatever stands in the path is a value, never a statement."""
    for path in ("/v1/sends/snd_nobodys", "/v1/nothing"):
        answer = await client.get(path)

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for path in ("/v1/sends/%00", "/v1/sends/' OR 1=1 --"):
        answer = await client.get(path)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_a_tenant_must_be_named(client: httpx2.AsyncClient) -> None:
    """In the header or the query."""
    missing = await client.get("/v1/campaigns", headers={"X-Tenant": ""})
    named = await client.get("/v1/campaigns?tenant=ten_b", headers={"X-Tenant": ""})

    assert missing.json()["code"] == "tenant_missing"
    assert [row["campaign_id"] for row in named.json()["data"]] == ["cmp_ten_b"]


async def test_when_postgres_is_away_the_answer_is_503_and_soon(
    client: httpx2.AsyncClient, filled: str, server: dict[str, str]
) -> None:
    """With Retry-After; and it answers again by itself once Postgres does."""
    name = psycopg.conninfo.conninfo_to_dict(filled)["dbname"]
    assert (await client.get(CAMPAIGN)).status_code == 200
    with psycopg.connect(server["dsn"], autocommit=True) as conn:
        _allow(conn, str(name), allowed=False)
        try:
            gone = await client.get(CAMPAIGN)
            health = await client.get("/health")
        finally:
            _allow(conn, str(name), allowed=True)

    assert (gone.status_code, gone.json()["code"]) == (503, "unavailable")
    assert gone.headers["retry-after"] == "2"
    assert (health.status_code, health.json()["database"]) == (503, "red")


def _allow(conn: psycopg.Connection[Any], name: str, *, allowed: bool) -> None:
    """Open or close the database: connections end, new ones are refused."""
    conn.execute(
        psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
            psycopg.sql.Identifier(name), psycopg.sql.Literal(allowed)
        )
    )
    conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND application_name = 'pm_api'",
        (name,),
    )


async def test_pages_for_people_need_nothing_from_outside(client: httpx2.AsyncClient) -> None:
    """No script, no address of another machine; every operation is on the page."""
    docs, home = await client.get("/docs"), await client.get("/")
    described = (await client.get("/openapi.json")).json()

    assert "<script" not in docs.text + home.text
    assert not re.findall(r'(?:src|href)="https?://(?!127\.0\.0\.1)', docs.text + home.text)
    assert all(path in docs.text for path in described["paths"])
    assert "http://127.0.0.1:1/" in home.text
