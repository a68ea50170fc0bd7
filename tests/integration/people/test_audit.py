"""The audit log: every decision is in it, whatever its type, and each tenant sees its own."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

import domain.catalog  # noqa: F401 - fills the registry
from adapters import postgres
from domain.event import REGISTRY, Meta, Recorded, Topic
from ops.event_examples import example
from projections.audit_log.project import AuditLog, subject_of
from projections.models import MODELS, ensure_schemas
from tests.decided_kit import follow
from tests.house_kit import House

pytestmark = pytest.mark.stack

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DECISIONS = sorted(n for n, at in REGISTRY.items() if Topic.DECISIONS in at.topics)
ROWS = "SELECT t::text FROM rm.audit_entry_v1 AS t ORDER BY 1"


def one_of_each() -> list[Recorded]:
    """A decision of every type there is, of two tenants in turns."""
    return [
        Recorded(
            event=example(REGISTRY[name]),
            meta=Meta(
                id=f"evt_{pos}",
                time=BEGIN + timedelta(seconds=pos),
                tenant_id=f"ten_{'ab'[pos % 2]}",
                actor=f"usr_{pos % 3}",
                correlation=f"req_{pos}",
            ),
            topic=Topic.DECISIONS.value,
            partition=pos % 2,
            offset=pos,
            pos=pos,
        )
        for pos, name in enumerate(DECISIONS, start=1)
    ]


async def fold(dsn: str, polls: list[list[Recorded]]) -> None:
    async with await postgres.connect(dsn, "pm_projector") as conn:
        for poll in polls:
            async with conn.transaction():
                await AuditLog(1).apply(conn, poll)


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute(query.encode()).fetchall()


async def test_every_type_of_decision_is_in_it(dsn: str) -> None:
    """Also those that are declared after this test was written: it names none of them."""
    ensure_schemas(dsn)
    await fold(dsn, [one_of_each()])

    found = rows(dsn, "SELECT type, tenant_id, actor, subject_id, data FROM rm.audit_entry")
    assert sorted(row[0] for row in found) == DECISIONS
    assert not [row for row in found if not all(row)]
    assert getattr(AuditLog, "handles", None) is None  # it passes no type over


async def test_i9_any_order_of_partitions_and_repeats_gives_the_same_rows(dsn: str) -> None:
    ensure_schemas(dsn)
    records = one_of_each()
    await fold(dsn, [records])
    first = rows(dsn, ROWS)
    with psycopg.connect(dsn) as conn:
        conn.execute("TRUNCATE rm.audit_entry_v1")
    chance = random.Random(7)
    again = records + [replace(record, offset=record.offset + 1000) for record in records[::3]]
    chance.shuffle(again)
    await fold(dsn, [again[:5], again[5:30], again[30:]])

    assert rows(dsn, ROWS) == first


def test_its_model_is_registered_with_the_fold_that_takes_everything() -> None:
    assert MODELS["audit_log"].fold(3).reader == "audit_log_v3"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("MembershipChanged", "user_id"),
        ("ApiKeyRevoked", "key_id"),
        ("InvitationAccepted", "invitation_id"),
        ("WorkspaceArchived", "workspace_id"),
        ("CampaignLaunched", "campaign_id"),
        ("SendingIpRetired", "ip"),
        ("TenantSuspended", "tenant_id"),
        ("StaffAccessed", "staff_id"),
    ],
)
def test_an_entry_is_about_the_thing_that_was_decided_on(name: str, field: str) -> None:
    event = example(REGISTRY[name])

    assert subject_of(event) == getattr(event, field)


# ---- over HTTP


async def audit(house: House, token: str, query: str = "") -> list[dict[str, Any]]:
    answer = await house.get(f"/v1/audit?{query}", token)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_grants_keys_and_role_changes_tell_who_and_why(house: House, dsn: str) -> None:
    owner, member = house.person("ten_a"), house.person("ten_a", "member")
    body = {"role": "viewer", "reason": "new_duties"}
    await house.call("PATCH", f"/v1/users/{member.user_id}", owner.token, json=body)
    new = {"name": "Shop", "role": "viewer"}
    asked = {"request-id": "req-of-the-shop"}
    made = await house.call("POST", "/v1/keys", owner.token, json=new, headers=asked)
    await follow(dsn, "audit_log")
    entries = await audit(house, owner.token)

    assert [entry["type"] for entry in entries[:2]] == ["ApiKeyCreated", "MembershipChanged"]
    assert {entry["actor"] for entry in entries[:2]} == {owner.user_id}
    assert entries[0]["correlation"] == made.headers["request-id"] == "req-of-the-shop"
    assert entries[0]["subject_id"] == made.json()["key_id"]
    assert entries[1]["reason"] == "new_duties"
    assert entries[1]["data"]["role"] == "viewer"
    assert "Shop" not in str(entries)  # a name is a label, never in the log


async def test_it_is_paged_and_filtered(house: House, dsn: str) -> None:
    owner = house.person("ten_a")
    made = [house.key("ten_a", "viewer") for _ in range(5)]
    await house.call("DELETE", f"/v1/keys/{made[0].key_id}?reason=leaked", owner.token)
    await follow(dsn, "audit_log")
    whole = await audit(house, owner.token)
    paged: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(len(whole)):
        page = (await house.get(f"/v1/audit?limit=3&cursor={cursor}", owner.token)).json()
        paged += page["data"]
        if not (cursor := page["next_cursor"] or ""):
            break
    moment = quote(whole[2]["at"])

    assert paged == whole
    assert [row["pos"] for row in whole] == sorted((row["pos"] for row in whole), reverse=True)
    assert {row["type"] for row in await audit(house, owner.token, "type=ApiKeyCreated")} == {
        "ApiKeyCreated"
    }
    own = await audit(house, owner.token, f"actor={owner.user_id}")
    assert [(row["type"], row["reason"]) for row in own] == [("ApiKeyRevoked", "leaked")]
    about = await audit(house, owner.token, f"subject={made[0].key_id}")
    assert [row["type"] for row in about] == ["ApiKeyRevoked", "ApiKeyCreated"]
    assert await audit(house, owner.token, f"since={moment}") == whole[:3]
    assert await audit(house, owner.token, f"until={moment}") == whole[3:]


async def test_i11_another_tenants_entries_are_not_there(house: House, dsn: str) -> None:
    house.tenant("ten_b")
    other, key = house.key("ten_b"), house.key("ten_a")
    await follow(dsn, "audit_log")
    entries = await audit(house, key.text)
    first = (await house.get("/v1/audit?limit=1", other.text)).json()["next_cursor"]
    foreign = await house.get(f"/v1/audit?limit=1&cursor={first}", key.text)

    assert key.key_id in str(entries)
    assert other.key_id not in str(entries)
    assert await audit(house, key.text, f"subject={other.key_id}") == []
    assert (foreign.status_code, foreign.json()["code"]) == (400, "invalid_cursor")


async def test_who_is_bound_to_a_workspace_sees_what_was_done_there(house: House, dsn: str) -> None:
    one, two = house.workspace("ten_a"), house.workspace("ten_a", "Two")
    bound = house.person("ten_a", "manager", (one,))
    await follow(dsn, "audit_log")
    entries = await audit(house, bound.token)

    assert {entry["subject_id"] for entry in entries} == {one}
    assert await audit(house, bound.token, f"subject={two}") == []
