"""The aims hold for each receiver, not in the median alone; the hard ones are named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from domain.governor.parameters import RECORDED
from ops.sim import traits as kinds
from ops.sim.course import Course, run
from ops.sim.traits import Traits, drawn

LOST_MAX = 0.005
#: Seed, days and number of receivers at which version 2 was blocked too often or lost too much: a
#: first day too fast, a bad segment before a tightening, bad lists at a few messages an hour.
MISSED_BY_2 = [(4, 30, 49), (57, 30, 24), (303, 30, 49), (25, 20, 16), (31, 30, 43), (301, 60, 23)]
#: What versions 1 and 2 come to: their decisions stand in logs, and a replay has to repeat them.
RECORDED_ADMITTED = {
    1: (497485, 150110, 112014, 2198, 11284),
    2: (676896, 168228, 151446, 2544, 17921),
}


def holds(traits: Traits, course: Course) -> bool:
    blocks_max = 0 if traits.kind == "clean" else 1
    return course.blocks <= blocks_max and course.lost < LOST_MAX * (course.admitted + course.lost)


@pytest.mark.parametrize(("seed", "days", "number"), MISSED_BY_2)
def test_receivers_that_version_2_missed_are_held(seed: int, days: int, number: int) -> None:
    traits = drawn(number + 1, days, seed)[number]

    assert not holds(traits, run(traits, days, "governor", parameters=RECORDED[2]))
    assert holds(traits, run(traits, days, "governor"))


def strict(monkeypatch: pytest.MonkeyPatch, days: int, seed: int) -> Iterator[Traits]:
    """Each receiver tightens and blocks after two hours, each clean list has a bad segment."""
    monkeypatch.setattr(kinds, "TIGHTENS", 1.0)
    monkeypatch.setattr(kinds, "SEGMENT_EVERY", 1)
    return (replace(one, push_hours=2) for one in drawn(50, days, seed))


def test_each_of_strict_receivers_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    missed = [
        one.name for one in strict(monkeypatch, 30, 6) if not holds(one, run(one, 30, "governor"))
    ]

    assert missed == []


@pytest.mark.parametrize("version", [1, 2])
def test_a_recorded_version_decides_as_it_did(version: int) -> None:
    found = tuple(
        run(one, 15, "governor", parameters=RECORDED[version]).admitted for one in drawn(5, 15, 9)
    )

    assert found == RECORDED_ADMITTED[version]
