"""Deficit round robin between tenants, and turns of priorities: nobody starves, nothing is idle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.fairness import QUANTUM, WEIGHTS, Turns, by_priority, round_robin
from domain.sending import Priority

Item = tuple[str, int]  # (whose, sends)

SIZES = st.lists(st.integers(1, QUANTUM), max_size=12)
BACKLOGS = st.dictionaries(st.sampled_from("abcdef"), SIZES, max_size=6)


def items(backlog: Mapping[str, Sequence[int]]) -> dict[str, list[Item]]:
    return {tenant: [(tenant, size) for size in sizes] for tenant, sizes in backlog.items()}


def size_of(item: Item) -> int:
    return item[1]


def drain(turns: Turns[Item], budget: int) -> list[Item]:
    """Takes whole items until the budget is used up."""
    found: list[Item] = []
    item = next(turns, None)
    while item is not None and budget > 0:
        found.append(item)
        budget -= item[1]
        try:
            item = turns.send(item[1])
        except StopIteration:
            break
    turns.close()
    return found


@given(BACKLOGS)
@settings(max_examples=60)
def test_everything_leaves_and_each_tenant_keeps_its_order(backlog: dict[str, list[int]]) -> None:
    found = drain(round_robin(items(backlog), size_of, {}), 10**9)

    assert {
        tenant: [size for whose, size in found if whose == tenant] for tenant in backlog
    } == backlog


@given(BACKLOGS, st.lists(st.integers(1, 1500), max_size=15))
@settings(max_examples=100)
def test_backlogged_tenants_stay_within_their_share_over_many_ticks(
    backlog: dict[str, list[int]], budgets: list[int]
) -> None:
    """While two tenants both wait, what they got differs by no more than a quantum and an item."""
    left = {tenant: list(sizes) for tenant, sizes in backlog.items()}
    deficits: dict[str, int] = {}
    got: Counter[str] = Counter()

    for budget in budgets:
        waiting = [tenant for tenant, sizes in left.items() if sizes]
        for tenant, size in drain(round_robin(items(left), size_of, deficits), budget):
            assert left[tenant].pop(0) == size
            got[tenant] += size
        shares = [got[tenant] for tenant in waiting if left[tenant]]
        assert not shares or max(shares) - min(shares) <= 2 * QUANTUM


def test_a_small_tenant_is_served_beside_a_huge_backlog() -> None:
    backlog = items({"huge": [500] * 400, "small": [10]})

    found = drain(round_robin(backlog, size_of, {"huge": 499}), 2000)

    assert ("small", 10) in found[:3]


def test_what_could_not_leave_costs_nothing() -> None:
    deficits = {"a": 0}
    turns = round_robin({"a": [("a", 300), ("a", 200)]}, size_of, deficits)

    refused = next(turns)
    following = turns.send(0)

    assert (refused, following) == (("a", 300), ("a", 200))
    assert deficits == {"a": QUANTUM}


@given(st.sets(st.sampled_from(list(WEIGHTS)), min_size=1), st.lists(st.integers(1, 3000)))
@settings(max_examples=60)
def test_backlogged_priorities_get_their_parts_however_small_the_ticks(
    waiting: set[Priority], budgets: list[int]
) -> None:
    """Endless backlogs: each priority's part is its weight's, but for one round and one item."""
    credit: dict[str, int] = {}
    got: Counter[str] = Counter()

    for budget in budgets:
        streams: dict[str, Turns[Item]] = {
            priority: round_robin({"t": [(priority.value, 400)] * 20}, size_of, {})
            for priority in waiting
        }
        for priority, size in drain(by_priority(streams, credit), budget):
            got[priority] += size

    total, weights = sum(got.values()), sum(WEIGHTS[priority] for priority in waiting)
    for priority in waiting:
        fair = total * WEIGHTS[priority] / weights
        assert abs(got[priority] - fair) <= (WEIGHTS[priority] + 1) * QUANTUM


def test_the_lowest_priority_keeps_its_floor_when_the_highest_comes_anew_each_tick() -> None:
    """High empties its queue every tick, and has a new item in the next."""
    credit: dict[str, int] = {}
    got: Counter[str] = Counter()

    for _ in range(100):
        streams: dict[str, Turns[Item]] = {
            priority: round_robin({"t": [(priority.value, 500)]}, size_of, {})
            for priority in (Priority.HIGH, Priority.LOW)
        }
        for priority, size in drain(by_priority(streams, credit), 500):
            got[priority] += size

    assert got["low"] >= 0.1 * sum(got.values())


def test_an_unused_part_goes_to_the_others() -> None:
    streams: dict[str, Turns[Item]] = {
        Priority.LOW: round_robin({"t": [("low", 500)] * 9}, size_of, {})
    }

    assert len(drain(by_priority(streams, {}), 4000)) == 8
