"""Chaos plans: drawn alike from a seed, bounded, and refused with the place of what is wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ops.chaos import oracle, plan
from ops.chaos.testing_ground import others
from ops.errors import Missing, Usage

MIXED = """
about = "several"
count = 40
[[fault]]
kind = "kill"
target = ["dispatcher", "relay"]
[[fault]]
kind = "toxic"
toxic = "latency"
ms = 5
for_s = [1, 2]
[[fault]]
kind = "none"
"""


def made(folder: Path, text: str) -> plan.Plan:
    path = folder / "given.toml"
    path.write_text(text)
    return plan.read(path)


def test_a_seed_draws_the_same_faults_again_and_another_seed_others(tmp_path: Path) -> None:
    given = made(tmp_path, MIXED)
    first, again, other = plan.draw(given, 7), plan.draw(given, 7), plan.draw(given, 8)

    assert first == again
    assert first != other
    assert {act.fault.kind for act in first} == {"kill", "toxic", "none"}
    assert len(first) == 40


def test_rounds_take_every_fault_and_target_in_turn(tmp_path: Path) -> None:
    given = made(tmp_path, "rounds = true\n" + MIXED)
    drawn = [act.target or act.fault.label for act in plan.draw(given, 1)]

    assert drawn == ["dispatcher", "relay", "toxic latency", "none"] * 10


@pytest.mark.parametrize("name", plan.names())
def test_each_plan_that_comes_along_can_be_read_and_says_what_it_is_about(name: str) -> None:
    found = plan.find(name)

    assert found.name == name
    assert found.about
    assert plan.draw(found, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("count = 0", "nemesis.count"),
        ("count = 2001", "nemesis.count"),
        ("for_s = 100000", "nemesis.for_s"),
        ("[load]\nsends = 3000000", "load.sends"),
        ("[load]\nspeed = 1", "there is no 'speed'"),
        ("pace = 1", "there is no 'pace'"),
        ('[[fault]]\nkind = "flood"', "fault kind 'flood'"),
        ('[[fault]]\nkind = "kill"', "name its target"),
        ('[[fault]]\nkind = "none"\nms = 5', "there is no 'ms'"),
        ('[[fault]]\nkind = "toxic"\ntoxic = "rain"', "toxic 'rain'"),
        ('[[fault]]\nkind = "toxic"\ntoxic = "latency"\nspeed = 5', "there is no 'speed'"),
        ('[[fault]]\nkind = "none"\nfor_s = [2, 1]', "the smaller one first"),
        ("[[fault", "no TOML"),
    ],
)
def test_a_plan_that_is_none_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(Usage, match=r"given\.toml") as refused:
        made(tmp_path, text)

    assert told in str(refused.value)


def test_a_plan_that_is_not_there_is_missing() -> None:
    with pytest.raises(Missing, match="--list"):
        plan.find("no-such-plan")


def test_only_tenants_of_the_command_line_leave_a_stack_a_test_stack() -> None:
    assert others(["ten_local"], {"ten_local", "ten_demo"}) == []
    assert others(["ten_b", "ten_local", "ten_a"], {"ten_local"}) == ["ten_a", "ten_b"]


def test_the_oracle_calls_a_second_copy_a_duplicate_and_a_missing_one_lost() -> None:
    sends = {
        "snd_a": oracle.Told({"accepted"}),
        "snd_b": oracle.Told({"accepted"}),
        "snd_c": oracle.Told({"ambiguous"}, by_journal=True),
        "snd_d": oracle.Told({"deferred"}),
        "snd_e": oracle.Told({"deferred", "rejected"}),
        "snd_f": oracle.Told({"ambiguous"}),
    }
    received = Counter({"snd_a": 2, "snd_c": 1, "snd_e": 1, "snd_z": 1})

    found = oracle.compared(sends, received)

    assert (found.requested, found.accepted, found.rejected) == (6, 2, 1)
    assert (found.duplicates, found.lost, found.open) == (1, 2, 1)
    assert (found.ambiguous, found.ambiguous_received) == (2, 1)
    assert (found.journal_ambiguous, found.journal_received) == (1, 1)
    assert len(found.problems) == 5


def test_the_oracle_finds_nothing_where_all_is_well() -> None:
    sends = {"snd_a": oracle.Told({"deferred", "accepted"}), "snd_b": oracle.Told({"rejected"})}

    assert oracle.compared(sends, Counter({"snd_a": 1})).problems == []
