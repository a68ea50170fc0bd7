"""What the health pages tell of database, queue and lanes: sums and ages, no tenant's rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from projections.reads import Bound

SQL = named_sql(Path(__file__).parent / "health.sql")
Row = dict[str, Any]

#: (yellow from, red from), in seconds. Release stops when the schedule is 10 s old
#: (design-fixes.md 14); waiting over 10 minutes is an alert of the brief (reference/product.md §6).
OLDEST_DUE_S = (60.0, 600.0)
READER_AGE_S = (3.0, 10.0)


async def database(bound: Bound) -> Row:
    """Version and age of the server that answered."""
    (found,) = await bound.rows(SQL["database"])
    return found


async def queue(bound: Bound) -> Row:
    """How long the oldest due send waits, and how far each reader of the log is; with colours."""
    (due,) = await bound.rows(SQL["due"])
    (parked,) = await bound.rows(SQL["parked"])
    readers = await bound.rows(SQL["readers"])
    for reader in readers:
        reader["colour"] = colour(reader["age_s"], READER_AGE_S)
    due["colour"] = colour(due["oldest_due_s"], OLDEST_DUE_S)
    return {"due": due, "parked_batches": parked["batches"], "readers": readers}


async def email(bound: Bound) -> Row:
    """The gate, what is let go and under way per lane, and when an attempt was last heard of."""
    (gate,) = await bound.rows(SQL["gate"])
    (last,) = await bound.rows(SQL["last_attempt"])
    lanes = await bound.rows(SQL["lanes"])
    return {"gate": gate, "lanes": lanes, "last_attempt_age_s": last["age_s"]}


def colour(value: float, limits: tuple[float, float]) -> str:
    """Green, yellow or red, by where yellow and red begin."""
    yellow, red = limits
    return "red" if value >= red else "yellow" if value >= yellow else "green"
