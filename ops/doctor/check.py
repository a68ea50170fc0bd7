"""What one look of the doctor finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """`cure` is what to do when it is not ok; `found` is what was seen either way."""

    name: str
    ok: bool
    found: str
    cure: str = ""


def check(name: str, *, ok: bool, found: object, cure: str) -> Check:
    """A finding; the cure stands only where something is wrong."""
    return Check(name, ok, str(found), "" if ok else cure)


Checks = Iterator[Check]
