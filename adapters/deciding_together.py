"""Many decisions in one transaction: one look at all streams, each decides in turn, one append."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventsourcing.persistence import IntegrityError

from adapters import decision_batches
from adapters.decision_batches import Leaves
from adapters.decision_log import Decisions, StoredEntry, Stream
from adapters.loaded_stream import Loaded, answered
from domain.event import Event
from domain.ports import Decided, Outcome, Wanted
from domain.refusals import Refused

MANY = 1000  # decisions in one transaction: what memory, and how long others wait


def chunks(wanted: Sequence[Wanted]) -> Iterator[Sequence[Wanted]]:
    """So many at a time. A command that comes again begins the next: it finds its answer there."""
    start, given = 0, set[tuple[str, str]]()
    for number, one in enumerate(wanted):
        command = (one.context["tenant_id"], one.context.get("command_id", ""))
        if number - start == MANY or (command[1] and command in given):
            yield wanted[start:number]
            start, given = number, set()
        given.add(command)
    if start < len(wanted):
        yield wanted[start:]


@dataclass
class _Standing:
    """A stream, as it is once the decisions so far are stored."""

    loaded: Loaded[Any]
    last: int | None = None  # number of the batch's entry that it ends with; None: unchanged


@dataclass
class _Batch:
    """What is to be stored, and what each decision will have come to."""

    leaves: list[Leaves] = field(default_factory=list)
    entries: list[StoredEntry] = field(default_factory=list)
    standing: dict[tuple[str, str], _Standing] = field(default_factory=dict)


def decide_together(
    log: Decisions, wanted: Sequence[Wanted], check: Callable[[str], None]
) -> list[Outcome]:
    """Take all of them, in order, and store what they decide, all of it or nothing.

    `check` may refuse to go on. Raises IntegrityError when others changed one of the streams
    meanwhile, Taken when a reservation is another stream's: nothing is stored then.
    """
    streams = decision_batches.look(log.decision_recorder, wanted)
    check(streams[0].hindrance)
    batch = _Batch()
    outcomes = [
        _decide(log, batch, one, stream) for one, stream in zip(wanted, streams, strict=True)
    ]
    positions = _store(log, batch)
    _keep_snapshots(log, batch, wanted, positions)
    return [
        outcome if isinstance(outcome, (Decided, Refused)) else outcome(positions)
        for outcome in outcomes
    ]


def _decide(
    log: Decisions, batch: _Batch, one: Wanted, stream: Stream
) -> Decided | Refused | Callable[[Sequence[int]], Decided]:
    """The outcome, or what it will be once the positions of the batch's entries are known."""
    if stream.answer:
        return answered(stream)
    place = (one.context["tenant_id"], one.stream_id)
    if (standing := batch.standing.get(place)) is None:
        loaded = Loaded.of(log, one.stream_id, stream, one.initial, one.evolve)
        standing = batch.standing[place] = _Standing(loaded)
    try:
        events = tuple(one.decide(standing.loaded.state))
    except Refused as refusal:
        return refusal
    if events or one.context.get("command_id"):
        _leave(log, batch, one, standing, events)
    last, before = standing.last, standing.loaded.position
    return lambda positions: Decided(
        before if last is None else positions[last], events, stream_id=one.stream_id
    )


def _leave(
    log: Decisions, batch: _Batch, one: Wanted, standing: _Standing, events: tuple[Event, ...]
) -> None:
    loaded = standing.loaded
    stored: list[Any] = [log.mapper.to_stored_event(entry) for entry in loaded.entries(events)]
    before = loaded.position if standing.last is None else None
    batch.leaves.append(Leaves(one.stream_id, one.context, stored, before))
    if events:
        batch.entries += stored
        standing.loaded = loaded.after(events, one.evolve, loaded.position)
        standing.last = len(batch.entries) - 1


def _store(log: Decisions, batch: _Batch) -> Sequence[int]:
    if not batch.leaves:
        return ()
    try:
        positions: list[int] = decision_batches.append(log.decision_recorder, batch.leaves)
    except IntegrityError:
        positions = _found(log, batch)
        if not positions:
            raise
    return positions


def _found(log: Decisions, batch: _Batch) -> list[int]:
    """Where these very entries stand, all or none: the commit of a lost connection held them.

    The insert is repeated then, and conflicts with itself.
    """
    stored = decision_batches.positions(log.decision_recorder, batch.leaves)
    return [stored[one.event_id] for one in batch.entries if one.event_id in stored]


def _keep_snapshots(
    log: Decisions, batch: _Batch, wanted: Sequence[Wanted], positions: Sequence[int]
) -> None:
    by_place = {(one.context["tenant_id"], one.stream_id): one for one in wanted}
    for place, standing in batch.standing.items():
        one, last = by_place[place], standing.last
        position = standing.loaded.position if last is None else positions[last]
        standing.loaded.after((), one.evolve, position).keep_snapshot(log, one.evolve, one.context)
