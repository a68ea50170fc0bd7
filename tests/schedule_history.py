"""Makes random histories of batches, and random orders in which a reader may meet them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from domain.event import Recorded
from domain.indexes import from_indexes
from domain.sending import Outcome
from streams.schedule.state import Key
from tests.schedule_kit import LONG_AGO, ended, outcomes, planned, recorded, result, started

PARTITIONS = ("requests", "attempts-0", "attempts-1")
DEFINITE = [outcome.value for outcome in Outcome if outcome is not Outcome.AMBIGUOUS]


@dataclass
class History:
    """What happened, per partition in order; and again in an order in which it could be read."""

    partitions: dict[str, list[Recorded]] = field(
        default_factory=lambda: {name: [] for name in PARTITIONS}
    )
    as_it_happened: list[Recorded] = field(default_factory=list)

    def add(self, partition: str, event: Any, at: datetime | None = None) -> None:
        at = at or LONG_AGO + timedelta(seconds=len(self.as_it_happened))
        record = recorded(event, at)
        self.partitions[partition].append(record)
        self.as_it_happened.append(record)


def history_of(dice: Random) -> History:
    """Batches whose sends are released in slices, attempted, deferred, cancelled, in any way."""
    history = History()
    for number in range(dice.randint(1, 2)):
        batch_id, size = f"bat_{number}", dice.randint(1, 6)
        history.add("requests", planned(batch_id, size))
        waiting = list(range(size))
        for n in (1, 2, 3):
            waiting = _attempts(dice, history, (batch_id, n), waiting)
    return history


def _attempts(dice: Random, history: History, key: Key, waiting: list[int]) -> list[int]:
    """Attempt n of some of the waiting sends, in slices; who is to wait for the next."""
    batch_id, n = key
    deferred: list[int] = []
    number = 0
    while waiting and dice.random() < 0.8:
        number += 1
        slice_ = dice.sample(waiting, dice.randint(1, len(waiting)))
        waiting = [index for index in waiting if index not in slice_]
        if dice.random() < 0.2:
            history.add("requests", ended(batch_id, from_indexes(slice_), n=n, number=number))
            continue
        partition = dice.choice(PARTITIONS[1:])
        history.add(partition, started(batch_id, from_indexes(slice_), n=n, number=number))
        deferred += _outcomes(dice, history, partition, key, number, slice_)
    return deferred


def _outcomes(
    dice: Random, history: History, partition: str, key: Key, number: int, slice_: list[int]
) -> list[int]:
    """Records about a slice: each index any number of times; its first definite outcome counts."""
    batch_id, n = key
    first: dict[int, str] = {}
    for _ in range(dice.randint(0, 3)):
        told = dice.sample(slice_, dice.randint(1, len(slice_)))
        outcome = dice.choice([*DEFINITE, "ambiguous", "ambiguous", "deferred", "deferred"])
        results = [result(outcome, from_indexes(told))]
        source = dice.choice(["owner", "sweeper"])
        history.add(partition, outcomes(batch_id, results, n=n, number=number, source=source))
        if outcome != "ambiguous":
            first = dict.fromkeys(told, outcome) | first
    return [index for index, outcome in first.items() if outcome == "deferred"]


def reading_of(dice: Random, history: History) -> list[Recorded]:
    """The records as a reader may meet them: partitions merged anyhow, some records again later."""
    left = {name: list(records) for name, records in history.partitions.items() if records}
    read: list[Recorded] = []
    while left:
        if read and dice.random() < 0.2:
            read.append(dice.choice(read))
            continue
        name = dice.choice(sorted(left))
        read.append(left[name].pop(0))
        left = {name: records for name, records in left.items() if records}
    return read
