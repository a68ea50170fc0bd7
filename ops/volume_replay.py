"""Volume control's states from the log alone, turn by turn as VolumeAdvanced tells them.

The same turns with the same folds give the same states to the byte; with another fold they tell
what it would have decided. Nothing here can write or send.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from adapters import codec
from domain.event import Event, Topic
from domain.governor.advances import Traced, VolumeAdvanced
from domain.governor.inputs import Scopes
from streams.volume import sifting, turn
from streams.volume.folds import FOLDS, Fold, TenantState
from streams.volume.inputs import Fact
from streams.volume.sifting import Place, Raw
from streams.volume.turn import Turn, Turned

CHUNK = 2000  # records of a partition read at once
ADVANCED = VolumeAdvanced.event_type.name.encode()


class Reading(Protocol):
    """Reads spans of the log, as adapters/log_spans.py does."""

    async def ends(self, places: Sequence[Place]) -> dict[Place, int]: ...

    async def read(
        self, topic: str, partition: int, start: int, stop: int, most: int
    ) -> list[Any]: ...


class Broken(Exception):  # noqa: N818 - says what is wrong
    """The log does not hold what an advance tells of."""


@dataclass
class Replayed:
    """Where a replay stands: states by tenant, cursors, and how many events each stream has."""

    states: dict[str, TenantState] = field(default_factory=dict)
    upto: dict[Place, int] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)  # VolumeAdvanced by worker
    turns: int = 0


#: Sees each turn with what it came to.
Watch = Callable[[VolumeAdvanced, Turn, Turned], None]
Before = Callable[[VolumeAdvanced], None]


@dataclass
class _Partition:
    """Records of one partition in their order, read ahead."""

    place: Place
    end: int
    prefix: str
    reading: Reading
    ahead: deque[Raw] = field(default_factory=deque)
    next_offset: int = 0

    async def span(self, since: int, offset: int) -> list[Raw]:
        """The records from `since` on, below `offset`; spans are asked for in rising order."""
        found: list[Raw] = []
        if self.ahead and self.ahead[-1].offset < since:
            self.ahead.clear()
        if not self.ahead:
            self.next_offset = max(self.next_offset, since)
        while True:
            while self.ahead and self.ahead[0].offset < offset:
                record = self.ahead.popleft()
                if record.offset >= since:
                    found.append(record)
            if self.ahead or self.next_offset >= offset:
                return found
            await self._read(offset)

    async def _read(self, wanted: int) -> None:
        if self.next_offset >= self.end:
            topic, partition = self.place
            raise Broken(f"{topic}/{partition} ends at {self.end}; an advance tells of {wanted}")
        records = await self.reading.read(*self.place, self.next_offset, self.end, CHUNK)
        self.ahead.extend(sifting.raw(record, self.prefix) for record in records)
        self.next_offset = self.ahead[-1].offset + 1 if self.ahead else self.end


async def replay(
    reading: Reading,
    places: Sequence[Place],
    prefix: str = "",
    *,
    folds: tuple[Fold, ...] = FOLDS,
    watch: Watch = lambda *_: None,
    before: Before = lambda _: None,
    turns_max: int | None = None,
) -> Replayed:
    """Take every turn that the log tells of, or the first `turns_max`; `before` is told of each.

    Raises Broken, LogUnavailable.
    """
    ends = await reading.ends(places)
    partitions = {place: _Partition(place, ends[place], prefix, reading) for place in places}
    found = Replayed()
    async for advance in advances(reading, ends):
        if found.turns == turns_max:
            break
        before(advance)
        taken = await _turn(advance, found, partitions)
        own = {one: found.states[one] for one in taken.tenants() if one in found.states}
        turned = turn.take(taken, own, folds)
        watch(advance, taken, turned)
        found.states |= turned.states
        found.upto |= {(at["topic"], at["partition"]): at["offset"] for at in advance.upto}
        found.told[advance.worker] = found.told.get(advance.worker, 0) + 1
        found.turns += 1
    return found


async def advances(reading: Reading, ends: Mapping[Place, int]) -> AsyncIterator[VolumeAdvanced]:
    """All of them in their order: one partition holds them, as they are of one tenant."""
    last_pos = -1
    for place, end in sorted(ends.items()):
        start = 0
        while place[0] == Topic.DECISIONS and start < end:
            records = await reading.read(*place, start, end, CHUNK)
            for record in records:
                pos = codec.pos_of(record.headers) or -1
                if dict(record.headers).get("ce_type") == ADVANCED and pos > last_pos:
                    last_pos = pos
                    event: Event = codec.recorded(record).event
                    assert isinstance(event, VolumeAdvanced)  # noqa: S101 - by its name
                    yield event
            start = records[-1].offset + 1 if records else end


async def _turn(
    advance: VolumeAdvanced, found: Replayed, partitions: Mapping[Place, _Partition]
) -> Turn:
    spans = {}
    for at in advance.upto:
        place = at["topic"], at["partition"]
        spans[place] = await partitions[place].span(at["since"], at["offset"])
    facts = sifting.sift(spans, found.states.keys()).facts
    facts += [await _signal(told, partitions) for told in advance.traced]
    return Turn(facts, advance.ticked, advance.at, frozenset(advance.refused))


async def _signal(told: Traced, partitions: Mapping[Place, _Partition]) -> Fact:
    """The signal that an advance traced, wherever it lies: it may have waited for its send."""
    place = Topic.SIGNALS.value, told["partition"]
    own, offset = partitions[place], told["offset"]
    records = await own.reading.read(*place, offset, offset + 1, 1)
    raws = [sifting.raw(record, own.prefix) for record in records]
    sifted = sifting.sift({place: raws}, None).signals
    if not sifted:
        raise Broken(f"{place[0]}/{place[1]} has no signal at {offset}, which an advance traced")
    fact = sifted[0]
    scopes = Scopes(
        fact.tenant_id, told["ip"], told["provider"], told["domain_id"], told["campaign_id"]
    )
    return replace(fact, scopes=scopes)
