"""A slice cut into parts loses nobody, and keeps next hops and order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ports import NextHop
from streams.dispatching.claim import Recipient
from streams.dispatching.parts import Part, parts


def slices(sizes: list[int]) -> Part:
    numbers = iter(range(sum(sizes)))
    return {
        (NextHop(f"h{at}", 25),): [
            Recipient(next(numbers), "", "", "", None, None) for _ in range(size)
        ]
        for at, size in enumerate(sizes)
    }


@settings(max_examples=60)
@given(st.lists(st.integers(1, 40), max_size=8), st.integers(1, 30))
def test_everybody_is_in_one_part_with_his_own_next_hop(sizes: list[int], size: int) -> None:
    whole = slices(sizes)

    found = parts(whole, size)

    counts = [sum(map(len, part.values())) for part in found]
    assert all(count == size for count in counts[:-1])
    assert all(0 < count <= size for count in counts)
    joined = [(hops, one) for part in found for hops, group in part.items() for one in group]
    assert joined == [(hops, one) for hops, group in whole.items() for one in group]


def test_what_is_not_signed_ahead_stays_whole() -> None:
    whole = slices([3, 500])

    assert parts(whole, 0) == [whole]
