"""Memory twins of ports: the same contracts, for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from threading import RLock

from domain.event import Event, Meta, Recorded
from domain.ids import new_id
from domain.ports import ConcurrentAppend, Decided, Reservation, S


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

    def transact(  # noqa: PLR0913 - the port's
        self,
        stream_id: str,
        initial: S,
        evolve: Callable[[S, Event], S],
        decide: Callable[[S], Sequence[Event]],
        *,
        tenant_id: str,
        command_id: str = "",
        actor: str = "",
        causation: str = "",
        correlation: str = "",
        reservations: Sequence[Reservation] = (),
    ) -> Decided:
        """As the port promises."""
        with self._lock:
            if answer := self._answers.get((tenant_id, command_id)):
                return answer
            stream = self._streams.get(stream_id) or _Stream(tenant_id)
            known = stream.events if stream.tenant_id == tenant_id else []
            events = tuple(decide(reduce(evolve, known, initial)))
            if events:
                self._reserve(stream_id, reservations)
                self._append(stream_id, stream, tenant_id, events)
                self._publish(stream, tenant_id, events, (actor, causation, correlation))
            position = stream.position if stream.tenant_id == tenant_id else None
            if command_id:
                answer = Decided(position, (), answered=True, stream_id=stream_id)
                self._answers[tenant_id, command_id] = answer
            return Decided(position, events, stream_id=stream_id)

    def _reserve(self, stream_id: str, reservations: Sequence[Reservation]) -> None:
        for wanted in reservations:
            if self._holders.get(wanted, stream_id) != stream_id:
                raise wanted.refusal()
        self._holders |= dict.fromkeys(reservations, stream_id)

    def _append(
        self, stream_id: str, stream: _Stream, tenant_id: str, events: tuple[Event, ...]
    ) -> None:
        if stream.tenant_id != tenant_id:
            raise ConcurrentAppend(f"{stream_id} exists already")
        stream.events.extend(events)
        self._streams[stream_id] = stream

    def _publish(
        self, stream: _Stream, tenant_id: str, events: Sequence[Event], told: tuple[str, str, str]
    ) -> None:
        actor, causation, correlation = told
        for event in events:
            meta = Meta(
                id=new_id("evt"),
                time=self._now(),
                tenant_id=tenant_id,
                actor=actor,
                causation=causation,
                correlation=correlation,
            )
            stream.position = len(self.log) + 1
            topic = type(event).event_type.topics[0]
            self.log.append(Recorded(event=event, meta=meta, topic=topic, pos=stream.position))
