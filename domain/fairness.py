"""Who is next when more wants to leave than may: fair between tenants, weighted between priorities.

Deficit round robin (Shreedhar & Varghese, 1995). Pure: what is owed is handed in and changed in
place, so that the next call goes on where this one was stopped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from typing import TypeVar

from domain.sending import BATCH_SIZE_MAX, Priority

#: Sends of one turn. Not below the largest item, so that each turn can serve one.
QUANTUM = BATCH_SIZE_MAX

#: Parts of a busy lane that the priorities get; what one does not use goes to the others.
WEIGHTS = {Priority.HIGH: 6, Priority.NORMAL: 3, Priority.LOW: 1}

T = TypeVar("T")

#: Yields items; is told by `send` how many sends of each were taken (0: it could not leave).
Turns = Generator[T, int, None]


def round_robin(
    backlog: Mapping[str, Iterable[T]], size: Callable[[T], int], deficits: dict[str, int]
) -> Turns[T]:
    """The items of all tenants in fair order, those of one tenant in their own.

    While two tenants both have items, what was taken of each never differs by more than QUANTUM
    and one item. A tenant without items is owed nothing.
    """
    queues = {tenant: deque(items) for tenant, items in backlog.items()}
    queues = {tenant: queue for tenant, queue in queues.items() if queue}
    for tenant in queues:
        deficits.setdefault(tenant, 0)
    while queues:
        for tenant in sorted(queues):
            yield from _turn(queues, tenant, size, deficits)
        for tenant in queues:
            deficits[tenant] += QUANTUM


def _turn(
    queues: dict[str, deque[T]], tenant: str, size: Callable[[T], int], deficits: dict[str, int]
) -> Turns[T]:
    queue = queues[tenant]
    while queue and size(queue[0]) <= deficits[tenant]:
        taken = yield queue.popleft()
        deficits[tenant] -= taken
    if not queue:
        del queues[tenant], deficits[tenant]


def by_priority(streams: Mapping[str, Turns[T]], credit: dict[str, int]) -> Turns[T]:
    """The items of the priorities' streams, in turns as long as their WEIGHTS.

    The lowest keeps its part however much waits above it. `credit`: what each may still take in
    this round; a round ends when nothing waits whose priority has any left.
    """
    heads: dict[str, T] = {}
    for priority, stream in streams.items():
        _advance(heads, priority, lambda stream=stream: next(stream))  # type: ignore[misc]
    for priority, weight in WEIGHTS.items():
        credit.setdefault(priority, weight * QUANTUM)
    while heads:
        for priority in WEIGHTS:
            while priority in heads and credit[priority] > 0:
                taken = yield heads.pop(priority)
                credit[priority] -= taken
                stream = streams[priority]
                _advance(heads, priority, lambda s=stream, k=taken: s.send(k))  # type: ignore[misc]
        if heads:
            _new_round(credit)


def _advance(heads: dict[str, T], priority: str, following: Callable[[], T]) -> None:
    with suppress(StopIteration):
        heads[priority] = following()


def _new_round(credit: dict[str, int]) -> None:
    """What was overdrawn is paid back, what was not used is lost."""
    for priority, weight in WEIGHTS.items():
        credit[priority] = min(credit[priority], 0) + weight * QUANTUM
