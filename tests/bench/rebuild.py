"""What reading the log back takes: the ledger rebuilt beside the live one, and the proof.

    python tests/bench/rebuild.py [--recipients 100000] [--json]

On a stack of its own after one unsigned campaign: `penguin projections rebuild send_ledger`, then
`penguin verify`; sends a second of each, as the commands themselves tell. The bench of the main job
does the same on its stack.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from tests.bench.stack import Stack, campaign, running

REBUILT = ("sends", "records", "elapsed_s", "sends_per_s", "equal")
PROVEN = ("sends", "records", "elapsed_s", "sends_per_s", "ok")


def measured(stack: Stack) -> dict[str, Any]:
    """Rebuild and proof over all that is in the stack's log. Raises where one does not hold."""
    rebuilt = stack.run("projections", "rebuild", "send_ledger")
    proven = stack.run("verify")
    return {
        "rebuild": {name: rebuilt[name] for name in REBUILT},
        "verify": {name: proven[name] for name in PROVEN},
    }


def told(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    names = {"rebuild": "ledger rebuilt from the log", "verify": "proof from the log alone"}
    return [
        f"{one['sends_per_s']:10,.0f} sends/s  {name}: {one['sends']:,} in {one['elapsed_s']:.1f} s"
        for key, name in names.items()
        for one in (found[key],)
    ]


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with running() as stack:
        campaign(stack, "rebuild", args.recipients, "none")
        found = measured(stack)
    print(json.dumps(found) if args.json else "\n".join(told(found)))


if __name__ == "__main__":
    main()
