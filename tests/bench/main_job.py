"""The main job end to end: mails a second from launch to last outcome projected, CPU by process.

    python tests/bench/main_job.py [--recipients 100000] [--sign none,rsa] [--json]

Brings up a stack of its own in a temporary folder, warms it with a small campaign, then sends one
campaign for each way of signing; the sink accepts everything at once.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
WARM_UP = 2000


class Stack:
    """A stack for one bench."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *arguments: str) -> dict[str, Any]:
        """One command; its JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "ops.cli", *arguments, "--data", str(self.data), "--json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
        return found

    def cpu_s(self) -> dict[str, float]:
        """Seconds of CPU so far by process, children included."""
        spent = {}
        for entry in self.run("status")["processes"]:
            process = psutil.Process(entry["pid"])
            family = [process, *process.children(recursive=True)]
            # A child that ended is in its parent's children times.
            spent[entry["name"]] = sum(sum(member.cpu_times()[:4]) for member in family)
        return spent


def leads(path: Path, count: int, domain: str) -> Path:
    """A clean file: everybody is accepted at once."""
    with path.open("w") as file:
        file.write("email,first_name,city,company\n")
        for n in range(count):
            file.write(f"lead{n}@{domain},Name{n},Oslo,Acme\n")
    return path


def campaign(stack: Stack, name: str, count: int, sign: str) -> dict[str, Any]:
    """One campaign to its end; its report with CPU by process."""
    csv = leads(stack.data / f"{name}.csv", count, "gmail.com")
    template = str(ROOT / "examples" / "welcome.html")
    sender = f"Bench <news@{name}.example>"
    before = stack.cpu_s()
    options = ("--csv", str(csv), "--template", template, "--from", sender, "--sign", sign)
    found = stack.run("send", *options, "--wait")
    after = stack.cpu_s()
    assert found["accepted"] == count, found
    spent = {which: (after[which] - before[which]) * 1e6 / count for which in after}
    return found | {"cpu_us_per_mail": {which: round(us, 1) for which, us in spent.items()}}


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--sign", default="none,rsa")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pm-bench-") as folder:
        stack = Stack(Path(folder))
        stack.run("up")
        try:
            campaign(stack, "warm-up", WARM_UP, "none")
            found = {
                sign: campaign(stack, f"bench-{sign}", args.recipients, sign)
                for sign in args.sign.split(",")
            }
        finally:
            stack.run("down")
    tell(found, as_json=args.json)


def tell(found: dict[str, dict[str, Any]], *, as_json: bool) -> None:
    """JSON, or a table."""
    if as_json:
        print(json.dumps(found))
        return
    for sign, report in found.items():
        spent = report["cpu_us_per_mail"]
        print(f"{sign}: {report['emails_per_s']:,.0f} mails/s, {report['elapsed_s']:.1f} s")
        print("  CPU us/mail: " + ", ".join(f"{name} {us}" for name, us in spent.items()))
        print(f"  CPU us/mail together: {sum(spent.values()):.0f}")


if __name__ == "__main__":
    main()
