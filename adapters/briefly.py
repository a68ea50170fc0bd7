"""Asks the event store again after a lost connection, for a moment only.

After a restart of Postgres each connection of the pool is found to be dead at once, one after the
other; an outage is something else, and callers are told of it within their two seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from eventsourcing.persistence import InterfaceError, OperationalError

AGAIN_WITHIN_S, PAUSE_S = 1.5, 0.1
Given = ParamSpec("Given")
Found = TypeVar("Found")


def briefly(
    work: Callable[Given, Found],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Callable[Given, Found]:
    """`work`, tried again while it fails for want of a connection and began not long ago."""

    @wraps(work)
    def again(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        until = clock() + AGAIN_WITHIN_S
        while True:
            try:
                return work(*args, **kwargs)
            except (InterfaceError, OperationalError):
                if clock() >= until:
                    raise
                pause(PAUSE_S)

    return again
