"""Signals as rows: what kind each is, and what it counts as."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.event import Event, Recorded
from domain.signals import (
    BounceReceived,
    ClickObserved,
    ComplaintReceived,
    OpenedBy,
    OpenObserved,
    ReplyReceived,
    UnsubscribeRequested,
)

#: Kind → what the first of a send counts as, and what each counts as; empty: nothing.
COUNTED: Mapping[str, tuple[str, str]] = {
    "opened": ("opened", "opens"),
    "machine_opened": ("", "machine_opens"),
    "clicked": ("clicked", "clicks"),
    "machine_clicked": ("", "machine_clicks"),
    "replied": ("replied", ""),
    "auto_replied": ("", ""),
    "unsubscribed": ("unsubscribed", ""),
    "complained": ("complaints", ""),
    "bounced_later": ("late_bounced", ""),
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal about one send."""

    tenant_id: str
    send_id: str
    event_id: str
    kind: str
    at: datetime
    reason: str
    code: int
    enhanced: str
    part: int
    off: int
    first: bool = False


def _bounce(event: BounceReceived) -> tuple[str, str]:
    return "bounced_later", event.reason


def _complaint(event: ComplaintReceived) -> tuple[str, str]:
    return "complained", event.feedback_type


def _open(event: OpenObserved) -> tuple[str, str]:
    return _by(event.kind, "opened"), event.rule


def _click(event: ClickObserved) -> tuple[str, str]:
    return _by(event.kind, "clicked"), event.rule


def _by(kind: str, deed: str) -> str:
    return deed if OpenedBy(kind) is OpenedBy.HUMAN else f"machine_{deed}"


def _unsubscribe(event: UnsubscribeRequested) -> tuple[str, str]:
    return "unsubscribed", event.via


def _reply(event: ReplyReceived) -> tuple[str, str]:
    return ("replied" if event.kind == "human" else "auto_replied"), event.kind


_READERS: Mapping[type[Event], Callable[[Any], tuple[str, str]]] = {
    BounceReceived: _bounce,
    ComplaintReceived: _complaint,
    OpenObserved: _open,
    ClickObserved: _click,
    UnsubscribeRequested: _unsubscribe,
    ReplyReceived: _reply,
}
HANDLES = frozenset(event.event_type.name for event in _READERS)


def told_by(record: Recorded) -> Signal | None:
    """The signal in a record; None for other events. Raises ValueError for one that cannot be."""
    read = _READERS.get(type(record.event))
    if read is None:
        return None
    event: Any = record.event
    kind, reason = read(event)
    return Signal(
        event.tenant_id, event.send_id, record.meta.id, kind, record.meta.time, reason,
        getattr(event, "code", 0), getattr(event, "enhanced", ""), record.partition, record.offset,
    )  # fmt: skip


def firsts(signals: Iterable[Signal], known: set[tuple[str, str, str]]) -> list[bool]:
    """Whether each is the first of its kind about its send; `known` (tenant, send, kind) is not."""
    found = []
    for signal in signals:
        key = (signal.tenant_id, signal.send_id, signal.kind)
        found.append(key not in known)
        known.add(key)
    return found
