"""Rows as arrays, one a column, for UNNEST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def columns(names: str, rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """`names`, separated by spaces, name the rows' places."""
    split = names.split()
    turned: Any = zip(*rows, strict=True) if rows else ([] for _ in split)
    return {name: list(column) for name, column in zip(split, turned, strict=True)}
