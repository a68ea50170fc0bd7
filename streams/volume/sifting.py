"""Records of the log → the facts among them that may matter to volume control.

What a record is stands in its headers, so that mail which nobody governs costs no look at a body.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters import codec
from adapters.codec import Undecodable
from domain.event import Topic
from streams.volume.inputs import HARD, MAKES_KNOWN, OF_SENDS, OF_TENANTS, Fact
from streams.volume.turn import levelled

Place = tuple[str, int]  # topic without prefix, partition
TOPICS = (Topic.ATTEMPTS, Topic.SIGNALS, Topic.DECISIONS)
_MAKES_KNOWN = frozenset(cls.event_type.name.encode() for cls in MAKES_KNOWN)
_OF_KNOWN = frozenset(cls.event_type.name.encode() for cls in (*OF_SENDS, *OF_TENANTS))


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as Kafka keeps it. `record`: as the reader got it, for the dead letters."""

    topic: str  # without prefix
    partition: int
    offset: int
    at_ms: int
    headers: Mapping[str, bytes]
    record: Any

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


def raw(record: Any, prefix: str) -> Raw:
    """A record of aiokafka (milliseconds) or of Faust (seconds)."""
    stamp = record.timestamp
    at_ms = round(stamp * 1000) if isinstance(stamp, float) else int(stamp)
    topic = record.topic.removeprefix(prefix)
    headers = dict(record.headers or ())
    return Raw(topic, record.partition, record.offset, at_ms, headers, record)


@dataclass
class Sifted:
    """Facts whose scopes are told, signals that name a send alone, and what nobody can read."""

    facts: list[Fact] = field(default_factory=list)
    signals: list[Fact] = field(default_factory=list)
    unreadable: dict[str, tuple[Raw, str]] = field(default_factory=dict)  # by place, with why


def sift(spans: Mapping[Place, Sequence[Raw]], known: Collection[str] | None) -> Sifted:
    """What of these runs of records may matter. `known`: tenants with a state; None: any may be."""
    found = Sifted()
    told = None if known is None else _told_now(spans)
    for run in spans.values():
        for at_ms, record in zip(levelled(one.at_ms for one in run), run, strict=True):
            if _matters(record, known, told):
                _take(found, record, at_ms)
    return found


def _told_now(spans: Mapping[Place, Sequence[Raw]]) -> set[bytes]:
    """Tenants that these very records make known."""
    runs = (run for (topic, _), run in spans.items() if topic == Topic.DECISIONS)
    return {
        record.headers.get("tenant", b"")
        for run in runs
        for record in run
        if record.headers.get("ce_type") in _MAKES_KNOWN
    }


def _matters(record: Raw, known: Collection[str] | None, told: set[bytes] | None) -> bool:
    kind = record.headers.get("ce_type", b"")
    if kind in _MAKES_KNOWN:
        return True
    if kind not in _OF_KNOWN:
        return False
    if known is None or told is None:
        return True
    tenant = record.headers.get("tenant", b"")
    return tenant in told or tenant.decode(errors="replace") in known


def _take(found: Sifted, record: Raw, at_ms: int) -> None:
    try:
        recorded = codec.recorded(record.record)
    except Undecodable as error:
        found.unreadable[record.place] = record, f"undecodable: {error}"
        return
    event, meta = recorded.event, recorded.meta
    of_send = isinstance(event, OF_SENDS)
    stamp = record.at_ms if of_send else at_ms  # a signal is folded in another turn, perhaps
    place = record.topic, record.partition, record.offset
    fact = Fact(stamp, *place, meta.id, meta.tenant_id, event, pos=recorded.pos)
    if not of_send:
        found.facts.append(fact)
    elif getattr(event, "kind", HARD) == HARD:
        found.signals.append(fact)
