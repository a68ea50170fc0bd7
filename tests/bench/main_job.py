"""The main job end to end: mails a second from launch to last outcome projected, CPU by process.

    python tests/bench/main_job.py [--recipients 100000] [--sign none,rsa] [--json]

Brings up a stack of its own in a temporary folder, warms it with a small campaign, then sends one
campaign for each way of signing; the sink accepts everything at once. Rate and CPU are those from
the launch to the last outcome, import not included. At the end, on the same stack, the ledger's
rebuild and the proof from the log (tests/bench/rebuild.py).
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from tests.bench import rebuild
from tests.bench.stack import campaign, running

WARM_UP = 2000


def measured(recipients: int, ways: list[str]) -> dict[str, Any]:
    """A report for each way of signing, then what reading the log back takes."""
    with running() as stack:
        campaign(stack, "warm-up", min(WARM_UP, recipients), "none")
        sent = {sign: campaign(stack, f"bench-{sign}", recipients, sign) for sign in ways}
        return {"recipients": recipients, "campaigns": sent, **rebuild.measured(stack)}


def told(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    lines = []
    for sign, report in found["campaigns"].items():
        spent = report["cpu_us_per_mail"]
        rate, took_s = report["emails_per_s"], report["elapsed_s"]
        lines += [
            f"{rate:10,.0f} mails/s  signed: {sign}; {found['recipients']:,} in {took_s:.1f} s",
            f"{sum(spent.values()):10,.1f} us CPU a mail, all processes together",
            "           " + ", ".join(f"{name} {us}" for name, us in spent.items()),
        ]
    return lines + rebuild.told(found)


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--sign", default="none,rsa", help="none, rsa, ed25519, both; by commas")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = measured(args.recipients, args.sign.split(","))
    print(json.dumps(found) if args.json else "\n".join(told(found)))


if __name__ == "__main__":
    main()
