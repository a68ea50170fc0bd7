"""When a reader of the log counts as stalled: a table of histories."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import streams
from ops import stalls
from ops.stall_watch import GROUPS
from ops.stalls import Looked, Place, Standing, Watch

AT = Place("planner", "pm.decisions", 1)
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
EVERY_S, AFTER_S, ALARM_MAX_S = 10.0, 60.0, 90.0


def judged(history: Sequence[tuple[int, int]], every_s: float = EVERY_S) -> list[Looked]:
    """What each look says of a history of (position, end)."""
    watch = Watch(after_s=AFTER_S, every_s=EVERY_S)
    return [
        watch.look(
            1000.0 + n * every_s, NOON + timedelta(seconds=n * every_s), {AT: Standing(*each)}
        )
        for n, each in enumerate(history)
    ]


LONG = range(30)
CASES = {
    "quiet": ([(5, 5) for _ in LONG], False, False),
    "quiet, then one record that is read": ([(5, 5)] * 20 + [(5, 6), (6, 6)], False, False),
    "reads along": ([(n * 9, n * 9 + 3) for n in LONG], False, False),
    "lag grows, position stands": ([(5, 5 + n) for n in LONG], True, False),
    "lag stays, position stands": ([(5, 9) for _ in LONG], True, False),
    "slow, but moves at each look": ([(n, 10 * n + 1) for n in LONG], False, True),
    "slow, moves at every fifth look": ([(n // 5, 10 * n + 1) for n in LONG], False, True),
    "catches up with much": ([(100 * n, 4000) for n in LONG], False, False),
    "stands for less than the time": ([(5, 9)] * 6 + [(9, 9)], False, False),
    "set back to an earlier place, reads on": (
        [(900, 900), *[(n, 900) for n in LONG]],
        False,
        False,
    ),
    "position beyond the end": ([(7, 5) for _ in LONG], False, False),
}


@pytest.mark.parametrize("name", CASES)
def test_a_reader_is_stalled_or_behind_or_well(name: str) -> None:
    history, stalled, behind = CASES[name]

    found = judged(history)

    assert any(look.stalls for look in found) == stalled
    assert any(look.behind for look in found) == behind


def test_the_alarm_comes_once_and_within_90_s_of_the_first_unread_record() -> None:
    found = judged([(5, 5)] * 4 + [(5, 6 + n) for n in range(20)])

    (first,) = [n for n, look in enumerate(found) if look.begun]
    (finding,) = found[first].begun
    assert (first - 3) * EVERY_S <= ALARM_MAX_S  # the record came after look 3
    assert finding == stalls.Finding(
        "planner", "pm.decisions", 1, "2030-01-01T12:00:30+00:00", 5, 11, 6
    )
    assert all(look.stalls for look in found[first:])


def test_a_reader_that_moves_again_is_told_once_and_may_stall_anew() -> None:
    still, moved = [(5, 99)] * 8, [(6, 99)] * 8

    found = judged([*still, *moved])

    assert [n for n, look in enumerate(found) if look.over] == [8]
    assert found[8].over == [AT]
    assert len([look for look in found if look.begun]) == 2


def test_time_between_looks_that_could_not_be_made_does_not_count() -> None:
    found = judged([(5, 9)] * 10, every_s=100.0)

    assert not any(look.stalls for look in found)


def test_a_reader_that_is_not_there_any_more_is_no_stall() -> None:
    watch = Watch(after_s=AFTER_S, every_s=EVERY_S)
    for n in range(8):
        watch.look(n * EVERY_S, NOON, {AT: Standing(5, 9)})

    gone = watch.look(80.0, NOON, {})

    assert gone.stalls == []
    assert gone.over == [AT]


def test_the_file_tells_what_the_last_look_found(tmp_path: Path) -> None:
    before = stalls.read(tmp_path)
    stalls.write(tmp_path, NOON, judged([(5, 9)] * 8)[-1])
    after = stalls.read(tmp_path)
    stalls.forget(tmp_path)

    assert before["stalls"] == []
    assert after["looked_at"] == "2030-01-01T12:00:00+00:00"
    assert after["stalls"][0]["lag"] == 4
    assert stalls.read(tmp_path) == before


def test_every_topic_that_an_agent_reads_is_watched() -> None:
    modules = pkgutil.walk_packages(streams.__path__, "streams.")
    reads = {
        topic
        for info in modules
        for topic in getattr(importlib.import_module(info.name), "READS", ())
    }

    assert reads <= {topic for topics in GROUPS.values() for topic in topics}
