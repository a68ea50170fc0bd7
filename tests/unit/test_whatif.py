"""Recorded history through another governor: what differs, from when on, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.governor.parameters import CURRENT
from ops.errors import Usage
from ops.whatif import Found, as_json, compare, named
from tests.property.test_volume_control import World
from tests.volume_log import PLACES

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def lived() -> World:
    world = World(4)
    await world.live(150)
    return world


async def asked(world: World, new: str, since: datetime = LONG_AGO, **more: Any) -> dict[str, Any]:
    found: Found = await compare(world.log, PLACES, named(new), since, **more)
    return as_json(found, named(new), since, 10_000)


async def test_the_same_rules_decide_the_same() -> None:
    told = await asked(await lived(), str(CURRENT.version))

    assert told["differences"] == []
    assert told["totals"]["same"] == sum(told["totals"]["recorded"].values()) > 20


async def test_the_recorded_side_is_what_was_decided() -> None:
    world = await lived()
    told = await asked(world, "conservative")

    decided = [type(event).__name__ for _, event in world.rows.decided]
    for kind, count in told["totals"]["recorded"].items():
        assert decided.count(kind) == count
    assert set(told["totals"]["recorded"]) == set(decided) - {"ReputationScored"}


async def test_another_plan_decides_otherwise_and_says_by_which_rule() -> None:
    told = await asked(await lived(), "conservative")

    assert told["totals"]["differ"] == len(told["differences"]) > 0
    assert "not those that the counterfactual would have got" in told["label"]
    first = told["differences"][0]
    sides = [side for side in (first["recorded"], first["counterfactual"]) if side]
    assert all(side["rule"] and "counts" in side for side in sides)
    assert first["recorded"] != first["counterfactual"]


async def test_numbers_of_a_file_decide_otherwise(tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text('{"breaking": {"blocked_keep": 0.25}}')

    told = await asked(await lived(), str(tmp_path / "new.json"))
    assert {"QuotaSet"} <= {one["type"] for one in told["differences"]}
    assert told["governor"] == "new.json"


async def test_nothing_differs_before_the_moment_that_was_asked_for() -> None:
    world = await lived()
    everything = await asked(world, "conservative")
    middle = datetime.fromtimestamp(world.log.now_ms / 1000, UTC) - timedelta(days=2)
    told = await asked(world, "conservative", middle)

    assert all(one["at"] >= middle.strftime("%Y-%m-%dT%H:%M") for one in told["differences"])
    assert told["turns"] < everything["turns"]


async def test_only_a_tenants_own_decisions_are_told_when_it_is_named() -> None:
    told = await asked(await lived(), "conservative", tenant="ten_b")

    assert {one["tenant_id"] for one in told["differences"]} <= {"ten_b"}


@pytest.mark.parametrize("new", ["nobody", "99", ""])
def test_a_governor_that_there_is_not_is_refused(new: str) -> None:
    with pytest.raises(Usage, match="conservative"):
        named(new)


def test_a_file_that_is_no_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text('{"breaking": {"blocked_keep": 7}}')

    with pytest.raises(Usage, match="blocked_keep"):
        named(str(tmp_path / "new.json"))
