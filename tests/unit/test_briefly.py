"""A dead connection is replaced at once; an outage is told soon."""

from __future__ import annotations

import pytest
from eventsourcing.persistence import OperationalError

from adapters.briefly import briefly


class Clock:
    """Moves by what is slept, and by what each try takes."""

    def __init__(self) -> None:
        self.now = 100.0
        self.tries = 0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def failing(clock: Clock, takes_s: float, times: int) -> str:
    clock.tries += 1
    clock.now += takes_s
    if clock.tries <= times:
        raise OperationalError
    return "found"


def test_as_many_dead_connections_as_a_pool_has_are_passed_over() -> None:
    clock = Clock()
    work = briefly(failing, clock.read, clock.sleep)

    assert work(clock, 0.01, 8) == "found"
    assert clock.tries == 9


def test_an_outage_is_told_within_what_a_caller_waits() -> None:
    clock = Clock()
    work = briefly(failing, clock.read, clock.sleep)

    with pytest.raises(OperationalError):
        work(clock, 2.0, 1000)

    assert clock.tries == 1
    assert clock.now == 102.0


def test_another_fault_is_not_tried_again() -> None:
    clock = Clock()

    def broken() -> None:
        clock.tries += 1
        raise ValueError

    with pytest.raises(ValueError):
        briefly(broken, clock.read, clock.sleep)()

    assert clock.tries == 1
