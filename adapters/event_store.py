"""`domain.ports.Decider` on the decision log in Postgres."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, Unpack

from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from psycopg import Connection
from psycopg.rows import DictRow

from adapters import decision_batches, snapshots
from adapters.deciding_together import chunks, decide_together
from adapters.decision_batches import Leaves
from adapters.decision_log import SQL, Decisions, Entry
from adapters.loaded_stream import Loaded, answered
from domain.event import Event
from domain.ports import (
    CommandContext,
    ConcurrentAppend,
    Decided,
    Decider,
    Outcome,
    S,
    StoreUnavailable,
    Wanted,
)
from domain.refusals import Refused, Taken

NOT_COMPARED = "the relay has not yet compared the event store with Kafka; see that it runs"
ATTEMPTS = 3  # at a decision, when others change its stream at the same time


class NotCompared(StoreUnavailable):
    """The relay has not found store and log to agree since Postgres started; nothing was stored."""


class LogAway(StoreUnavailable):
    """The log takes no decisions now, so none would have an effect; nothing was stored."""


@dataclass(frozen=True)
class Followed:
    """Events that follow a stream's version, each with its id."""

    stream_id: str
    version: int
    events: Sequence[tuple[str, Event]]
    context: CommandContext

    def entries(self) -> list[Entry]:
        """Each at its place in the stream."""
        return [
            Entry(self.stream_id, version, event, event_id)
            for version, (event_id, event) in enumerate(self.events, self.version + 1)
        ]


class EventStore:
    """Takes decisions under a database role; threads may share it.

    Making it connects. With `needs_relay` it decides only once the relay has found store and log to
    agree since Postgres started (design-fixes.md 6).
    """

    def __init__(
        self,
        dsn: str,
        role: str,
        *,
        needs_relay: bool = False,
        application: type[Decisions] = Decisions,
    ) -> None:
        self._needs_relay = needs_relay
        with _available():
            self._application = application(dsn, role)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._application.close()

    def transact(
        self,
        stream_id: str,
        initial: S,
        evolve: Callable[[S, Event], S],
        decide: Callable[[S], Sequence[Event]],
        **context: Unpack[CommandContext],
    ) -> Decided:
        """As the port promises."""
        code = snapshots.code_of(evolve)
        with _available():
            for _ in range(ATTEMPTS):
                stream = self._application.decision_recorder.select_stream(stream_id, context, code)
                self._require_relay(stream.hindrance)
                if stream.answer:
                    return answered(stream)
                loaded = Loaded.of(self._application, stream_id, stream, initial, evolve)
                events = tuple(decide(loaded.state))
                with contextlib.suppress(IntegrityError):  # others were quicker: look again
                    position = self._store(loaded, events, context)
                    after = loaded.after(events, evolve, position)
                    after.keep_snapshot(self._application, evolve, context)
                    return Decided(position, events, stream_id=stream_id)
        raise ConcurrentAppend(f"{stream_id} was changed {ATTEMPTS} times meanwhile; ask again")

    def transact_many(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """As the port promises."""
        with _available():
            return [outcome for chunk in chunks(wanted) for outcome in self._many(chunk)]

    def append(
        self, followed: Sequence[Followed], before: Callable[[Connection[DictRow]], None]
    ) -> None:
        """Append events that were decided elsewhere, with rows of the caller's, or nothing.

        `before` writes those rows in the same transaction (ADR 0010); it must raise when they are
        not as the events were decided on, also because they were written already. Raises what it
        raises, IntegrityError when a stream goes further than told, StoreUnavailable.
        """
        log = self._application

        def also(conn: Connection[DictRow]) -> None:
            row = conn.execute(SQL["hindrance"]).fetchone()
            self._require_relay(row["why"] if row else "")
            before(conn)

        with _available():
            leaves = [
                Leaves(
                    one.stream_id,
                    one.context,
                    [log.mapper.to_stored_event(entry) for entry in one.entries()],  # type: ignore[misc]
                    None,
                )
                for one in followed
            ]
            decision_batches.append(log.decision_recorder, leaves, also)

    def _many(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """In one transaction; where that cannot be, in two halves, and so on down to one."""
        if len(wanted) == 1:
            return [self._one(wanted[0])]
        with contextlib.suppress(IntegrityError, Taken):
            return decide_together(self._application, wanted, self._require_relay)
        half = len(wanted) // 2
        return self._many(wanted[:half]) + self._many(wanted[half:])

    def _one(self, one: Wanted) -> Outcome:
        try:
            return self.transact(one.stream_id, one.initial, one.evolve, one.decide, **one.context)
        except (Refused, ConcurrentAppend) as answer:
            return answer

    def _require_relay(self, hindrance: str) -> None:
        if not self._needs_relay or not hindrance:
            return
        if hindrance == "not_compared":
            raise NotCompared(NOT_COMPARED)
        raise LogAway(f"Kafka takes no decisions now: {hindrance}; ask again")

    def _store(
        self, loaded: Loaded[S], events: Sequence[Event], context: CommandContext
    ) -> int | None:
        """Append the events; returns the log's position after them. Raises IntegrityError."""
        if not events and not context.get("command_id"):
            return loaded.position
        entries = loaded.entries(events)
        told: dict[str, Any] = {"stream_id": loaded.stream_id, "position": loaded.position}
        try:
            recordings = self._application.save(*entries, context=context, **told)
        except IntegrityError:
            if (position := self._position_of(entries, context)) is None:
                raise
            return position
        return recordings[-1].notification.id if recordings else loaded.position

    def _position_of(self, entries: Sequence[Entry], context: CommandContext) -> int | None:
        """Where these very entries stand in the log: the commit of a lost connection held them.

        The library repeats an insert whose acknowledgement was lost, and the repeat then conflicts
        with itself (reference/eventsourcing.md §1.2).
        """
        stream_id = entries[0].originator_id
        stored = self._application.decision_recorder.select_stream(
            stream_id, context, code=""
        ).entries
        found = {entry.event_id: entry.position for entry in stored}
        return found.get(entries[-1].event_id)


class OnFirstUse:
    """A Decider that connects with its first decision, so that who makes it need not wait."""

    def __init__(self, make: Callable[[], EventStore]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: EventStore | None = None

    def transact(
        self,
        stream_id: str,
        initial: S,
        evolve: Callable[[S, Event], S],
        decide: Callable[[S], Sequence[Event]],
        **context: Unpack[CommandContext],
    ) -> Decided:
        """As the port promises; StoreUnavailable while Postgres is away, and tried again then."""
        return self._store().transact(stream_id, initial, evolve, decide, **context)

    def transact_many(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """As the port promises; StoreUnavailable as of `transact`."""
        return self._store().transact_many(wanted)

    def _store(self) -> EventStore:
        with self._lock:
            self._made = self._made or self._make()
            return self._made

    def close(self) -> None:
        """Give the connections back."""
        if self._made:
            self._made.close()


class InThread:
    """`domain.ports.AsyncDecider`: a Decider whose waits stay off the event loop."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider

    async def transact(
        self,
        stream_id: str,
        initial: S,
        evolve: Callable[[S, Event], S],
        decide: Callable[[S], Sequence[Event]],
        **context: Unpack[CommandContext],
    ) -> Decided:
        """As the port promises."""
        transact = partial(self._decider.transact, stream_id, initial, evolve, decide, **context)
        return await asyncio.to_thread(transact)


@contextlib.contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except (InterfaceError, OperationalError) as error:
        raise StoreUnavailable(f"Postgres cannot take decisions: {error}") from error
