"""What the lane costs: messages per second and CPU per message, against the obvious way.

    python tests/bench/lane.py --messages 50000 --connections 10 [--delay-ms 50] [--loop asyncio]

The sink is a process of its own that answers every whole command of a read in one write. "obvious"
is aiosmtplib with a kept connection, one message after the other on each. Rendering is excluded:
every message is the same bytes. The lane writes a real dot journal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import uvloop
from aiosmtplib import SMTP

from adapters.dot_journal import DotJournal
from adapters.smtp_lane import Options, SmtpLanes
from domain.ports import Consignment, Message, NextHop, Reply

SLICE = 500
LINE = b"All work and no play makes a penguin a dull bird, it says here today.\r\n"
VERBS = {
    b"EHLO": b"250-sink\r\n250 PIPELINING\r\n",
    b"DATA": b"354 go\r\n",
    b"QUIT": b"221 bye\r\n",
}


class Sink(asyncio.Protocol):
    """Takes everything."""

    delay_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._data, self._in_text = b"", False
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._data += data
        answers: list[bytes] = []
        while (answer := self._take()) is not None:
            answers.append(answer)
        if answers and self.delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self.delay_s, self._transport.write, b"".join(answers))
        elif answers:
            self._transport.write(b"".join(answers))

    def _take(self) -> bytes | None:
        end = b"\r\n.\r\n" if self._in_text else b"\r\n"
        head, found, rest = self._data.partition(end)
        if not found:
            return None
        self._data = rest
        if self._in_text:
            self._in_text = False
            return b"250 taken\r\n"
        self._in_text = head == b"DATA"
        return VERBS.get(head[:4], b"250 ok\r\n")


def run_sink(pipe: Connection, delay_s: float) -> None:
    async def serve() -> None:
        Sink.delay_s = delay_s
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(serve())


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


def measure(way: str, args: argparse.Namespace) -> dict[str, object]:
    """Run one way against a sink of its own."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=run_sink, args=(theirs, args.delay_ms / 1000), daemon=True
    )
    process.start()
    port = ours.recv()
    text = LINE * (args.size // len(LINE))
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    run = uvloop.run if args.loop == "uvloop" else asyncio.run
    taken = run(WAYS[way](port, args, text))
    took_s = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    process.terminate()
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "way": way,
        "taken": taken,
        "per_s": round(taken / took_s),
        "cpu_us": round(cpu_s / taken * 1e6, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--size", type=int, default=10_240)
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    args = parser.parse_args()
    for way in WAYS:
        print(json.dumps(measure(way, args)))


if __name__ == "__main__":
    main()
