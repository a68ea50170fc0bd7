"""Sets of indexes within a batch as integers: bit i stands for index i.

A batch of 500 is an integer of 63 bytes, and a whole slice joins it in one operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

DENSE = 16  # one in so many: then to read its digits is quicker than to take bits off


def of_ranges(ranges: Sequence[Sequence[int]]) -> int:
    """The set that ranges [[from, to), …] name. Raises ValueError for ranges that are none."""
    found = 0
    for start, stop in ranges:
        if not 0 <= start < stop:
            raise ValueError(f"[{start}, {stop}) is no range of indexes")
        found |= ((1 << (stop - start)) - 1) << start
    return found


def up_to(size: int) -> int:
    """The set of all indexes below `size`."""
    return (1 << size) - 1


def each(bits: int) -> Iterator[int]:
    """The indexes in the set, rising."""
    if bits.bit_count() * DENSE > bits.bit_length():
        yield from (at for at, bit in enumerate(f"{bits:b}"[::-1]) if bit == "1")
        return
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
