"""What may befall the bytes of a connection; the words are toxiproxy's, and some of SMTP's own.

Times are in milliseconds as there. `way` is the direction that a toxic works on: `up` to the
server, `down` from it. Each function gets a chunk and gives what goes on, or raises Cut.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

END = b"\r\n.\r\n"
GO_ON = re.compile(rb"(?:^|\r\n)354[ -]")
UP, DOWN = "up", "down"
ASKED, OFFERED = 1, 2
GARBAGE = b"\x16\x03\x01\x00\x02\xff\xffthis is no handshake\r\n"


class Cut(Exception):  # noqa: N818 - what happens to a connection, not a mistake
    """The connection ends here; `reset`: with RST, not FIN. `last`: bytes that leave first."""

    def __init__(self, *, reset: bool = False, last: bytes = b"") -> None:
        super().__init__("reset" if reset else "closed")
        self.reset, self.last = reset, last


@dataclass(eq=False)
class Toxic:
    """One fault of a link while it is there. `share`: of the connections that it befalls."""

    kind: str
    way: str = DOWN
    share: float = 1.0
    ms: float = 0.0  # latency, timeout, reset_peer, slow_close, hold_reply: how long
    jitter_ms: float = 0.0
    rate_kb_s: float = 0.0  # bandwidth
    bytes: int = 0  # limit_data: all that passes; slicer: of a piece
    text: str = ""  # answer: what is said instead
    repeat: int = 1
    at: str = "dot"  # answer: instead of the reply to the dot, or of others (`envelope`)
    then: str = "deliver"  # hold_reply: or `drop`
    gone: asyncio.Event = field(default_factory=asyncio.Event, repr=False)


class Smtp:
    """What a link has seen of the conversation."""

    def __init__(self) -> None:
        self.awaits_dot = False  # a final dot passed, its reply did not
        self.in_message = False  # the server said 354, and nothing to its dot
        self._tail = b""
        self.tls = 0  # ASKED, OFFERED, and above: what the server said of its handshake

    def up(self, chunk: bytes) -> None:
        """Bytes that go to the server now."""
        seen = self._tail + chunk
        if END in seen:
            self.awaits_dot = True
        self._tail = seen[-4:]
        if chunk.upper().endswith(b"STARTTLS\r\n"):
            self.tls = ASKED

    def down(self, chunk: bytes) -> None:
        """Bytes that come from the server now."""
        if chunk:
            # Clients write the next envelope behind a dot: both replies may come at once.
            self.in_message = bool(GO_ON.search(chunk)) or (self.in_message and not self.awaits_dot)
            self.awaits_dot = False
            self.tls += bool(self.tls)

    def before_dot(self, chunk: bytes) -> bytes | None:
        """The part of a chunk that precedes a final dot; None where there is no dot in it."""
        at = (self._tail + chunk).find(END)
        return None if at < 0 else chunk[: max(0, at + 2 - len(self._tail))]


Change = Callable[[Toxic, Smtp, bytes, random.Random], Awaitable[bytes]]


async def _gone_within(toxic: Toxic, seconds: float | None) -> bool:
    try:
        await asyncio.wait_for(toxic.gone.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _latency(toxic: Toxic, _smtp: Smtp, chunk: bytes, rng: random.Random) -> bytes:
    drawn_ms = toxic.ms + rng.uniform(-toxic.jitter_ms, toxic.jitter_ms)
    await asyncio.sleep(max(0.0, drawn_ms) / 1000)
    return chunk


async def _bandwidth(toxic: Toxic, _smtp: Smtp, chunk: bytes, _rng: random.Random) -> bytes:
    await _gone_within(toxic, len(chunk) / 1024 / toxic.rate_kb_s)
    return chunk


async def _timeout(toxic: Toxic, _smtp: Smtp, chunk: bytes, _rng: random.Random) -> bytes:
    """Nothing passes; after `ms` the connection closes (0: never while the toxic is there)."""
    if await _gone_within(toxic, toxic.ms / 1000 if toxic.ms else None):
        return chunk
    raise Cut


async def _reset_peer(toxic: Toxic, _smtp: Smtp, _chunk: bytes, _rng: random.Random) -> bytes:
    await asyncio.sleep(toxic.ms / 1000)
    raise Cut(reset=True)


async def _hold_reply(toxic: Toxic, smtp: Smtp, chunk: bytes, _rng: random.Random) -> bytes:
    """The server took the message; its word on it comes late, or never (`then = "drop"`)."""
    if smtp.awaits_dot:
        await _gone_within(toxic, toxic.ms / 1000)
        if toxic.then == "drop":
            raise Cut
    return chunk


async def _drop_before_dot(toxic: Toxic, smtp: Smtp, chunk: bytes, _rng: random.Random) -> bytes:
    del toxic
    before = smtp.before_dot(chunk)
    if before is None:
        return chunk
    raise Cut(last=before)


async def _answer(toxic: Toxic, smtp: Smtp, chunk: bytes, _rng: random.Random) -> bytes:
    """Something else is said in place of the reply, and the connection closes.

    `envelope`: never in place of the reply to a dot, for the server took that message already, and
    a negative word on it would be a lie that nobody can see through.
    """
    if smtp.awaits_dot != (toxic.at == "dot"):
        return chunk
    raise Cut(last=toxic.text.encode() * toxic.repeat)


async def _break_tls(toxic: Toxic, smtp: Smtp, chunk: bytes, _rng: random.Random) -> bytes:
    del toxic
    if smtp.tls == OFFERED:
        raise Cut(last=GARBAGE)
    return chunk


async def _pass(_toxic: Toxic, _smtp: Smtp, chunk: bytes, _rng: random.Random) -> bytes:
    """Of those that the proxy itself carries out."""
    return chunk


CHANGES: dict[str, Change] = {
    "latency": _latency,
    "bandwidth": _bandwidth,
    "timeout": _timeout,
    "reset_peer": _reset_peer,
    "hold_reply": _hold_reply,
    "drop_before_dot": _drop_before_dot,
    "answer": _answer,
    "break_tls": _break_tls,
    "slow_close": _pass,
    "slicer": _pass,
    "limit_data": _pass,
    "down": _pass,
}
#: These work on what goes to the server, whatever `way` says.
UPWARD = frozenset({"drop_before_dot"})
