"""A stream of the decision log, folded: what decisions are taken on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass
from functools import reduce
from typing import Any, Generic, Self

from eventsourcing.persistence import PersistenceError

from adapters import snapshots
from adapters.decision_log import Decisions, Entry, Snapshot, Stream
from domain.event import Event
from domain.ids import new_id
from domain.ports import CommandContext, Decided, S

SNAPSHOT_EVERY = 200  # events


@dataclass(frozen=True)
class Loaded(Generic[S]):
    """A stream's state, its last version and position in the log, and what folding it took."""

    stream_id: str
    state: S
    version: int
    position: int | None
    folded: int

    @classmethod
    def of(
        cls,
        log: Decisions,
        stream_id: str,
        stream: Stream,
        initial: S,
        evolve: Callable[[S, Event], S],
    ) -> Self:
        """Fold what the log holds of a stream."""
        start, snapshot = initial, stream.snapshot
        if snapshot:
            start = snapshots.load(type(initial), snapshot.state)
        state = reduce(evolve, map(log.event_of, stream.entries), start)
        last = stream.entries[-1] if stream.entries else None
        version = last.originator_version if last else snapshot.version if snapshot else 0
        position = last.position if last else snapshot.position if snapshot else None
        return cls(stream_id, state, version, position, len(stream.entries))

    def entries(self, events: Sequence[Event]) -> list[Entry]:
        """The events at the places in the stream that follow."""
        return [
            Entry(self.stream_id, version, event, new_id("evt"))
            for version, event in enumerate(events, self.version + 1)
        ]

    def after(
        self, events: Sequence[Event], evolve: Callable[[S, Event], S], position: int | None
    ) -> Loaded[S]:
        """The same stream once these are stored, the last of them at `position`."""
        return Loaded(
            self.stream_id,
            reduce(evolve, events, self.state),
            self.version + len(events),
            position,
            self.folded + len(events),
        )

    def keep_snapshot(
        self, log: Decisions, evolve: Callable[[S, Event], S], context: CommandContext
    ) -> None:
        """Spare the next one a long fold. The events are stored, so that a failure here is none."""
        if self.folded < SNAPSHOT_EVERY or not is_dataclass(type(self.state)):
            return
        snapshot = Snapshot(self.version, self.position, snapshots.dump(self.state))
        with contextlib.suppress(PersistenceError):
            log.decision_recorder.keep_snapshot(
                self.stream_id, context, snapshots.code_of(evolve), snapshot
            )


def answered(stream: Stream) -> Decided:
    """What the command came to that the stream's log has answered before."""
    found: Any = stream.answer
    return Decided(found["position"], (), answered=True, stream_id=found["stream_id"])
