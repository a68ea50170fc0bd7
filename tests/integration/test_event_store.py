"""The event store on real Postgres: what its rows say, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import orjson
import psycopg
import pytest
from eventsourcing.persistence import OperationalError
from psycopg.rows import dict_row

from adapters import codec, postgres, snapshots
from adapters.decision_log import Decisions, Misconfigured
from adapters.event_store import EventStore
from adapters.loaded_stream import SNAPSHOT_EVERY
from domain import sending_ip, tenant
from domain.event import REGISTRY, Event, Topic, event_type
from domain.ports import CommandContext, Decided, StoreUnavailable, Wanted

pytestmark = pytest.mark.stack

TENANT = "ten_a"
CONTEXT: CommandContext = {"tenant_id": TENANT}


@pytest.fixture
def store(dsn: str) -> Iterator[EventStore]:
    with EventStore(dsn, "pm_api") as found:
        yield found


def create_tenant(store: EventStore, command_id: str = "") -> Decided:
    return store.transact(
        tenant.stream(TENANT),
        tenant.initial,
        tenant.evolve,
        partial(tenant.create, tenant_id=TENANT),
        tenant_id=TENANT,
        command_id=command_id,
        actor="operator",
        causation="cause",
        correlation="story",
    )


def rows(dsn: str, table: str) -> list[dict[str, Any]]:
    with psycopg.connect(dsn, row_factory=dict_row) as conn:
        return conn.execute(f"SELECT * FROM es.{table}").fetchall()  # noqa: S608


def test_an_event_is_plain_json_under_its_registry_name(store: EventStore, dsn: str) -> None:
    decided = create_tenant(store, "cmd")

    (row,) = rows(dsn, "decision_events")
    assert row["topic"] == "TenantCreated.v1"
    assert orjson.loads(row["state"]) == {"tenant_id": TENANT}
    assert (row["originator_id"], row["originator_version"]) == (f"tenant-{TENANT}", 1)
    assert row["notification_id"] == decided.position


def test_who_and_why_stand_in_the_events_own_row(store: EventStore, dsn: str) -> None:
    create_tenant(store, "cmd")

    (row,) = rows(dsn, "decision_events")
    told = [row[name] for name in ("tenant_id", "actor", "causation", "correlation", "command_id")]
    assert told == [TENANT, "operator", "cause", "story", "cmd"]
    assert row["event_id"].startswith("evt_")
    assert row["recorded_at"].tzinfo is not None


@pytest.mark.parametrize(
    "name", ["POSTGRES_ENABLE_DB_FUNCTIONS", "DECISION_POSTGRES_ENABLE_DB_FUNCTIONS"]
)
def test_it_does_not_start_without_the_table_lock(
    dsn: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """With this setting 9.5.6 drops the lock, and readers lose events (finding 6)."""
    monkeypatch.setenv(name, "y")

    with pytest.raises(Misconfigured, match="unset it"):
        EventStore(dsn, "pm_api")


@pytest.mark.parametrize("role", ["pm_api", "pm_worker"])
@pytest.mark.parametrize(
    "deed", ["UPDATE es.decision_events SET actor = ''", "DELETE FROM es.decision_events"]
)
def test_stored_events_cannot_be_changed_by_who_decides(dsn: str, role: str, deed: str) -> None:
    with (
        postgres.connect_sync(dsn, role) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute(deed)


def test_i11_a_role_sees_the_events_of_its_tenant_alone(store: EventStore, dsn: str) -> None:
    create_tenant(store, "cmd")

    tables = ("decision_events", "command_dedupe", "reservation", "decision_snapshot")
    with postgres.connect_sync(dsn, "pm_worker") as conn, conn.transaction():
        postgres.set_tenant(conn, "ten_b")
        seen = [conn.execute(f"SELECT count(*) FROM es.{table}").fetchone() for table in tables]  # noqa: S608
    assert seen == [(0,)] * len(tables)


class LosesAcknowledgements(Decisions):
    """The first commit reaches Postgres; its acknowledgement does not come back."""

    def construct_factory(self, env: Any) -> Any:
        factory: Any = super().construct_factory(env)
        datastore = factory.datastore
        reach = datastore.get_connection
        self.lost = 0

        @contextmanager
        def get_connection() -> Iterator[Any]:
            with reach() as conn:
                yield conn
            if not self.lost and is_stored():
                self.lost += 1
                raise OperationalError("the connection is gone")

        def is_stored() -> bool:
            with reach() as conn:
                conn.execute("SELECT set_config('app.tenant_id', %s, false)", (TENANT,))
                return bool(conn.execute("SELECT 1 FROM es.decision_events").fetchone())

        datastore.get_connection = get_connection
        return factory


@pytest.mark.parametrize("command_id", ["", "cmd"])
def test_i1_a_lost_acknowledgement_is_no_conflict(dsn: str, command_id: str) -> None:
    """The library repeats the insert, which conflicts with itself; the caller hears its success."""
    with EventStore(dsn, "pm_api", application=LosesAcknowledgements) as store:
        decided = create_tenant(store, command_id)
        assert store._application.lost == 1  # type: ignore[attr-defined]

    (row,) = rows(dsn, "decision_events")
    assert decided.position == row["notification_id"]
    assert decided.events
    assert not decided.answered


def test_i1_a_lost_acknowledgement_of_many_is_no_conflict(dsn: str) -> None:
    """Two decisions that would count again: the batch that is repeated stored them once."""

    def add(number: int) -> Wanted:
        told = tenant.TenantSuspended(tenant_id=TENANT, reason=str(number))
        stream = tenant.stream(TENANT)
        return Wanted(stream, tenant.initial, tenant.evolve, lambda _: (told,), CONTEXT)

    with EventStore(dsn, "pm_api", application=LosesAcknowledgements) as store:
        outcomes = store.transact_many([add(1), add(2)])
        assert store._application.lost == 1  # type: ignore[attr-defined]

    stored = [row["notification_id"] for row in rows(dsn, "decision_events")]
    assert [outcome.position for outcome in outcomes if isinstance(outcome, Decided)] == stored
    assert len(stored) == 2


def test_decisions_wait_for_the_relay_to_compare(dsn: str) -> None:
    """After a restart of Postgres nobody decides until store and log were found to agree."""
    with EventStore(dsn, "pm_api", needs_relay=True) as store:
        with pytest.raises(StoreUnavailable, match="relay"):
            create_tenant(store)
        with psycopg.connect(dsn) as conn:
            conn.execute("UPDATE es.relay SET compared_with = pipeline.incarnation()")
        assert create_tenant(store).events


def test_no_postgres_is_a_state_of_the_outside() -> None:
    nowhere = "postgresql://postgres@127.0.0.1:1/postgres"
    with pytest.raises(StoreUnavailable):
        EventStore(nowhere, "pm_api")


def cap(n: int) -> sending_ip.SendingIpCapSet:
    return sending_ip.SendingIpCapSet(
        tenant_id=TENANT, ip="ip_1", provider="p", cap_per_day=n, reason="a test"
    )


def on_ip(
    store: EventStore,
    decide: Callable[[sending_ip.State], tuple[Event, ...]],
    evolve: Callable[[sending_ip.State, Event], sending_ip.State] = sending_ip.evolve,
) -> Decided:
    return store.transact("ip-ip_1", sending_ip.initial, evolve, decide, tenant_id=TENANT)


def folded_by_test(state: sending_ip.State, event: Event) -> sending_ip.State:
    """The same fold in another module, hence other code."""
    folds.append(event)
    return sending_ip.evolve(state, event)


folds: list[Event] = []


def still_capped_at_minus_one(state: sending_ip.State) -> tuple[Event, ...]:
    assert state.caps["p"] == -1
    return ()


def test_a_long_stream_is_folded_from_its_snapshot(store: EventStore, dsn: str) -> None:
    on_ip(store, lambda _: tuple(cap(n) for n in range(SNAPSHOT_EVERY)), folded_by_test)
    on_ip(store, lambda _: (cap(-1),), folded_by_test)
    folds.clear()
    on_ip(store, still_capped_at_minus_one, folded_by_test)

    assert folds == [cap(-1)]
    assert [row["originator_version"] for row in rows(dsn, "decision_snapshot")] == [SNAPSHOT_EVERY]


def test_a_snapshot_of_other_code_is_not_used(store: EventStore, dsn: str) -> None:
    on_ip(store, lambda _: tuple(cap(n) for n in range(SNAPSHOT_EVERY)))
    folds.clear()
    on_ip(store, lambda _: (), folded_by_test)

    assert len(folds) == SNAPSHOT_EVERY
    assert snapshots.code_of(folded_by_test) != snapshots.code_of(sending_ip.evolve)


def test_an_older_version_is_read_through_its_upcaster(store: EventStore, dsn: str) -> None:
    """Version 1 lies in the store; version 2 renamed a field; the stored bytes stay as they are."""
    with declared_twice() as (first, second):
        store.transact("thing-1", 0, lambda n, _: n, lambda _: (first,), tenant_id=TENANT)
        REGISTRY["ThingDone"] = second.event_type
        seen: list[Event] = []

        def look(state: tuple[Event, ...]) -> tuple[Event, ...]:
            seen.extend(state)
            return ()

        nothing: tuple[Event, ...] = ()
        store.transact("thing-1", nothing, lambda state, e: (*state, e), look, tenant_id=TENANT)

        assert seen == [second(tenant_id=TENANT, many=3)]
        (row,) = rows(dsn, "decision_events")
        assert (row["topic"], orjson.loads(row["state"])) == (
            "ThingDone.v1",
            {"tenant_id": TENANT, "count": 3},
        )
        with pytest.raises(codec.Undecodable, match="version 3"):
            codec.decode("ThingDone", 3, row["state"])


@contextmanager
def declared_twice() -> Iterator[tuple[Event, Any]]:
    def rename(data: dict[str, Any]) -> dict[str, Any]:
        return {"tenant_id": data["tenant_id"], "many": data["count"]}

    @event_type("ThingDone", topic=Topic.DECISIONS, key="tenant_id")
    class ThingDone(Event):
        """As it was."""

        tenant_id: str
        count: int

    old = REGISTRY.pop("ThingDone")

    @event_type(
        "ThingDone", topic=Topic.DECISIONS, key="tenant_id", version=2, upcasters={1: rename}
    )
    class ThingDoneNow(Event):
        """As it is."""

        tenant_id: str
        many: int

    REGISTRY["ThingDone"] = old
    try:
        yield ThingDone(tenant_id=TENANT, count=3), ThingDoneNow
    finally:
        del REGISTRY["ThingDone"]
