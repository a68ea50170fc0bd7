"""How long until the first mail is out: the demo on a fresh folder, everything installed already.

    python tests/bench/first_mail.py [--recipients N] [--json]

Starts `penguin demo --exit` as `make demo` does and watches from outside: seconds until the stack
serves, until the mailbox stand-in acknowledged a first mail, until the demo is over. Without
--recipients it sends the shipped leads. Cold, that is in a fresh clone with empty caches, is
measured by hand.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ops import board
from tests.bench.stack import ROOT, Stack, environment, folder

LOOK_EVERY_S = 0.02
MILESTONE_TIMEOUT_S = 300.0
DEMO_TIMEOUT_S = 900.0


def measured(data: Path, recipients: int | None) -> dict[str, Any]:
    """One demo in the folder. Raises where a milestone does not come."""
    sizes = () if recipients is None else ("--recipients", str(recipients))
    began = time.monotonic()
    process = subprocess.Popen(
        Stack(data).command("demo", "--exit", *sizes),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        up_s = _reached(lambda: board.read(data).phase == board.Phase.READY, process) - began
        mail_s = _reached(lambda: _taken(data / "sink" / "received.jsonl"), process) - began
        answer, _ = process.communicate(timeout=DEMO_TIMEOUT_S)
        demo_s = time.monotonic() - began
    finally:
        process.terminate()  # changes nothing about one that ended
        process.wait()
    report = json.loads(answer)
    return {
        "stack_serves_s": round(up_s, 2),
        "first_mail_s": round(mail_s, 2),
        "demo_s": round(demo_s, 2),
        "requested": report["requested"],
        "verified": report["verified"],
    }


def _reached(milestone: Callable[[], bool], process: subprocess.Popen[str]) -> float:
    """When it was seen first. Raises where the demo ends before it, or time runs out."""
    deadline = time.monotonic() + MILESTONE_TIMEOUT_S
    while not milestone():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the demo did not come so far; what it says is above")
        time.sleep(LOOK_EVERY_S)
    return time.monotonic()


def _taken(received: Path) -> bool:
    """Whether a mail was acknowledged. The record is written just before the 250 leaves."""
    try:
        with received.open() as file:
            whole = [line for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return False
    return any(json.loads(line)["acknowledged"] for line in whole)


def told(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    return [
        f"{found['stack_serves_s']:10.1f} s  until the stack serves, fresh folder, warm caches",
        f"{found['first_mail_s']:10.1f} s  until the first mail was accepted",
        f"{found['demo_s']:10.1f} s  the demo of {found['requested']:,} sends with proof and stop",
    ]


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with folder() as data:
        found = measured(data, args.recipients)
    print(json.dumps(found) if args.json else "\n".join(told(found)))


if __name__ == "__main__":
    main()
