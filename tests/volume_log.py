"""A log and rows in memory for volume control: records as Kafka keeps them, and what relays add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from adapters import codec
from domain.event import Event, Meta, Topic
from domain.platform import PLATFORM
from streams.volume.folds import TenantState
from streams.volume.inputs import Fact
from streams.volume.sifting import TOPICS, Place
from streams.volume.store import Commit, Held, Overtaken
from streams.volume.tracing import Left

PLACES: list[Place] = [(topic.value, part) for topic in TOPICS for part in range(2)]


class Log:
    """Topics of two partitions each; `tell` appends as a broker does."""

    def __init__(self) -> None:
        self.records: dict[Place, list[Any]] = {place: [] for place in PLACES}
        self.now_ms = 1_800_000_000_000
        self.pos = 0
        self.ids = 0

    def tell(self, event: Any, partition: int = 0, event_id: str = "") -> Any:
        """Append it now; the record."""
        topic = type(event).event_type.topics[0].value
        self.ids += 1
        meta = Meta(
            id=event_id or f"evt_{self.ids:026}",
            time=datetime.fromtimestamp(self.now_ms / 1000, UTC),
            tenant_id=event.tenant_id,
        )
        pos = None
        if topic == Topic.DECISIONS:
            self.pos += 1
            pos = self.pos
        held = self.records[topic, partition]
        record = SimpleNamespace(
            topic=topic,
            partition=partition,
            offset=len(held),
            timestamp=self.now_ms,
            key=b"",
            value=codec.encode(event),
            headers=codec.headers(event, meta, pos=pos),
        )
        held.append(record)
        return record

    def again(self, record: Any) -> None:
        """Append a record that stands there already once more, as a producer may."""
        held = self.records[record.topic, record.partition]
        fields = vars(record) | {"offset": len(held), "timestamp": self.now_ms}
        held.append(SimpleNamespace(**fields))

    # ---- streams.volume.control.LogSpans

    async def log_ids(self, places: Sequence[Place]) -> dict[Place, str]:
        return dict.fromkeys(places, "log")

    async def ends(self, places: Sequence[Place]) -> dict[Place, int]:
        return {place: len(self.records[place]) for place in places}

    async def read(self, topic: str, partition: int, start: int, stop: int, most: int) -> list[Any]:
        return self.records[topic, partition][start : min(stop, start + most)]


class Crashed(Exception):  # noqa: N818 - what a test does to a worker
    """The process died here."""


@dataclass
class Rows:
    """`streams.volume.store.Store` in memory; what is decided goes into the log at once."""

    log: Log
    worker: str = "1"
    positions: dict[Place, int] = field(default_factory=dict)
    held: dict[str, tuple[int, int, tuple[bytes, ...]]] = field(default_factory=dict)
    wakes: dict[str, datetime] = field(default_factory=dict)
    advances: int = 0
    signals: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    decided: list[tuple[str, Event]] = field(default_factory=list)
    crash: str = ""  # before, or after: the next commit dies there
    commits: int = 0

    async def open(self, log_ids: Mapping[Place, str]) -> dict[Place, int]:
        return {place: self.positions.get(place, 0) for place in log_ids}

    async def told(self) -> int:
        return self.advances

    async def roster(self) -> set[str]:
        return set(self.held)

    async def states(self, tenant_ids: Sequence[str]) -> dict[str, Held]:
        found = {}
        for tenant_id in tenant_ids:
            if tenant_id in self.held:
                version, told, parts = self.held[tenant_id]
                found[tenant_id] = Held(version, told, TenantState.decoded(parts))
        return found

    async def due(self, most: int) -> tuple[datetime, list[str]]:
        at = datetime.fromtimestamp(self.log.now_ms / 1000, UTC)
        due = sorted((when, one) for one, when in self.wakes.items() if when <= at)
        return at, [tenant_id for _, tenant_id in due[:most]]

    async def known_signals(self, signals: Sequence[Fact]) -> set[tuple[str, str]]:
        return {(one.tenant_id, one.event_id) for one in signals} & self.signals.keys()

    async def due_signals(self, most: int) -> list[dict[str, Any]]:
        return [row for row in self.signals.values() if not row["found"]][:most]

    async def commit(self, commit: Commit) -> None:
        if self.crash == "before":
            self.crash = ""
            raise Crashed
        self._check(commit)
        self.commits += 1
        self.positions |= {place: after for place, (_, after) in commit.moved.items()}
        for tenant_id, (held, state, wakes_at) in commit.changed.items():
            told = sum(1 for one, _ in commit.decided if one == tenant_id)
            version, before = (held.version, held.told) if held else (0, 0)
            self.held[tenant_id] = version + 1, before + told, state.encoded()
            self.wakes.pop(tenant_id, None)
            if wakes_at:
                self.wakes[tenant_id] = wakes_at
        for one in commit.looked:
            self.signals[one.fact.tenant_id, one.fact.event_id] = _row(one.fact, found=one.found)
        self.decided += commit.decided
        for _, event in commit.decided:
            self.log.tell(event, 1)
        if commit.advanced:
            assert commit.advanced.tenant_id == PLATFORM
            self.advances += 1
            self.log.tell(commit.advanced, 1)
        if self.crash == "after":
            self.crash = ""
            raise Crashed

    def _check(self, commit: Commit) -> None:
        if any(self.positions.get(at, 0) != old for at, (old, _) in commit.moved.items()):
            raise Overtaken("move")
        if commit.advanced and commit.told != self.advances:
            raise Overtaken("tell")
        for tenant_id, (held, _, _) in commit.changed.items():
            if (held.version if held else 0) != self.held.get(tenant_id, (0,))[0]:
                raise Overtaken("change")


def _row(fact: Fact, *, found: bool) -> dict[str, Any]:
    event: Any = fact.event
    return {
        "tenant_id": fact.tenant_id,
        "event_id": fact.event_id,
        "kind": event.event_type.name,
        "send_id": event.send_id,
        "part": fact.partition,
        "off": fact.offset,
        "at_ms": fact.at_ms,
        "found": found,
    }


@dataclass
class Ledger:
    """`streams.volume.tracing.Tracer`: knows what a test tells it."""

    left: dict[str, Left] = field(default_factory=dict)

    async def left_from(self, tenant_id: str, send_ids: Sequence[str]) -> Mapping[str, Left]:
        del tenant_id
        return {send: self.left[send] for send in send_ids if send in self.left}


@dataclass
class Letters:
    """`domain.ports.DeadLetters` in memory."""

    kept: list[tuple[Any, str]] = field(default_factory=list)

    async def put(self, record: Any, reason: str) -> None:
        self.kept.append((record, reason))
