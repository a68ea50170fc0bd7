"""Sets of indexes as bits say the same as sets."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import masks
from domain.indexes import from_indexes

INDEXES = st.sets(st.integers(0, 499))


@given(INDEXES, INDEXES)
@settings(max_examples=60)
def test_masks_are_sets_of_indexes(some: set[int], others: set[int]) -> None:
    left, right = masks.of(from_indexes(some)), masks.of(from_indexes(others))

    assert masks.ranges(left) == from_indexes(some)
    assert masks.ranges(left | right) == from_indexes(some | others)
    assert masks.ranges(left & ~right) == from_indexes(some - others)
    assert left.bit_count() == len(some)


@given(INDEXES)
@settings(max_examples=40)
def test_a_mask_survives_the_text_of_a_multirange(some: set[int]) -> None:
    mask = masks.of(from_indexes(some))

    assert masks.read(masks.text(mask)) == mask


@given(INDEXES, st.integers(0, 600))
@settings(max_examples=60)
def test_the_first_indexes_are_the_lowest(some: set[int], size: int) -> None:
    mask = masks.of(from_indexes(some))

    assert masks.ranges(masks.first(mask, size)) == from_indexes(sorted(some)[:size])
