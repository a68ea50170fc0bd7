"""Deletion of a tenant: its window, its steps, and what dies in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import LiteralString

import pytest

from adapters import postgres
from adapters.event_store import EventStore, InThread
from domain import tenant
from domain.tenant import DELETION_WINDOW
from streams.deleting import Deleting, DeletingDeps
from tests.api_kit import BEGIN, api_of
from tests.decided_kit import done
from tests.vault_kit import change, insert, rows

pytestmark = pytest.mark.stack

NAME = {"name": "Acme"}
DUE = BEGIN + DELETION_WINDOW
EVENTS: LiteralString = (
    "SELECT split_part(topic, '.', 1) FROM es.decision_events"
    " WHERE originator_id = 'tenant-ten_a' ORDER BY notification_id"
)
CONTACTS: LiteralString = "SELECT tenant_id, count(*) FROM vault.contact GROUP BY 1 ORDER BY 1"


@pytest.fixture
def known(dsn: str) -> str:
    """ten_a and ten_b with 25 contacts and a key each; ten_a exists for the log too."""
    with EventStore(dsn, "pm_api") as store:
        store.transact(
            tenant.stream("ten_a"),
            tenant.initial,
            tenant.evolve,
            lambda state: tenant.create(state, tenant_id="ten_a"),
            tenant_id="ten_a",
        )
    for each in ("ten_a", "ten_b"):
        insert(dsn, "INSERT INTO vault.label VALUES (%s, %s, 'tenant', 'Acme')", [(each, each)])
        insert(
            dsn,
            "INSERT INTO vault.signing_key VALUES (%s, 'dom', 'pm1', 'rsa', '\\x00', 'public')",
            [(each,)],
        )
        insert(
            dsn,
            "INSERT INTO vault.contact (tenant_id, contact_id, address, address_key, domain)"
            " VALUES (%s, %s, %s, %s, 'example.org')",
            [(each, f"lea_{n}", f"a{n}@example.org", f"a{n}@example.org") for n in range(25)],
        )
    return dsn


class Clock:
    def __init__(self) -> None:
        self.now: datetime = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def deleting(known: str, clock: Clock) -> AsyncIterator[Deleting]:
    async with postgres.pool(known, "pm_worker", size_max=2) as pool:
        with EventStore(known, "pm_worker") as store:
            yield Deleting(DeletingDeps(pool, InThread(store), clock, rows_at_once=10))


async def test_a_deletion_suspends_at_once_and_destroys_after_its_window(
    known: str, deleting: Deleting, clock: Clock
) -> None:
    async with api_of(known) as client:
        asked = await done(client.request("DELETE", "/v1/tenant", json=NAME), 202)
        shown = await done(client.get("/v1/tenant/deletion"))
    clock.now = DUE - timedelta(seconds=1)
    early = await deleting.look()
    kept = rows(known, CONTACTS)
    clock.now = DUE
    ended = await deleting.look()

    assert asked["deletion_due_at"] == shown["deletion_due_at"] == "2026-04-01T00:00:00Z"
    assert (early, kept) == (0, [("ten_a", 25), ("ten_b", 25)])
    assert ended == 1
    assert rows(known, CONTACTS) == [("ten_b", 25)]
    assert rows(known, "SELECT DISTINCT tenant_id FROM vault.signing_key") == [("ten_b",)]
    assert rows(known, "SELECT tenant_id FROM vault.label") == [("ten_b",)]
    assert rows(known, "SELECT count(*) FROM vault.duty") == [(0,)]
    assert [name for (name,) in rows(known, EVENTS)] == [
        "TenantCreated",
        "TenantDeletionRequested",
        "TenantSuspended",
        "TenantDeleted",
    ]


async def test_within_the_window_it_is_taken_back_and_the_tenant_sends_again(
    known: str, deleting: Deleting, clock: Clock
) -> None:
    async with api_of(known) as client:
        await done(client.request("DELETE", "/v1/tenant", json=NAME), 202)
        back = await done(client.post("/v1/tenant/deletion/cancel"))
        again = await done(client.post("/v1/tenant/deletion/cancel"))
        shown = await done(client.get("/v1/tenant/deletion"))
    clock.now = DUE
    ended = await deleting.look()

    assert (back["state"], shown["state"], shown["deletion_due_at"]) == ("none", "none", None)
    assert back == again
    assert ended == 0
    assert rows(known, CONTACTS) == [("ten_a", 25), ("ten_b", 25)]
    assert [name for (name,) in rows(known, EVENTS)][-2:] == [
        "TenantDeletionCancelled",
        "TenantRestored",
    ]


async def test_asking_again_keeps_the_date(known: str) -> None:
    async with api_of(known) as client:
        first = await done(client.request("DELETE", "/v1/tenant", json=NAME), 202)
        again = await done(client.request("DELETE", "/v1/tenant", json=NAME), 202)

    assert first == again
    assert rows(known, "SELECT due_at FROM vault.duty") == [(DUE,)]


async def test_only_the_tenants_own_name_confirms(known: str) -> None:
    async with api_of(known) as client:
        answer = await client.request("DELETE", "/v1/tenant", json={"name": "acme"})

    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("name:")
    assert len(rows(known, EVENTS)) == 1


@pytest.mark.parametrize("dies_after", [1, 2, 3, 5])
async def test_who_dies_between_two_steps_is_finished_by_the_next_turn(
    known: str, deleting: Deleting, clock: Clock, monkeypatch: pytest.MonkeyPatch, dies_after: int
) -> None:
    """It dies after some chunks of rows, or just before the event."""
    async with api_of(known) as client:
        await done(client.request("DELETE", "/v1/tenant", json=NAME), 202)
    clock.now = DUE
    destroy, steps = deleting._destroy, 0

    async def dying(*given: object) -> int:
        nonlocal steps
        steps += 1
        gone = await destroy(*given)  # type: ignore[arg-type]
        if steps >= dies_after or not gone:
            raise KeyboardInterrupt
        return gone

    monkeypatch.setattr(deleting, "_destroy", dying)
    with pytest.raises(KeyboardInterrupt):
        await deleting.look()
    monkeypatch.undo()
    assert "TenantDeleted" not in [name for (name,) in rows(known, EVENTS)]

    ended = await deleting.look()

    assert ended == 1
    assert rows(known, CONTACTS) == [("ten_b", 25)]
    assert [name for (name,) in rows(known, EVENTS)].count("TenantDeleted") == 1


async def test_who_dies_after_the_event_leaves_a_duty_that_ends(
    known: str, deleting: Deleting, clock: Clock
) -> None:
    async with api_of(known) as client:
        await done(client.request("DELETE", "/v1/tenant", json=NAME), 202)
    clock.now = DUE
    duty = rows(known, "SELECT * FROM vault.duty")
    await deleting.look()
    insert(known, "INSERT INTO vault.duty VALUES (%s, %s, %s, %s, %s, %s)", duty)

    assert await deleting.look() == 1
    assert [name for (name,) in rows(known, EVENTS)].count("TenantDeleted") == 1


async def test_a_note_without_a_request_destroys_nothing(
    known: str, deleting: Deleting, clock: Clock
) -> None:
    change(
        known,
        "INSERT INTO vault.duty VALUES"
        " ('ten_a', 'deletion', 'ten_a', 'usr', '2026-01-01Z', '2026-01-01Z')",
    )

    assert await deleting.look() == 1
    assert rows(known, CONTACTS) == [("ten_a", 25), ("ten_b", 25)]


async def test_running_campaigns_are_cancelled_first(
    known: str, deleting: Deleting, clock: Clock
) -> None:
    async with api_of(known) as client:
        await done(client.request("DELETE", "/v1/tenant", json=NAME), 202)
    clock.now = DUE
    asked: list[str] = []
    transact = deleting._deps.decider.transact

    class Watched:
        async def transact(self, stream_id: str, *given: object, **context: object) -> object:
            asked.append(stream_id)
            if stream_id.startswith("campaign-"):
                return None
            return await transact(stream_id, *given, **context)  # type: ignore[arg-type]

    change(
        known,
        "INSERT INTO pipeline.campaign (campaign_id, tenant_id, state, sender_id, domain_id, sign,"
        " ips, message_class, priority, launched_at, expires_at)"
        " SELECT 'cmp_' || state || tenant, tenant, state, '', '', '', '{}', '', '', now(), now()"
        " FROM unnest(ARRAY['running', 'paused', 'finished']) state,"
        " unnest(ARRAY['ten_a', 'ten_b']) tenant",
    )
    watched = DeletingDeps(deleting._deps.pool, Watched(), clock)  # type: ignore[arg-type]

    await Deleting(watched).look()

    assert asked == [
        "tenant-ten_a",
        "campaign-cmp_pausedten_a",
        "campaign-cmp_runningten_a",
        "tenant-ten_a",
    ]
