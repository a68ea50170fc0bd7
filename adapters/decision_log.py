"""The decision log on `eventsourcing`: its Application with our recorder and our plain-JSON mapper.

The recorder writes events, who and why, the command's answer and the reserved values in one
transaction, under the table lock that makes ids rise in commit order: without the lock a reader of
the log loses events (reference/eventsourcing.md, finding 6).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventsourcing.application import Application
from eventsourcing.persistence import (
    InfrastructureFactory,
    JSONTranscoder,
    Mapper,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg import Cursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from adapters import codec
from adapters.briefly import briefly
from adapters.postgres import BIND, bound_by, named_sql, role_options
from domain.event import Event
from domain.ports import CommandContext, Reservation

SQL = named_sql(Path(__file__).with_suffix(".sql"))
TABLE = "decision_events"  # and the channel that the recorder notifies
CONNECT_TIMEOUT_S = 2
LOCK_TIMEOUT_S = 10
POOL_SIZE, POOL_OVERFLOW = 2, 6


class Misconfigured(Exception):  # noqa: N818 - says what is wrong and the cure
    """A setting under which events would be lost."""


@dataclass(frozen=True)
class Entry:
    """An event at its place in a stream: what `eventsourcing` calls a domain event."""

    originator_id: str
    originator_version: int
    event: Event
    event_id: str


@dataclass(frozen=True)
class StoredEntry(StoredEvent):
    """The bytes of an Entry. `topic` is its type's stable name and version, never a class path."""

    event_id: str
    position: int = 0  # once stored


@dataclass(frozen=True)
class Snapshot:
    """A folded state, and the place in stream and log that it stands for."""

    version: int
    position: int | None
    state: bytes


@dataclass(frozen=True)
class Stream:
    """What the log holds of a stream: a snapshot perhaps, and the entries after it."""

    snapshot: Snapshot | None
    entries: Sequence[StoredEntry]
    answer: DictRow | None  # of the command that asks, when it was answered before
    hindrance: str  # why nothing may be decided now (es.hindrance)


def topic_of(name: str, version: int) -> str:
    """The stable name under which events are stored."""
    return f"{name}.v{version}"


def type_of(topic: str) -> tuple[str, int]:
    """Event type and version of a stored topic."""
    name, _, version = topic.rpartition(".v")
    return name, int(version)


class PlainMapper(Mapper[str]):
    """Entries as plain JSON under registry names; older versions go through their upcasters."""

    def to_stored_event(self, domain_event: Any) -> StoredEntry:
        declared = type(domain_event.event).event_type
        return StoredEntry(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=topic_of(declared.name, declared.version),
            state=codec.encode(domain_event.event),
            event_id=domain_event.event_id,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        name, version = type_of(stored_event.topic)
        return Entry(
            originator_id=str(stored_event.originator_id),
            originator_version=stored_event.originator_version,
            event=codec.decode(name, version, stored_event.state),
            event_id=getattr(stored_event, "event_id", ""),
        )


class DecisionRecorder(PostgresApplicationRecorder):
    """The library's recorder with our columns; it keeps the table lock and the notification."""

    #: The library's own, which tries for 20 s and more.
    insert_events = briefly(inspect.unwrap(PostgresApplicationRecorder.insert_events))

    def _insert_events(
        self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **told: Any
    ) -> None:
        """First statements of the transaction: before the lock, so that waits stay outside it."""
        context: CommandContext = told["context"]
        curs.execute(BIND, (bound_by(), context["tenant_id"]))
        for wanted in context.get("reservations", ()):
            _reserve(curs, wanted, told)
        if not stored_events:
            curs.execute(SQL["remember_answer"], _params(told))

    def _insert_stored_events(
        self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **told: Any
    ) -> None:
        self.begin_appending(curs)
        columns = {
            "originator_ids": [stored.originator_id for stored in stored_events],
            "versions": [stored.originator_version for stored in stored_events],
            "topics": [stored.topic for stored in stored_events],
            "states": [stored.state for stored in stored_events],
            "event_ids": [stored.event_id for stored in stored_events],  # type: ignore[attr-defined]
        }
        curs.execute(SQL["append"], columns | _params(told))

    def _fetch_ids_after_insert_events(
        self,
        curs: Cursor[DictRow],
        stored_events: Sequence[StoredEvent],  # noqa: ARG002 - the library's signature
        **_: Any,
    ) -> Sequence[int]:
        return [row["notification_id"] for row in curs.fetchall()]

    @briefly
    def select_stream(self, stream_id: str, context: CommandContext, code: str) -> Stream:
        """A stream as its tenant sees it, and the answer if the command was given before."""
        asked = _params({"context": context, "stream_id": stream_id}) | {"code": code}
        with self.datastore.transaction() as curs:
            curs.execute(BIND, (bound_by(), context["tenant_id"]))
            hindrance = curs.execute(SQL["hindrance"]).fetchone()
            answer = curs.execute(SQL["answer"], asked).fetchone() if asked["command_id"] else None
            row = curs.execute(SQL["snapshot"], asked).fetchone()
            snapshot = _snapshot(row) if row else None
            after = snapshot.version if snapshot else 0
            rows = curs.execute(SQL["stream"], asked | {"after": after}).fetchall()
        return Stream(
            snapshot,
            [entry_of(row) for row in rows],
            answer,
            hindrance["why"] if hindrance else "",
        )

    def begin_appending(self, curs: Cursor[DictRow]) -> None:
        """From here to the commit nobody else appends; the relay is told of the commit."""
        self._lock_table(curs)
        self._notify_channel(curs)

    def keep_snapshot(
        self, stream_id: str, context: CommandContext, code: str, snapshot: Snapshot
    ) -> None:
        """Put it in place of an older one. Repeating is safe."""
        kept = {
            "stream_id": stream_id,
            "tenant_id": context["tenant_id"],
            "code": code,
            "version": snapshot.version,
            "position": snapshot.position,
            "state": snapshot.state,
        }
        with self.datastore.transaction(commit=True) as curs:
            curs.execute(BIND, (bound_by(), context["tenant_id"]))
            curs.execute(SQL["keep_snapshot"], kept)


def _snapshot(row: DictRow) -> Snapshot:
    return Snapshot(row["originator_version"], row["position"], bytes(row["state"]))


def entry_of(row: DictRow) -> StoredEntry:
    return StoredEntry(
        originator_id=row["originator_id"],
        originator_version=row["originator_version"],
        topic=row["topic"],
        state=bytes(row["state"]),
        event_id=row["event_id"],
        position=row["notification_id"],
    )


def _reserve(curs: Cursor[DictRow], wanted: Reservation, told: Mapping[str, Any]) -> None:
    """Hold a value for this stream. Raises Taken when another stream, of any tenant, holds it."""
    asked = _params(told) | {"kind": wanted.kind, "scope": wanted.scope, "value": wanted.value}
    curs.execute(SQL["reserve"], asked)
    held = curs.execute(SQL["holder"], asked).fetchone()
    if held is None or held["stream_id"] != told["stream_id"]:
        raise wanted.refusal()


def _params(told: Mapping[str, Any]) -> dict[str, Any]:
    context = told["context"]
    names = ("command_id", "actor", "causation", "correlation")
    given = {name: context.get(name, "") for name in names}
    return given | {
        "tenant_id": context["tenant_id"],
        "stream_id": told["stream_id"],
        "position": told.get("position"),
    }


class Decisions(Application[str]):
    """The Application whose log is `es.decision_events`. Connecting happens when it is made.

    Raises Misconfigured for POSTGRES_ENABLE_DB_FUNCTIONS, which drops the table lock.
    """

    name = "decision"
    recorder_class: type[DecisionRecorder] = DecisionRecorder

    def __init__(self, dsn: str, role: str) -> None:
        self._connection = conninfo_to_dict(dsn)
        self._role = role
        super().__init__(self._environment())

    def _environment(self) -> dict[str, str]:
        place = {
            f"POSTGRES_{name.upper()}": str(self._connection.get(name) or "")
            for name in ("dbname", "host", "port", "user", "password")
        }
        return place | {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "ORIGINATOR_ID_TYPE": "text",
            "POSTGRES_SCHEMA": "es",
            "CREATE_TABLE": "n",  # migrations do
            "POSTGRES_PRE_PING": "y",
            "POSTGRES_CONNECT_TIMEOUT": str(CONNECT_TIMEOUT_S),
            "POSTGRES_LOCK_TIMEOUT": str(LOCK_TIMEOUT_S),
            "POSTGRES_POOL_SIZE": str(POOL_SIZE),
            "POSTGRES_MAX_OVERFLOW": str(POOL_OVERFLOW),
        }

    def construct_factory(self, env: Any) -> InfrastructureFactory[Any]:
        """Connect with all that the DSN says, under the role."""
        factory: Any = super().construct_factory(env)
        if factory.datastore.enable_db_functions:
            factory.close()
            raise Misconfigured(
                "POSTGRES_ENABLE_DB_FUNCTIONS drops the table lock and readers then lose events;"
                " unset it"
            )
        factory.datastore.pool.kwargs = self._connection | {
            "options": role_options(self._role),
            "application_name": self._role,
            "row_factory": dict_row,
        }
        return factory  # type: ignore[no-any-return]

    def construct_mapper(self) -> Mapper[str]:
        return PlainMapper(JSONTranscoder())

    def construct_recorder(self) -> DecisionRecorder:
        factory: Any = self.factory
        self.decision_recorder = self.recorder_class(factory.datastore, events_table_name=TABLE)
        return self.decision_recorder

    def event_of(self, stored: StoredEvent) -> Event:
        """The event that a stored entry holds, in its newest version."""
        entry: Any = self.mapper.to_domain_event(stored)
        event: Event = entry.event
        return event
