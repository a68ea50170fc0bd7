"""Which log this is: offset 0 of every partition carries the log's id (design-fixes.md 12)."""

from __future__ import annotations

from domain.event import Event, Topic, event_type


@event_type("LogIdentified", topic=tuple(Topic), key="log_id")
class LogIdentified(Event):
    """A partition of this log begins here. A cursor made against another log is refused."""

    log_id: str
