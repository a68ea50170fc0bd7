"""Memory twins of ports: the same contracts, for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from threading import RLock
from typing import Unpack

from domain.event import Event, Meta, Recorded
from domain.ids import new_id
from domain.ports import (
    CommandContext,
    ConcurrentAppend,
    Decided,
    Letter,
    Outcome,
    Reservation,
    S,
    Wanted,
)
from domain.refusals import Refused


@dataclass
class _Stream:
    tenant_id: str
    position: int | None = None
    events: list[Event] = field(default_factory=list)


class MemoryDecider:
    """`domain.ports.Decider` in memory. `log` is what the relay would publish, in order."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.log: list[Recorded] = []
        self._now = now
        self._lock = RLock()
        self._streams: dict[str, _Stream] = {}
        self._answers: dict[tuple[str, str], Decided] = {}
        self._holders: dict[Reservation, str] = {}

    def transact(
        self,
        stream_id: str,
        initial: S,
        evolve: Callable[[S, Event], S],
        decide: Callable[[S], Sequence[Event]],
        **context: Unpack[CommandContext],
    ) -> Decided:
        """As the port promises."""
        tenant_id, command_id = context["tenant_id"], context.get("command_id", "")
        with self._lock:
            if answer := self._answers.get((tenant_id, command_id)):
                return answer
            stream = self._streams.get(stream_id) or _Stream(tenant_id)
            own = stream.tenant_id == tenant_id
            events = tuple(decide(reduce(evolve, stream.events if own else [], initial)))
            if events:
                self._store(stream_id, stream, events, context)
            position = stream.position if own else None
            if command_id:
                answer = Decided(position, (), answered=True, stream_id=stream_id)
                self._answers[tenant_id, command_id] = answer
            return Decided(position, events, stream_id=stream_id)

    def transact_many(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """As the port promises."""
        with self._lock:
            return [self._outcome(one) for one in wanted]

    def _outcome(self, one: Wanted) -> Outcome:
        try:
            return self.transact(one.stream_id, one.initial, one.evolve, one.decide, **one.context)
        except (Refused, ConcurrentAppend) as answer:
            return answer

    def _store(
        self,
        stream_id: str,
        stream: _Stream,
        events: tuple[Event, ...],
        context: CommandContext,
    ) -> None:
        reservations = context.get("reservations", ())
        for wanted in reservations:
            if self._holders.get(wanted, stream_id) != stream_id:
                raise wanted.refusal()
        if stream.tenant_id != context["tenant_id"]:
            raise ConcurrentAppend(f"{stream_id} exists already")
        self._holders |= dict.fromkeys(reservations, stream_id)
        self._streams[stream_id] = stream
        stream.events.extend(events)
        for event in events:
            stream.position = len(self.log) + 1
            self.log.append(self._recorded(event, stream.position, context))

    def _recorded(self, event: Event, position: int, context: CommandContext) -> Recorded:
        meta = Meta(
            id=new_id("evt"),
            time=self._now(),
            tenant_id=context["tenant_id"],
            actor=context.get("actor", ""),
            causation=context.get("causation", ""),
            correlation=context.get("correlation", ""),
        )
        return Recorded(
            event=event, meta=meta, topic=type(event).event_type.topics[0], pos=position
        )


@dataclass
class MemoryMail:
    """`domain.ports.SystemMail` in memory: letters in the order in which they were sent."""

    letters: list[Letter] = field(default_factory=list)

    def send(self, letter: Letter) -> None:
        self.letters.append(letter)
