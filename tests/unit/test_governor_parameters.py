"""The governor's numbers as data: today's set, others beside it, and files that say them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.governor import State, allowance, encode, initial, step
from domain.governor.events import QuotaSet
from domain.governor.inputs import Attempted, Complained, Finding, PlanChosen, Started, Ticked
from domain.governor.parameters import CURRENT, RECORDED, Parameters
from domain.governor.parameters_file import described, made, parsed, plain
from domain.governor.state import VERSION
from domain.refusals import Invalid
from ops.cli import main
from tests.governor_kit import DAY, HOUR, START, TENANT, scopes, taken


def day_under(parameters: Parameters, complaints: int = 0) -> tuple[State, list[Any]]:
    """A day on which the quota was used and taken well, then the next morning."""
    cell_quota = allowance(initial, scopes(), START + DAY, parameters)
    assert cell_quota.count >= 0
    state, found = initial, list[Any]()
    for event in (
        Ticked(START),
        Started(START + HOUR, scopes(), 170),
        Attempted(START + HOUR + 1, scopes(), taken(170)),
        Complained(START + 2 * HOUR, scopes(), complaints),
        Ticked(START + DAY),
    ):
        state, decided = step(state, event, parameters)
        found += decided
    return state, found


def quotas(decided: list[Any]) -> list[tuple[int, int, str, int]]:
    return [
        (one.old, one.new, one.rule, one.governor)
        for one in decided
        if isinstance(one, QuotaSet) and one.scope == "cell"
    ]


def test_the_released_set_has_the_version_that_decisions_and_states_carry() -> None:
    assert RECORDED[VERSION] is CURRENT
    assert CURRENT.version == VERSION
    assert Parameters(version=VERSION) == CURRENT


def test_without_a_set_the_released_one_decides() -> None:
    event = Attempted(START, scopes(), taken(30))

    assert step(initial, event) == step(initial, event, CURRENT)
    assert encode(step(initial, event)[0]) == encode(step(initial, event, CURRENT)[0])


def test_another_set_cuts_by_its_own_factor_and_tells_its_own_version() -> None:
    half = quotas(day_under(CURRENT, 20)[1])[0]
    gentle = quotas(day_under(parsed('{"version": 9, "slow": {"cut": 0.8}}'), 20)[1])[0]

    assert half == (200, 100, "complaints", VERSION)
    assert gentle == (200, 160, "complaints", 9)


def test_plans_and_profiles_of_a_set_are_those_that_it_names() -> None:
    other = parsed(
        '{"plans": {"standard": {"growth": [[null, 1.2]]}}, "profiles": {"yahoo": {"quota": 210}}}'
    )

    assert quotas(day_under(CURRENT)[1]) == [(200, 400, "earned", VERSION)]
    assert quotas(day_under(other)[1]) == [(210, 252, "earned", 0)]
    with pytest.raises(Invalid, match="plan: 'slow'"):
        step(initial, PlanChosen(START, TENANT, "ip_a", "slow"), CURRENT)
    slow = parsed('{"plans": {"slow": {"start": 0.25}}}')
    state, _ = step(initial, PlanChosen(START, TENANT, "ip_a", "slow"), slow)
    assert step(state, Started(START, scopes(), 1), slow)[0].cells["cell:ip_a:yahoo"].quota == 50


def test_what_no_cell_met_yet_is_allowed_by_the_set_in_hand() -> None:
    many = parsed('{"profiles": {"yahoo": {"rate_per_h": 5000, "quota": 900}}}')
    now = State(START)
    until = START + 60

    assert allowance(now, scopes(), until).count < 10
    assert allowance(now, scopes(), until, many).count > 100


def test_a_probe_round_of_a_set_is_as_large_as_it_says() -> None:
    wide = parsed('{"breaking": {"probes": [3]}}')
    state = initial
    block = (Finding("REPUTATION_BLOCK", 1, "connect", 550),)
    for event in (Attempted(START, scopes(), block), Ticked(START + 3 * HOUR)):
        state, _ = step(state, event, wide)

    assert allowance(state, scopes(), START + 4 * HOUR, wide).count == 3


def test_the_whole_set_written_as_json_reads_as_itself() -> None:
    assert made(json.loads(json.dumps(plain(CURRENT)))) == CURRENT


def test_every_number_of_the_named_groups_has_a_unit_a_source_and_lies_in_its_bounds() -> None:
    told = described(CURRENT)

    assert len(told) > 70
    for one in told:
        assert one["unit"]
        assert one["source"]
        values = one["value"] if isinstance(one["value"], list) else [one["value"]]
        assert all(one["low"] <= value <= one["high"] for value in values), one


def test_what_a_file_leaves_out_stays_as_released() -> None:
    found = parsed('{"fast": {"raised": 1.3}}')

    assert found == replace(CURRENT, version=0, fast=replace(CURRENT.fast, raised=1.3))


@pytest.mark.parametrize(
    ("text", "field", "cure"),
    [
        ("{", "parameters", "write one object"),
        ("[]", "parameters", "write an object"),
        ('{"slowly": {}}', "slowly", "slow"),
        ('{"slow": {"cutt": 0.5}}', "slow.cutt", "cut"),
        ('{"slow": 3}', "slow", "write an object"),
        ('{"slow": {"cut": 1.5}}', "slow.cut", "0.05 to 1"),
        ('{"slow": {"cut": "half"}}', "slow.cut", "0.05 to 1"),
        ('{"slow": {"cut": true}}', "slow.cut", "0.05 to 1"),
        ('{"slow": {"cut": NaN}}', "slow.cut", "0.05 to 1"),
        ('{"slow": {"cool_days": 1.5}}', "slow.cool_days", "whole number"),
        ('{"slow": {"deferred_fine": 0.5}}', "slow.deferred_fine", "slow.deferred_stay"),
        ('{"breaking": {"probes": []}}', "breaking.probes", "whole numbers"),
        ('{"breaking": {"probes": [1, 0]}}', r"breaking.probes\[1\]", "1 to 1000"),
        ('{"evidence": {"hard_prior": {"a": -1}}}', "evidence.hard_prior.a", "0.001"),
        ('{"plans": {"standard": {"growth": [[9, 0.5], [null, 1]]}}}', "growth", "1 to 10"),
        ('{"plans": {"standard": {"growth": [[9, 2], [5, 2], [null, 1]]}}}', "growth", "rising"),
        ('{"plans": {"standard": {"growth": [[9, 2]]}}}', "growth", "null"),
        ('{"profiles": {"gmail": {"quota": 0}}}', "profiles.gmail.quota", "1 to"),
        ('{"profiles": {"gmail": {"feedback": 1}}}', "profiles.gmail.feedback", "true nor false"),
        ('{"other": {"blocked_open_s": 90000}}', "other.blocked_open_s", "blocked_open_max_s"),
        ('{"version": 1, "slow": {"cut": 0.6}}', "version", "another number"),
        ('{"version": 2, "slow": {"cut": 0.6}}', "version", "another number"),
    ],
)
def test_a_wrong_file_is_refused_with_the_field_and_the_cure(
    text: str, field: str, cure: str
) -> None:
    with pytest.raises(Invalid, match=rf"^[\w.\[\]]*{field}.*{cure}"):
        parsed(text)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_the_simulation_runs_by_a_file_and_refuses_a_wrong_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = ("sim", "--receivers", "2", "--days", "9", "--json")
    file = tmp_path / "set.json"
    file.write_text('{"version": 7, "plans": {"standard": {"growth": [[null, 1.05]]}}}')
    slow = told(capsys, *asked, "--parameters", str(file))
    free = told(capsys, *asked)
    file.write_text('{"slow": {"cut": 2}}')
    wrong = told(capsys, *asked, "--parameters", str(file))
    none = told(capsys, *asked, "--parameters", str(tmp_path / "none.json"))

    found = [json.loads(one[1]) for one in (slow, free)]
    admitted = [sum(row["admitted"] for row in one["receivers"]) for one in found]
    assert admitted[0] < admitted[1]
    assert found[0]["asked"]["governor"] == 7
    assert "governor" not in found[1]["asked"]
    assert (wrong[0], none[0]) == (2, 2)
    assert "slow.cut" in wrong[2]
    assert "none.json" in none[2]


def test_the_released_numbers_are_shown_and_can_be_given_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = told(capsys, "rules", "parameters", "--json")
    shown = json.loads(out)
    file = tmp_path / "set.json"
    file.write_text(json.dumps(shown["set"]))
    asked = ("sim", "--receivers", "2", "--days", "5", "--json")

    same, free = told(capsys, *asked, "--parameters", str(file)), told(capsys, *asked)

    assert code == 0
    assert json.loads(same[1])["receivers"] == json.loads(free[1])["receivers"]
    assert {one["parameter"] for one in shown["parameters"]} >= {"slow.cut", "fast.raised"}
