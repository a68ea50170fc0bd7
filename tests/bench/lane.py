"""What the lane costs: messages per second and CPU per message, against the obvious way.

    python tests/bench/lane.py --messages 50000 --connections 10 [--delay-ms 50] [--loop asyncio]

Both send to the one sink of tests/bench/sink.py. "obvious" is aiosmtplib with a kept connection,
one message after the other on each. Rendering is excluded: every message is the same bytes. The
lane writes a real dot journal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop
from aiosmtplib import SMTP

from adapters.dot_journal import DotJournal
from adapters.smtp_lane import Options, SmtpLanes
from domain.ports import Consignment, Message, NextHop, Reply
from tests.bench.sink import Sink, sink

SLICE = 500
LINE = b"All work and no play makes a penguin a dull bird, it says here today.\r\n"


async def lane(port: int, args: argparse.Namespace, text: bytes) -> int:
    taken = 0

    def report(_: int, reply: Reply) -> None:
        nonlocal taken
        taken += reply.code == 250

    def render(index: int) -> Message:
        return Message(index, "bounce-token@from.test", "someone@rcpt.test", text)

    with tempfile.TemporaryDirectory() as folder:
        journal = DotJournal(Path(folder))
        lanes = SmtpLanes(journal, Options(connections=args.connections, messages_max=10**9))
        hops = (NextHop("127.0.0.1", port, "never"),)
        slices = [
            Consignment(f"rel_{at}", "", hops, range(SLICE), render, time.monotonic() + 600)
            for at in range(args.messages // SLICE)
        ]
        await asyncio.gather(*(lanes.deliver(one, report) for one in slices))
        await lanes.close()
        journal.forget()
    return taken


async def obvious(port: int, args: argparse.Namespace, text: bytes) -> int:
    async def sender(count: int) -> int:
        client = SMTP(hostname="127.0.0.1", port=port, start_tls=False)
        await client.connect()
        for _ in range(count):
            await client.sendmail("bounce-token@from.test", ["someone@rcpt.test"], text)
        await client.quit()
        return count

    each = args.messages // 10 // args.connections or 1  # slow: a tenth tells as much
    return sum(await asyncio.gather(*(sender(each) for _ in range(args.connections))))


WAYS: dict[str, Callable[[int, argparse.Namespace, bytes], Coroutine[Any, Any, int]]] = {
    "lane": lane,
    "obvious": obvious,
}


def measure(way: str, at: Sink, args: argparse.Namespace) -> dict[str, float]:
    """Run one way against the sink; CPU in microseconds a message."""
    text = LINE * (args.size // len(LINE))
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    run = uvloop.run if args.loop == "uvloop" else asyncio.run
    taken = run(WAYS[way](at.port, args, text))
    took_s = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "taken": taken,
        "per_s": round(taken / took_s),
        "cpu_us": round(cpu_s / taken * 1e6, 1),
    }


def told(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    return [
        f"{one['per_s']:10,} messages/s  {one['cpu_us']:8,.1f} us CPU  {way}"
        for way, one in found["ways"].items()
    ]


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--size", type=int, default=10_240)
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with sink(args.delay_ms / 1000) as at:
        found = vars(args) | {"ways": {way: measure(way, at, args) for way in WAYS}}
    print(json.dumps(found) if args.json else "\n".join(told(found)))


if __name__ == "__main__":
    main()
