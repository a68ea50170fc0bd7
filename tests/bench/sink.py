"""The sink that every way of sending is measured against: takes everything, counts, keeps nothing.

A process of its own. It answers all whole commands and messages of one read in one write, as good
servers do (RFC 2920); with a delay each such answer leaves that much later. It offers PIPELINING
and no STARTTLS, and it ends with the process that started it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import NamedTuple, cast

import uvloop

VERBS = {
    b"EHLO": b"250-sink\r\n250 PIPELINING\r\n",
    b"DATA": b"354 go\r\n",
    b"QUIT": b"221 bye\r\n",
}
STOP_TIMEOUT_S = 10.0
BACKLOG = 1024


class Counted(NamedTuple):
    """What the sink did since it started. `turns`: answers it wrote, each a round trip."""

    mails: int
    turns: int
    cpu_s: float


@dataclass
class _Tally:
    mails: int = 0
    turns: int = 0


class Session(asyncio.Protocol):
    """One connection."""

    def __init__(self, tally: _Tally, delay_s: float) -> None:
        self._tally, self._delay_s = tally, delay_s
        self._data, self._in_text, self._quit = b"", False, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._data += data
        answers: list[bytes] = []
        while not self._quit and (answer := self._take()) is not None:
            answers.append(answer)
        if not answers:
            return
        self._tally.turns += 1
        if self._delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self._delay_s, self._answer, b"".join(answers))
        else:
            self._answer(b"".join(answers))

    def _answer(self, replies: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(replies)
            if replies.endswith(VERBS[b"QUIT"]):
                self._transport.close()

    def _take(self) -> bytes | None:
        end = b"\r\n.\r\n" if self._in_text else b"\r\n"
        head, found, rest = self._data.partition(end)
        if not found:
            return None
        self._data = rest
        if self._in_text:
            self._in_text = False
            self._tally.mails += 1
            return b"250 taken\r\n"
        self._in_text = head == b"DATA"
        self._quit = head == b"QUIT"
        return VERBS.get(head[:4], b"250 ok\r\n")


def _serve(pipe: Connection, delay_s: float) -> None:
    uvloop.run(_serving(pipe, delay_s))


async def _serving(pipe: Connection, delay_s: float) -> None:
    tally, over = _Tally(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        try:
            pipe.recv()
        except EOFError:  # whoever started us is gone, or wants us gone
            loop.remove_reader(pipe.fileno())
            over.set()
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        pipe.send(Counted(tally.mails, tally.turns, used.ru_utime + used.ru_stime))

    server = await loop.create_server(
        lambda: Session(tally, delay_s), "127.0.0.1", 0, backlog=BACKLOG
    )
    pipe.send(server.sockets[0].getsockname()[1])
    loop.add_reader(pipe.fileno(), asked)
    await over.wait()
    server.close()


class Sink:
    """A running sink, seen from the bench."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.port: int = pipe.recv()

    def counted(self) -> Counted:
        """What it did so far."""
        self._pipe.send("count")
        found: Counted = self._pipe.recv()
        return found


@contextmanager
def sink(delay_s: float = 0.0) -> Iterator[Sink]:
    """A sink on a free port of loopback; gone at the end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, delay_s), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Sink(ours)
    finally:
        ours.close()
        process.join(STOP_TIMEOUT_S)
        process.kill()
        process.join()
