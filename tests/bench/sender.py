"""The sender's core, from a claimed slice to outcome records, beside the obvious way.

    python tests/bench/sender.py [--mails 50000] [--rounds 3] [--connections 10] [--json]

Both, and Postfix's smtp-source where it is, against one sink in one run, in turns; medians are
told. CPU is the sending process's. Then the first two against a sink that answers each batch of
commands 50 ms late, over 50 connections. They make and send the same mail (tests/bench/build.py),
unsigned; smtp-source sends one ready text of that size. The obvious way sends a share of the mails:
its mean tells as much. PM_SMTP_SOURCE names the program where it is not on PATH.
"""

from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.bench.sender_ways import Job, send_lane, send_obvious, send_smtp_source, smtp_source
from tests.bench.sink import Sink, sink

DELAY_S = 0.05
LATE_CONNECTIONS = 50
LANE, OBVIOUS, SOURCE = "lane", "jinja2 + EmailMessage + aiosmtplib", "smtp-source"
Way = Callable[[Job], float]
WAYS: dict[str, Way] = {LANE: send_lane, OBVIOUS: send_obvious, SOURCE: send_smtp_source}
SHARE = {LANE: 1.0, OBVIOUS: 0.05, SOURCE: 1.0}  # of the mails, in a round
WARM_UP_SHARE = 0.05


@dataclass(frozen=True)
class Run:
    """One way, once. CPU in microseconds a mail."""

    mails: int
    per_s: float
    cpu_us: float
    sink_cpu_us: float
    round_trips: float  # a mail, as the sink counts them, opening and closing included


def once(name: str, at: Sink, mails: int, connections: int) -> Run:
    """Send and count."""
    mails = max(int(mails * SHARE[name]), connections)
    before, spent_s = at.counted(), _cpu_s()
    took_s = WAYS[name](Job(at.port, mails, connections))
    spent_s, after = _cpu_s() - spent_s, at.counted()
    if after.mails - before.mails != mails:
        raise RuntimeError(f"the sink took {after.mails - before.mails} of {mails} mails of {name}")
    return Run(
        mails=mails,
        per_s=mails / took_s,
        cpu_us=spent_s / mails * 1e6,
        sink_cpu_us=(after.cpu_s - before.cpu_s) / mails * 1e6,
        round_trips=(after.turns - before.turns) / mails,
    )


def _cpu_s() -> float:
    """Of this process and of the programs that it waited for; the sink is not yet among these."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, kinds))


def rounds(names: list[str], args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Medians of each way over the rounds, which take turns against one sink."""
    runs: dict[str, list[Run]] = {name: [] for name in names}
    with sink() as at:
        for name in names:
            once(name, at, int(args.mails * WARM_UP_SHARE), args.connections)
        for _ in range(args.rounds):
            for name in names:
                runs[name].append(once(name, at, args.mails, args.connections))
    return {name: summary(found) for name, found in runs.items()}


def summary(runs: list[Run]) -> dict[str, float]:
    """The median of every figure, and between what the rate lay."""
    fields = [asdict(run) for run in runs]
    middle = {name: round(median(one[name] for one in fields), 2) for name in fields[0]}
    rates = [run.per_s for run in runs]
    return middle | {"per_s_min": round(min(rates), 1), "per_s_max": round(max(rates), 1)}


def late(mails: int) -> dict[str, dict[str, float]]:
    """Ours and the obvious way against a sink that answers late, once each."""
    with sink(DELAY_S) as at:
        return {
            name: summary([once(name, at, mails, LATE_CONNECTIONS)]) for name in (LANE, OBVIOUS)
        }


def measured(args: argparse.Namespace) -> dict[str, Any]:
    """Everything."""
    names = [LANE, OBVIOUS] + [SOURCE] * bool(smtp_source())
    found = rounds(names, args)
    return {
        "connections": args.connections,
        "rounds": args.rounds,
        "at_once": found,
        SOURCE: "measured" if SOURCE in found else "not here",
        "times_the_obvious": {
            "per_s": round(found[LANE]["per_s"] / found[OBVIOUS]["per_s"], 1),
            "cpu": round(found[OBVIOUS]["cpu_us"] / found[LANE]["cpu_us"], 1),
        },
        "late": {"delay_ms": DELAY_S * 1e3, "connections": LATE_CONNECTIONS}
        | late(args.late_mails),
    }


def told(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    lines = [f"sink at once, {found['connections']} connections, {found['rounds']} rounds"]
    lines += [_row(name, one) for name, one in found["at_once"].items()]
    if SOURCE not in found["at_once"]:
        lines.append(f"{'':10} not here: {SOURCE} (apt install postfix, or PM_SMTP_SOURCE)")
    times, slow = found["times_the_obvious"], found["late"]
    lines.append(f"{times['per_s']:9.1f}x the obvious way's rate; {times['cpu']}x by CPU")
    lines.append(f"each answer {slow['delay_ms']:.0f} ms late, {slow['connections']} connections")
    return lines + [_row(name, slow[name]) for name in (LANE, OBVIOUS)]


def _row(name: str, one: dict[str, float]) -> str:
    cpu = f"{one['cpu_us']:8,.1f} us CPU (sink {one['sink_cpu_us']:.1f})"
    return f"{one['per_s']:10,.0f} mails/s  {cpu}  {one['round_trips']:5.2f} round trips  {name}"


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--late-mails", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    found = measured(args := parser.parse_args())
    print(json.dumps(found) if args.json else "\n".join(told(found)))


if __name__ == "__main__":
    main()
