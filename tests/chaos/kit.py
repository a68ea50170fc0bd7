"""A test stack of its own for chaos plans, in the product's own shape or with changed processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops import board
from ops.stack.processes import wait_for
from ops.stack.stack import load_or_create
from tests.chaos import scoreboard
from tests.main_job_kit import ROOT, MainJob

#: What is killed on purpose need not be waited for as what fails by itself.
QUICK = {"PM_RESTART_PAUSE_MAX_S": "0.3"}
RUN_TIMEOUT_S = 7200.0
BOARD_WITHIN_S = 60.0


@dataclass
class ChaosStack(MainJob):
    """One stack; plans are run against it through the command line."""

    def chaos(self, plan: str, seed: int) -> dict[str, Any]:
        """Run a plan; its JSON, whatever it says. What it tells goes to DIR/PLAN.told."""
        arguments = ("--plan", plan, "--seed", str(seed), "--data", str(self.data), "--json")
        told = self.data / f"{Path(plan).stem}.told"
        with told.open("w") as file:
            done = subprocess.run(
                [sys.executable, "-m", "ops.cli", "chaos", *arguments],
                env=self.environment(),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                check=False,
                timeout=RUN_TIMEOUT_S,
            )
        assert done.returncode in {0, 1}, told.read_text()
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["ok"] == (done.returncode == 0)
        return found


@contextmanager
def stack(
    data: Path,
    brokers: int = 1,
    *,
    settings: Mapping[str, str] | None = None,
    other: Mapping[str, Any] | None = None,
) -> Iterator[ChaosStack]:
    """A stack that is up; `other`: processes that differ (tests/chaos/supervised.py)."""
    job = ChaosStack(data, latency_ms=0, settings=QUICK | dict(settings or {}))
    supervising = _supervised(job, brokers, other) if other else None
    try:
        job.addresses = job.run("up", "--brokers", str(brokers))
        yield job
    finally:
        job.run("down")
        if supervising:
            supervising.wait(30)


def _supervised(job: ChaosStack, brokers: int, other: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    load_or_create(job.data, brokers)
    path = job.data / "logs" / "supervisor.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.supervised", str(job.data), json.dumps(other)],
            env=job.environment(),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    assert wait_for(lambda: board.read(job.data).supervisor_pid == process.pid, BOARD_WITHIN_S)
    return process


def mutated(mutant: str, role: str, copies: int = 1) -> dict[str, Any]:
    """`other` of a stack in which this role runs as a mutant."""
    command = [sys.executable, "-m", "tests.chaos.mutants", mutant, role]
    return {role: {"command": command, "copies": copies}}


def record(row: int, what: str, found: Mapping[str, Any], figure: str, target: str) -> None:
    """Keep what came of a plan as a line of docs/reliability.md; what does not hold is said."""
    figure = "; but ".join((figure, *found["problems"][:2]))
    scoreboard.keep(
        found["plan"],
        {
            "row": row,
            "what": what,
            "size": f"{found['requested']:,} sends, {sum(found['faults'].values())} faults",
            "figure": figure,
            "target": target,
            "holds": found["ok"],
            "command": f"penguin chaos --plan {found['plan']} --seed {found['seed']}",
        },
    )
