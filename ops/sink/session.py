"""One connection of the stand-in: bytes in, one append to the record, one write of replies.

Cheap enough not to be what a bench measures: all complete commands and messages of one read are
answered together (RFC 2920), a plain pipelined envelope is recognised as a whole, and a body is
scanned once for CRLF.CRLF, the only thing that ends it.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from dataclasses import dataclass, field
from typing import cast

from ops.sink.dialogue import SIZE_MAX, Dialogue, Greylist
from ops.sink.hosts import MxHost
from ops.sink.received import Received

LINE_MAX = 2048
END = b"\r\n.\r\n"
_ENVELOPE = re.compile(
    rb"MAIL FROM:<([^<>\s]*)>(?: BODY=8BITMIME| SIZE=\d{1,7})*\r\n"
    rb"RCPT TO:<([^<>\s@]+@[^<>\s]+)>\r\nDATA\r\n"
)


@dataclass
class World:
    """What all sessions share. `latency_s`: how late each batch of replies leaves."""

    received: Received
    tls: ssl.SSLContext | None = None
    latency_s: float = 0.0
    sessions: set[SmtpSession] = field(default_factory=set)
    greylist: Greylist = field(default_factory=Greylist)
    _speaking: list[SmtpSession] = field(default_factory=list)

    def answer_soon(self, session: SmtpSession) -> None:
        """Let the session's replies leave with those of all that were read in this turn."""
        if not self._speaking:
            asyncio.get_running_loop().call_soon(self._answer)
        self._speaking.append(session)

    def _answer(self) -> None:
        """Record what was taken, then answer. Without a record there is no answer."""
        speaking, self._speaking = self._speaking, []
        try:
            self.received.flush()
        except OSError:
            for session in speaking:
                session.abort()
            return
        for session in speaking:
            session.answer()


class SmtpSession(asyncio.Protocol):
    """The server's side of one connection to one MX host."""

    def __init__(self, host: MxHost, world: World) -> None:
        self._world = world
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._dialogue = Dialogue(host, world.greylist, world.received, tls=world.tls is not None)
        self._rest = b""  # an incomplete command; in a body its last bytes, from the CRLF before it
        self._aside: list[bytes] = []  # of a body that spans several reads: what precedes `_rest`
        self._aside_size = 0
        self._oversize = False
        self._end = -1  # where the body ends in the buffer, when that is known already
        self._out: list[bytes] = []  # replies of this read
        self._late: deque[tuple[float, bytes]] = deque()  # (loop time, replies) not yet due
        self._waking = False
        self._encrypting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._world.sessions.add(self)
        self._world.received.connected()
        self._out.append(self._dialogue.banner())
        self._world.answer_soon(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's shape
        self._world.sessions.discard(self)
        self._transport = None
        self._late.clear()

    def close(self) -> None:
        """End the conversation now."""
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        """Break off without the replies that are ready."""
        self._out.clear()
        if self._transport:
            self._transport.abort()

    # ---- bytes in

    def data_received(self, data: bytes) -> None:
        if self._dialogue.ending or self._dialogue.tls_asked:
            return  # said after QUIT; or in clear after STARTTLS (RFC 3207 §5)
        if self._dialogue.in_data and not self._may_end(data):
            return
        self._consume(self._whole(data))
        self._world.answer_soon(self)

    def _may_end(self, data: bytes) -> bool:
        """Whether the body may end in this read; if not it is put aside and not looked at again."""
        end = data.find(END)
        if END in self._rest[-4:] + data[:4]:
            return True
        if end >= 0:
            self._end = sum(map(len, self._aside)) + len(self._rest) + end
            return True
        grown = self._rest + data
        self._aside.append(grown[:-4])
        self._aside_size += len(grown) - 4
        self._rest = grown[-4:]
        if self._aside_size > SIZE_MAX:
            self._oversize = True
            self._aside = [b"\r\nx"]  # too long anyway: only its end is awaited
            self._aside_size = 0
        return False

    def _whole(self, data: bytes) -> bytes:
        """All that is not yet answered. In a body it starts at the CRLF before it."""
        if not self._rest:
            return data
        whole = b"".join((*self._aside, self._rest, data))
        self._aside.clear()
        self._aside_size = 0
        return whole

    def _consume(self, buffer: bytes) -> None:
        """Answer everything complete in the buffer and keep the rest."""
        at, dialogue = 0, self._dialogue
        while not (dialogue.ending or dialogue.tls_asked):
            step = self._body(buffer, at) if dialogue.in_data else self._command(buffer, at)
            if step < 0:
                break
            at = step
        self._rest = buffer[at:]
        if not dialogue.in_data and len(self._rest) > LINE_MAX:
            self._out.append(b"500 5.5.2 Line too long\r\n")
            dialogue.ending = True

    def _command(self, buffer: bytes, at: int) -> int:
        """Take the next command, or a plain envelope as a whole; where to go on, or -1."""
        found = _ENVELOPE.match(buffer, at)
        replies = found and self._dialogue.envelope(found[1], found[2])
        if found and replies:
            self._out.append(replies)
            return found.end() - 2
        end = buffer.find(b"\r\n", at)
        if end < 0:
            return -1
        self._out.append(self._dialogue.command(buffer[at:end]))
        return end if self._dialogue.in_data else end + 2

    def _body(self, buffer: bytes, at: int) -> int:
        """Take the message that follows the CRLF at `at`; where to go on, or -1."""
        end = buffer.find(END, at) if self._end < 0 else self._end
        self._end = -1
        if end < 0:
            return -1
        reply, delay_ms = self._dialogue.dot(buffer[at + 2 : end + 2], oversize=self._oversize)
        self._oversize = False
        if delay_ms:
            self._later(reply, delay_ms / 1000)
        else:
            self._out.append(reply)
        return end + len(END)

    # ---- replies out

    def _later(self, reply: bytes, delay_s: float) -> None:
        """Queue what is ready so far, then this reply after its delay; replies keep their order."""
        now = self._loop.time()
        self._late.append((now + self._world.latency_s, b"".join(self._out)))
        self._late.append((now + delay_s, reply))
        self._out.clear()

    def answer(self) -> None:
        """Send the replies of what was read; what was taken is recorded."""
        replies = b"".join(self._out)
        self._out.clear()
        if self._world.latency_s or self._late:
            self._late.append((self._loop.time() + self._world.latency_s, replies))
            self._drain()
        else:
            self._send(replies)

    def _drain(self) -> None:
        """Send what is due; come back for the rest."""
        while self._late and self._late[0][0] <= self._loop.time():
            self._send(self._late.popleft()[1])
        if self._late and not self._waking:
            self._waking = True
            self._loop.call_at(self._late[0][0], self._wake)

    def _wake(self) -> None:
        self._waking = False
        self._drain()

    def _send(self, replies: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if replies:
            self._transport.write(replies)
        if self._late:
            return
        if self._dialogue.tls_asked and not self._encrypting:
            self._transport.pause_reading()
            self._encrypting = self._loop.create_task(self._encrypt(self._transport))
        elif self._dialogue.ending:
            self._transport.close()

    async def _encrypt(self, plain: asyncio.Transport) -> None:
        assert self._world.tls is not None  # noqa: S101 - else STARTTLS is not offered
        try:
            secured = await self._loop.start_tls(plain, self, self._world.tls, server_side=True)
        except (OSError, ssl.SSLError):
            plain.close()
            return
        self._transport, self._rest, self._encrypting = secured, b"", None
        self._dialogue.secured()
