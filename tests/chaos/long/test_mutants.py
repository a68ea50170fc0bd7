"""The oracle can fail: with a safeguard taken out it turns red, on plans that hold else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.kit import mutated, stack
from tests.chaos.mutants import ROLE_OF
from tests.chaos.scoreboard import keep

pytestmark = [pytest.mark.stack, pytest.mark.fault]
PLANS = Path(__file__).parent / "plans"
SEED = 3


@pytest.mark.parametrize(
    ("mutant", "plan", "copies", "told"),
    [
        ("claim_removed", "hints", 1, "was received 2 times"),
        ("start_after_dots", "kills", 1, "was received 2 times"),
        ("outcome_before_reply", "drops", 1, "is accepted and was not received"),
        ("relay_lock_off", "calls", 2, "two relays carried them"),
    ],
)
def test_the_oracle_turns_red(
    tmp_path: Path, mutant: str, plan: str, copies: int, told: str
) -> None:
    with stack(tmp_path, other=mutated(mutant, ROLE_OF[mutant], copies)) as job:
        found = job.chaos(str(PLANS / f"{plan}.toml"), SEED)

    red = not found["ok"] and any(told in problem for problem in found["problems"])
    keep(
        f"mutant-{mutant}",
        {
            "row": 95,
            "what": f"can the oracle fail? `{mutant}` in place of the {ROLE_OF[mutant]}",
            "size": f"{found['requested']:,} sends",
            "figure": f"red (… {told})" if red else "green",
            "target": "red",
            "holds": red,
            "command": "pytest tests/chaos/long/test_mutants.py",
        },
    )
    assert not found["ok"], found
    assert any(told in problem for problem in found["problems"]), found["problems"]


@pytest.mark.parametrize("plan", ["hints", "kills", "drops", "calls"])
def test_the_same_plans_hold_with_every_safeguard(tmp_path: Path, plan: str) -> None:
    with stack(tmp_path) as job:
        found = job.chaos(str(PLANS / f"{plan}.toml"), SEED)

    assert found["ok"], found["problems"]
