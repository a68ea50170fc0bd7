"""I4, I5, I6, I7: whatever is killed, frozen, lost or repeated, and whenever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.simulation.run import run

pytestmark = pytest.mark.stack
FIRST, COUNT = int(os.environ.get("PM_SEED", "1")), int(os.environ.get("PM_SEEDS", "100"))
AT_ONCE = 100
SEEDS = range(FIRST, FIRST + COUNT)
FAILED_ONCE = [
    int(line.split()[0])
    for line in Path(__file__).with_name("seeds.txt").read_text().splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(
    "seeds", [SEEDS[at : at + AT_ONCE] for at in range(0, len(SEEDS), AT_ONCE)], ids=repr
)
def test_i4_i5_i6_i7_no_seed_loses_a_send_or_sends_it_twice(
    world_database: str, seeds: range
) -> None:
    for seed in seeds:
        _holds(seed, world_database)


def test_i4_i5_i6_i7_what_once_failed_holds(world_database: str) -> None:
    for seed in FAILED_ONCE:
        _holds(seed, world_database)


def test_a_seed_is_a_world_and_can_be_had_again(world_database: str) -> None:
    first, again = run(FIRST, world_database), run(FIRST, world_database)

    assert (first.story, first.received) == (again.story, again.received)


def _holds(seed: int, dsn: str) -> None:
    verdict = run(seed, dsn)
    told = [*verdict.wrong, f"again: PM_SEED={seed} PM_SEEDS=1 make simulate", *verdict.story]
    assert not verdict.wrong, "\n".join(told)
