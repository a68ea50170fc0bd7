"""`penguin chaos`: the short plan holds, and what is no test stack is spared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.chaos import plan
from tests.chaos.kit import ChaosStack, stack

pytestmark = [pytest.mark.stack, pytest.mark.fault]
SEED = 11


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosStack]:
    with stack(tmp_path_factory.mktemp("chaos")) as job:
        yield job


def test_the_quick_plan_loses_nothing_and_sends_nothing_twice(job: ChaosStack) -> None:
    """Then a tenant comes, and the same stack is nobody's to harm: it is left as it is."""
    found = job.chaos("quick", SEED)

    assert found["ok"], found["problems"]
    assert found["requested"] == plan.find("quick").load.sends
    assert found["accepted"] + found["rejected"] + found["ambiguous"] == found["requested"]
    assert (found["lost"], found["duplicates"], found["open"]) == (0, 0, 0)
    assert found["ambiguous"] <= found["in_flight_max"]
    assert sum(found["faults"].values()) > 0
    before = job.pids()

    job.run("keys", "create", "--tenant-name", "Acme")
    said = job.refused(2, "chaos", "--plan", "quick", "--seed", "1")

    assert "tenants of somebody" in said
    assert job.pids() == before


def test_a_stack_that_does_not_run_is_missing(tmp_path: Path) -> None:
    job = ChaosStack(tmp_path)

    assert "penguin up" in job.refused(3, "chaos", "--plan", "quick", "--seed", "1")


def test_a_plan_is_asked_for_by_name(tmp_path: Path) -> None:
    job = ChaosStack(tmp_path)

    assert "--list" in job.refused(2, "chaos")
    assert "--list" in job.refused(3, "chaos", "--plan", "no-such-plan")
    names = [each["name"] for each in job.run("chaos", "--list")["plans"]]
    assert {"quick", "kill-each", "peers", "postgres", "brokers"} <= set(names)
