"""What a cell is given: its first slice alone, then what it takes within seconds."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.sending import SliceReleased
from streams.dispatching.cells import HORIZON_S, Cell


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def hint(size: int = 500) -> SliceReleased:
    return SliceReleased(
        release_id="rel_a",
        batch_id="bat_a",
        tenant_id="ten_a",
        campaign_id="cmp_a",
        n=1,
        ip="ip_a",
        provider="gmail",
        size=size,
        lease_until=datetime(2030, 1, 1, tzinfo=UTC),
    )


def filled(clock: Clock, hints: int) -> Cell:
    cell = Cell(clock)
    for _ in range(hints):
        cell.wait(hint())
    return cell


def test_an_unknown_cell_gets_one_slice_until_it_has_shown_what_it_takes() -> None:
    cell = filled(Clock(), 5)

    taken = [cell.next() is not None for _ in range(5)]

    assert taken == [True, False, False, False, False]


def test_a_quick_cell_gets_as_much_as_it_takes_within_the_horizon() -> None:
    clock = Clock()
    cell = filled(clock, 100)
    in_flight = 0
    for _ in range(200):  # 5,000 sends a second
        while (taken := cell.next()) is not None:
            in_flight += taken.size
        done = min(in_flight, 50)
        clock.now += 0.01
        cell.took(done)
        in_flight -= done

    assert 4000 <= in_flight <= 5000 * HORIZON_S


def test_a_slow_cell_is_never_given_a_second_slice_before_the_first_is_nearly_done() -> None:
    clock = Clock()
    cell = filled(clock, 10)
    assert cell.next()
    for left in range(499, 10, -1):  # ten sends a second
        clock.now += 0.1
        cell.took(1)

        assert cell.next() is None, f"{left} are in flight"


def test_a_cell_that_forgot_its_hints_gives_none() -> None:
    cell = filled(Clock(), 2)

    cell.forget()

    assert cell.next() is None
    assert cell.idle


def test_what_was_not_attempted_tells_nothing_about_a_cell() -> None:
    """Hints of a cancelled campaign are not claimed: none of what follows is claimed sooner."""
    clock = Clock()
    cell = filled(clock, 20)
    for _ in range(10):
        assert cell.next()
        clock.now += 0.3
        cell.give_back(500)

    assert [cell.next() is not None for _ in range(3)] == [True, False, False]
