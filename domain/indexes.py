"""Sets of indexes within a batch, written as sorted half-open ranges [[from, to), …]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Ranges = list[list[int]]


def from_indexes(indexes: Iterable[int]) -> Ranges:
    """The smallest list of ranges that holds exactly these indexes."""
    found: Ranges = []
    for index in sorted(set(indexes)):
        if found and found[-1][1] == index:
            found[-1][1] = index + 1
        else:
            found.append([index, index + 1])
    return found


def each(ranges: Sequence[Sequence[int]]) -> Iterator[int]:
    """Every index, in the order of the ranges."""
    for start, stop in ranges:
        yield from range(start, stop)


def count(ranges: Sequence[Sequence[int]]) -> int:
    """How many indexes the ranges hold."""
    return sum(stop - start for start, stop in ranges)


def first(ranges: Sequence[Sequence[int]], size: int) -> Ranges:
    """The lowest `size` indexes."""
    found: Ranges = []
    for start, stop in ranges:
        if size <= 0:
            break
        found.append([start, min(stop, start + size)])
        size -= stop - start
    return found


def multirange(ranges: Sequence[Sequence[int]]) -> str:
    """As the text of a PostgreSQL int4multirange."""
    return "{" + ",".join(f"[{start},{stop})" for start, stop in ranges) + "}"
