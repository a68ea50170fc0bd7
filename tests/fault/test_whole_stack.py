"""A whole stack, every role: all killed at once they come back; one that hangs is told."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from ops import board, stalls
from ops.board import State
from ops.roles import ROLES
from ops.stack.processes import wait_for
from tests.chaos import kit
from tests.chaos.kit import ChaosStack

pytestmark = [pytest.mark.stack, pytest.mark.fault]

#: A twentieth of the real times.
QUICK = {"PM_STALL_LOOK_EVERY_S": "0.5", "PM_STALLED_AFTER_S": "3"}
WITHIN_S = 60.0


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosStack]:
    with kit.stack(tmp_path_factory.mktemp("whole"), settings=QUICK) as job:
        yield job


def test_every_role_serves_and_comes_back_when_all_are_killed_at_once(job: ChaosStack) -> None:
    before = {line.name: line for line in board.read(job.data).processes}
    assert set(ROLES) <= set(before)

    for name in ROLES:
        os.kill(before[name].pid, signal.SIGKILL)

    def back() -> bool:
        after = {line.name: line for line in board.read(job.data).processes}
        return all(
            after[name].state == State.RUNNING and after[name].restarts > before[name].restarts
            for name in ROLES
        )

    assert wait_for(back, WITHIN_S)
    assert {entry["state"] for entry in job.run("status")["processes"]} == {"running"}
    assert httpx2.get(job.addresses["api_url"] + "/health").status_code == 200
    assert httpx2.get(job.addresses["inbox_url"]).status_code == 200


def stalled(job: ChaosStack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stalls.read(job.data)["stalls"]
    return found


def told(job: ChaosStack, event: str) -> list[dict[str, Any]]:
    """What the supervisor's log tells under this name."""
    lines = (job.data / "logs" / "supervisor.log").read_text().splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in found if line["event"] == event]


def test_a_frozen_role_is_told_as_stalled_and_as_moving_again(job: ChaosStack) -> None:
    pid = job.pids()["planner"]

    os.kill(pid, signal.SIGSTOP)
    try:
        job.run("authority", "take", "--anew", "--reason", "something for the planner to read")
        assert wait_for(lambda: stalled(job) != [], WITHIN_S)
        (stall,) = job.run("status")["stalls"]
        doctor = job.run("doctor", ok=1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert wait_for(lambda: told(job, "reader_moves_again") != [], WITHIN_S)

    bad = {each["name"]: each for each in doctor["checks"] if not each["ok"]}
    (line,) = told(job, "reader_stalled")
    assert job.run("status")["stalls"] == []
    assert (stall["reader"], stall["topic"]) == ("planner", "pm.decisions")
    assert stall["lag"] == stall["end"] - stall["position"] >= 1
    assert stalls.RUNBOOK in bad["readers move"]["cure"]
    assert (line["level"], line["reader"]) == ("error", "planner")
