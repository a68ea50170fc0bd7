"""A slice in parts: each is signed ahead as one, and leaves as soon as it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from streams.dispatching.claim import Recipient
from streams.dispatching.routes import Hops

Part = Mapping[Hops, Sequence[Recipient]]


def parts(by_hops: Part, size: int) -> list[Part]:
    """Recipients by next hop in parts of at most `size`, in order; size 0: all in one."""
    if size == 0:
        return [by_hops]
    flat = [(hops, one) for hops, recipients in by_hops.items() for one in recipients]
    return [_gathered(flat[at : at + size]) for at in range(0, len(flat), size)]


def _gathered(flat: Sequence[tuple[Hops, Recipient]]) -> Part:
    found: dict[Hops, list[Recipient]] = defaultdict(list)
    for hops, recipient in flat:
        found[hops].append(recipient)
    return found
