"""Sets of indexes of a batch as the bits of one int: 500 of them are as quick as one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from domain.sending import BATCH_SIZE_MAX


def from_ranges(ranges: Sequence[Sequence[int]]) -> int:
    """The set of half-open ranges. Raises ValueError for one that no batch can hold."""
    mask = 0
    for start, stop in ranges:
        if not 0 <= start < stop <= BATCH_SIZE_MAX:
            raise ValueError(f"[{start}, {stop}) is no range of a batch")
        mask |= (1 << stop) - (1 << start)
    return mask


def from_text(multirange: str) -> int:
    """The set of PostgreSQL's text for an int4multirange."""
    bounds = re.findall(r"\[(\d+),(\d+)\)", multirange)
    return from_ranges([(int(start), int(stop)) for start, stop in bounds])


def runs(mask: int) -> Iterator[tuple[int, int]]:
    """The smallest list of half-open ranges that is this set, rising."""
    offset = 0
    while mask:
        gap = (mask & -mask).bit_length() - 1
        mask >>= gap
        length = (~mask & (mask + 1)).bit_length() - 1
        yield offset + gap, offset + gap + length
        mask >>= length
        offset += gap + length


def text(mask: int) -> str:
    """As the text of a PostgreSQL int4multirange."""
    return "{" + ",".join(f"[{start},{stop})" for start, stop in runs(mask)) + "}"
