"""Every bench, one after the other, never two at once: what `make bench` calls.

    python tests/bench/run.py [--quick] [--only sender,import_leads] [--json]

A table, or with --json one object: the machine, and each bench's own. Progress goes to stderr.
--quick takes sizes that show that all of it works; its figures tell nothing. A bench that fails is
named, the others go on, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
STOP_TIMEOUT_S = 120.0  # what a bench that was told to stop may take to clean up
BUSY_LOAD = 0.5


@dataclass(frozen=True)
class Bench:
    """A module of this folder; it prints JSON with --json and has `told` for people."""

    name: str
    asks: str
    quick: tuple[str, ...]
    timeout_s: float


BENCHES = (
    Bench("build", "making and signing one mail", ("--repeat", "1"), 600),
    Bench("lane", "the SMTP lane alone", ("--messages", "2000"), 600),
    Bench(
        "sender",
        "from a claimed slice to outcome records",
        ("--mails", "1000", "--rounds", "1", "--late-mails", "500"),
        1800,
    ),
    Bench("classify", "what SMTP replies mean", ("--lines", "5000"), 600),
    Bench("import_leads", "importing leads", ("--rows", "5000"), 1800),
    Bench("main_job", "the main job end to end", ("--recipients", "500"), 3600),
    Bench(
        "tenants",
        "what tenants cost as they grow in number",
        ("--sizes", "20", "--requests", "20"),
        7200,
    ),
    Bench(
        "queries",
        "what the API answers in a big database",
        ("--tenants", "25", "--leads", "500", "--sends", "2500", "--requests", "100"),
        7200,
    ),
    Bench("first_mail", "until the first mail is out, warm", ("--recipients", "200"), 1200),
)


def machine() -> dict[str, Any]:
    """What the figures belong to."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine_line(found: dict[str, Any]) -> str:
    """The machine in one line."""
    alone = "" if found["load_before"] <= BUSY_LOAD else "; the machine was not alone"
    return (
        f"machine: {found['cores']} cores of {found['cpu']}, {found['memory_gb']} GB,"
        f" {found['python']}, {found['system']}, load before {found['load_before']}{alone}"
    )


def run(bench: Bench, *, quick: bool) -> dict[str, Any]:
    """One bench in a process of its own; its JSON, or `error`."""
    sizes = bench.quick if quick else ()
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.{bench.name}", *sizes, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        answer, _ = process.communicate(timeout=bench.timeout_s)
    except subprocess.TimeoutExpired:
        return {"error": f"not done within {bench.timeout_s:.0f} s"}
    finally:
        stop(process)
    if process.returncode:
        return {"error": f"exit code {process.returncode}; what it said is above"}
    found: dict[str, Any] = json.loads(answer)
    return found


def stop(process: subprocess.Popen[str]) -> None:
    """Let it clean up, and end it. Nothing where it ended already."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def chosen(only: str) -> tuple[Bench, ...]:
    """The benches of these names. Raises SystemExit for a name that none has."""
    names = set(filter(None, only.split(",")))
    if unknown := names - {bench.name for bench in BENCHES}:
        known = ", ".join(bench.name for bench in BENCHES)
        raise SystemExit(f"no bench is called {', '.join(sorted(unknown))}; there are: {known}")
    return tuple(bench for bench in BENCHES if not names or bench.name in names)


def table(bench: Bench, found: dict[str, Any]) -> Iterator[str]:
    """A bench's part of the table."""
    yield f"\n{bench.name}: {bench.asks} ({found['took_s']:.0f} s)"
    if "error" in found:
        yield f"{'':10} failed: {found['error']}"
        return
    told: list[str] = importlib.import_module(f"tests.bench.{bench.name}").told(found)
    yield from (f"  {line}" for line in told)


def main() -> None:
    """Run, tell, exit 1 when one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--only", default="", help="names, by commas")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    benches, where = chosen(args.only), machine()
    if not args.json:
        print(machine_line(where), flush=True)
    results: dict[str, dict[str, Any]] = {}
    for bench in benches:
        began = time.monotonic()
        found = run(bench, quick=args.quick)
        results[bench.name] = found = found | {"took_s": round(time.monotonic() - began, 1)}
        if not args.json:
            print("\n".join(table(bench, found)), flush=True)
    if args.json:
        print(json.dumps({"machine": where, "quick": args.quick, "benches": results}))
    sys.exit(any("error" in found for found in results.values()))


if __name__ == "__main__":
    main()
