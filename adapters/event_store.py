"""`domain.ports.Decider` on the decision log in Postgres."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from functools import partial, reduce
from typing import Any, Generic, Self, Unpack

from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    PersistenceError,
)

from adapters import snapshots
from adapters.decision_log import Decisions, Entry, Snapshot, Stream
from domain.event import Event
from domain.ids import new_id
from domain.ports import (
    CommandContext,
    ConcurrentAppend,
    Decided,
    Decider,
    S,
    StoreUnavailable,
)

ATTEMPTS = 3  # at a decision, when others change its stream at the same time
SNAPSHOT_EVERY = 200  # events


class NotCompared(StoreUnavailable):
    """The relay has not found store and log to agree since Postgres started; nothing was stored."""


@dataclass(frozen=True)
class _Loaded(Generic[S]):
    """A stream's state, its last version and position in the log, and what folding it took."""

    state: S
    version: int
    position: int | None
    folded: int


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
                self._require_relay(stream)
                if stream.answer:
                    return _answered(stream)
                loaded = self._fold(stream, initial, evolve)
                events = tuple(decide(loaded.state))
                with contextlib.suppress(IntegrityError):  # others were quicker: look again
                    position = self._store(stream_id, loaded, events, context)
                    decided = Decided(position, events, stream_id=stream_id)
                    self._snapshot(loaded, decided, evolve, context)
                    return decided
        raise ConcurrentAppend(f"{stream_id} was changed {ATTEMPTS} times meanwhile; ask again")

    def _require_relay(self, stream: Stream) -> None:
        if self._needs_relay and not stream.relay_compared:
            raise NotCompared(
                "the relay has not yet compared the event store with Kafka; see that it runs"
            )

    def _fold(self, stream: Stream, initial: S, evolve: Callable[[S, Event], S]) -> _Loaded[S]:
        start, snapshot = initial, stream.snapshot
        if snapshot:
            start = snapshots.load(type(initial), snapshot.state)
        state = reduce(evolve, map(self._application.event_of, stream.entries), start)
        last = stream.entries[-1] if stream.entries else None
        version = last.originator_version if last else snapshot.version if snapshot else 0
        position = last.position if last else snapshot.position if snapshot else None
        return _Loaded(state, version, position, len(stream.entries))

    def _store(
        self,
        stream_id: str,
        loaded: _Loaded[S],
        events: Sequence[Event],
        context: CommandContext,
    ) -> int | None:
        """Append the events; returns the log's position after them. Raises IntegrityError."""
        if not events and not context.get("command_id"):
            return loaded.position
        entries = [
            Entry(stream_id, version, event, new_id("evt"))
            for version, event in enumerate(events, loaded.version + 1)
        ]
        told: dict[str, Any] = {"stream_id": stream_id, "position": loaded.position}
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

    def _snapshot(
        self,
        loaded: _Loaded[S],
        decided: Decided,
        evolve: Callable[[S, Event], S],
        context: CommandContext,
    ) -> None:
        """Spare the next one a long fold. The events are stored, so that a failure here is none."""
        long = loaded.folded + len(decided.events) >= SNAPSHOT_EVERY
        if not long or not is_dataclass(type(loaded.state)):
            return
        state = snapshots.dump(reduce(evolve, decided.events, loaded.state))
        version = loaded.version + len(decided.events)
        snapshot = Snapshot(version, decided.position, state)
        with contextlib.suppress(PersistenceError):
            self._application.decision_recorder.keep_snapshot(
                decided.stream_id, context, snapshots.code_of(evolve), snapshot
            )


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
        with self._lock:
            store = self._made = self._made or self._make()
        return store.transact(stream_id, initial, evolve, decide, **context)

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


def _answered(stream: Stream) -> Decided:
    assert stream.answer is not None  # noqa: S101 - asked before
    found = stream.answer
    return Decided(found["position"], (), answered=True, stream_id=found["stream_id"])


@contextlib.contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except (InterfaceError, OperationalError) as error:
        raise StoreUnavailable(f"Postgres cannot take decisions: {error}") from error
