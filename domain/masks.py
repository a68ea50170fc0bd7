"""Sets of indexes within a batch as bits of an int: union |, difference & ~, size bit_count()."""

from __future__ import annotations

import re
from collections.abc import Sequence

from domain.indexes import Ranges, multirange
from domain.sending import BATCH_SIZE_MAX

_PART = re.compile(r"\[(\d+),(\d+)\)")


def of(ranges: Sequence[Sequence[int]]) -> int:
    """The indexes of half-open ranges. Raises ValueError for one that no batch can hold."""
    mask = 0
    for start, stop in ranges:
        if not 0 <= start <= stop <= BATCH_SIZE_MAX:
            raise ValueError(f"[{start}, {stop}) is no range of indexes of a batch")
        mask |= ((1 << (stop - start)) - 1) << start
    return mask


def ranges(mask: int) -> Ranges:
    """The smallest list of ranges that holds exactly these indexes."""
    found: Ranges = []
    at = 0
    while mask:
        gap = (mask & -mask).bit_length() - 1
        mask >>= gap
        run = (~mask & (mask + 1)).bit_length() - 1
        found.append([at + gap, at + gap + run])
        mask >>= run
        at += gap + run
    return found


def first(mask: int, size: int) -> int:
    """The lowest `size` indexes."""
    taken = 0
    for start, stop in ranges(mask):
        run = min(stop - start, size - taken.bit_count())
        taken |= ((1 << run) - 1) << start
    return taken


def text(mask: int) -> str:
    """As the text of a PostgreSQL int4multirange."""
    return multirange(ranges(mask))


def read(multirange_text: str) -> int:
    """From the text of a PostgreSQL int4multirange, which PostgreSQL writes half-open."""
    return of([[int(start), int(stop)] for start, stop in _PART.findall(multirange_text)])
