"""What agents stand on: the port between the steps of a role and what carries records to them.

Kept by streams/on_faust.py and streams/plain.py; both pass tests/contract/runtime (ADR 0012).
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog

from domain.event import Topic

#: A supervised worker comes back under the same instance id within seconds (design-fixes.md 19).
SESSION_TIMEOUT_S = 8.0
HEARTBEAT_S = 0.5
COMMIT_EVERY_S = 0.5
REBALANCE_MAX_S = 60.0  # so long a group waits for a member that is still at a step
EXIT_UNKEPT = 70

Step = Callable[[Any], Awaitable[None]]  # gets a record: topic, partition, offset, key, headers, …
Work = Callable[[], Awaitable[object]]
Drain = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)


class StreamRuntime(Protocol):
    """Carries records to steps: each at least once, those of a partition in their order.

    One consumer a process, in the group of its role, under the fixed instance id of the process. A
    record counts as read only after its step; so one whose step was cut short comes again. What
    agents write goes through `EventLog`, not through here.
    """

    def agent(self, topics: Sequence[Topic], name: str, step: Step) -> None:
        """Run the step over the topics' records, one at a time. Before `start`.

        A step may take as long as it likes without losing its partitions. It should never raise
        (streams/guard.py sees to that): one that does ends the process, and its record comes again.
        """
        ...

    def every(self, seconds: float, what: str, turn: Work) -> None:
        """Take a turn each so many seconds, never two at once; one that raises ends the runtime."""
        ...

    def beside(self, work: Work) -> None:
        """Run this from `start` on; it is cancelled at the end, after the drains."""
        ...

    def before_stop(self, drain: Drain) -> None:
        """Await this first when told to stop; records still come meanwhile."""
        ...

    async def start(self) -> None:
        """Return once records come. Raises when Kafka does not answer."""
        ...

    async def ended(self) -> None:
        """Return when it ended without being told to: it crashed, and said why in the log."""
        ...

    async def stop(self) -> None:
        """Drain, finish the steps under way, and leave; what was not begun is another life's."""
        ...


def group_of(prefix: str, role: str) -> str:
    """The consumer group of a role; instances share it, whatever runtime they run on."""
    return f"{prefix}pm-{role}"


async def surely(step: Step, record: Any) -> None:
    """Run a step that does not raise; should it do so, the process ends before the record counts.

    Faust would take the raise for "done" (reference/eventsourcing.md §2.2).
    """
    try:
        await step(record)
    except Exception as error:  # noqa: BLE001 - nobody behind this could handle it
        log.critical("step_raised", error=repr(error), **place_of(record))
        os._exit(EXIT_UNKEPT)


def place_of(record: Any) -> dict[str, Any]:
    """Where a record lies, for the log."""
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
