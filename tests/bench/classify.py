"""How many lines `penguin classify` answers a second and core, and how that compares.

    python tests/bench/classify.py [--lines N] [--json]

`new`: replies whose words were never seen together, so every rule that may fit is tried; `again`:
replies that servers say to many; `naive`: a loop that reads the same lines and calls every 5xx
hard. CPU time of this process, so a busy machine counts little.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from domain.outcomes import judge
from domain.ports import Phase, Reply
from ops.classifying import answers

REPLIES = Path(__file__).parents[1] / "unit" / "replies.txt"
ROW = re.compile(r"(\w+) (\d{3}) (.*?) +-> .+")
WORDS = ["lorem", "ipsum", "dolor", "amet", "elit", "tempor", "magna", "aliqua", "enim", "veniam"]
ACCEPTED = Reply(Phase.DOT, 250, "2.0.0 Ok: queued as 4XyZ")


def lines_of(count: int, *, new: bool) -> list[bytes]:
    """Documented replies in turn; `new` adds words that make each a text of its own."""
    rows = [found.groups() for found in ROW.finditer(REPLIES.read_text())]
    choose = random.Random(7)
    found = []
    for at in range(count):
        phase, code, text = rows[at % len(rows)]
        phase = phase if phase not in {"banner", "tls"} else "connect"
        more = f" {choose.choice(WORDS)} {choose.choice(WORDS)} {choose.choice(WORDS)}" * new
        found.append(orjson.dumps({"reply": f"{code} {text}{more}", "phase": phase}))
    return found


def naive(lines: Iterable[bytes]) -> int:
    """Any 5xx is hard."""
    return sum(
        len(orjson.dumps({"hard": orjson.loads(line)["reply"].startswith("5")})) for line in lines
    )


def per_s(work: Callable[[], Any], count: int) -> float:
    """How many a second of this process's CPU time."""
    began = time.process_time()
    work()
    return round(count / (time.process_time() - began))


def measured(count: int) -> dict[str, Any]:
    """All figures."""
    new, again = lines_of(count, new=True), lines_of(count, new=False)
    list(answers(again[:1000], set()))  # compiled and known
    found = {
        "lines": count,
        "new_per_s": per_s(lambda: list(answers(new, set())), count),
        "again_per_s": per_s(lambda: list(answers(again, set())), count),
        "naive_per_s": per_s(lambda: naive(again), count),
        "accepted_judged_per_s": per_s(lambda: [judge(ACCEPTED) for _ in range(count)], count),
    }
    return found | {"new_to_naive": round(found["new_per_s"] / found["naive_per_s"], 3)}


def told(found: dict[str, Any]) -> str:
    """For people."""
    return "\n".join(f"{name:<24} {value:>12,}" for name, value in found.items())


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    found = measured(asked.lines)
    print(json.dumps(found) if asked.json else told(found))


if __name__ == "__main__":
    main()
