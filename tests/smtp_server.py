"""An SMTP server on loopback that does what a test scripts, and keeps what it was told."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

DROP = b"drop"  # close the connection instead of answering
HANG = b"hang"  # say nothing more
Answer = bytes | Callable[[int, str], bytes]

REPLIES: dict[str, bytes] = {
    "BANNER": b"220 test ready",
    "EHLO": b"",
    "HELO": b"250 hello",
    "STARTTLS": b"220 go ahead",
    "AUTH": b"235 welcome",
    "LOGIN": b"334 VXNlcm5hbWU6",
    "MAIL": b"250 2.1.0 ok",
    "RCPT": b"250 2.1.5 ok",
    "DATA": b"354 go ahead",
    "DOT": b"250 2.0.0 taken",
    "RSET": b"250 2.0.0 ok",
    "QUIT": b"221 2.0.0 bye",
}


@dataclass
class Mail:
    """A text that ended with a dot, taken or not."""

    mail_from: str
    rcpts: list[str]
    data: bytes  # dots undone
    connection: int


@dataclass
class Script:
    """`answers`: verb → reply without line end, or a function of (count of the verb, argument)."""

    answers: dict[str, Answer] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME")
    gates: dict[str, asyncio.Event] = field(default_factory=dict)  # a verb waits for its gate
    tls: ssl.SSLContext | None = None
    injected: bytes = b""  # written in clear behind the reply to STARTTLS


@dataclass
class ScriptedServer:
    """What came in. `early` counts commands that did not wait for a reply where they had to."""

    script: Script
    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    said: list[tuple[int, str]] = field(default_factory=list)  # (connection, line)
    in_tls: set[int] = field(default_factory=set)
    peers: list[str] = field(default_factory=list)
    connections: int = 0
    standing: int = 0
    standing_max: int = 0
    early: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def lines(self, verb: str) -> list[str]:
        """What was said that begins with a verb."""
        return [line for _, line in self.said if line.upper().startswith(verb)]

    def answer(self, verb: str, argument: str) -> bytes:
        self.counts[verb] = self.counts.get(verb, 0) + 1
        scripted = self.script.answers.get(verb) or REPLIES.get(verb, b"500 what")
        return scripted if isinstance(scripted, bytes) else scripted(self.counts[verb], argument)


class Conversation:
    """One connection to the server."""

    def __init__(
        self, server: ScriptedServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        server.connections += 1
        self._number = server.connections
        self._mail_from, self._rcpts = "", list[str]()
        server.peers.append(writer.get_extra_info("peername")[0])

    async def run(self) -> None:
        await self._reply("BANNER", "")
        while line := await self._reader.readline():
            text = line.rstrip(b"\r\n").decode(errors="replace")
            self._server.said.append((self._number, text))
            verb = text[:4].upper().rstrip()
            await self._command("STARTTLS" if verb == "STAR" else verb, text)

    async def _command(self, verb: str, text: str) -> None:
        if verb == "EHLO" and "EHLO" not in self._server.script.answers:
            await self._write(b"\r\n".join(self._hello()))
            return
        if verb == "AUTH" and text.upper() == "AUTH LOGIN":
            await self._login()
            return
        sent = await self._reply(verb, text)
        if verb == "MAIL":
            self._mail_from, self._rcpts = text[10:].partition(">")[0].lstrip("<"), []
        elif verb == "RCPT" and sent.startswith(b"2"):
            self._rcpts.append(text[9:].partition(">")[0])
        elif verb == "DATA" and sent.startswith(b"354"):
            await self._text()
        elif verb == "STARTTLS" and sent.startswith(b"220"):
            await self._start_tls()
        elif verb == "QUIT":
            raise ConnectionAbortedError

    def _hello(self) -> list[bytes]:
        script = self._server.script
        offered = [name for name in script.extensions if name != "STARTTLS" or not self._in_tls]
        words = ["test greets", *offered]
        return [f"250{' ' if word is words[-1] else '-'}{word}".encode() for word in words]

    @property
    def _in_tls(self) -> bool:
        return self._number in self._server.in_tls

    async def _login(self) -> None:
        for _ in range(2):
            await self._reply("LOGIN", "")
            said = (await self._reader.readline()).strip().decode()
            self._server.said.append((self._number, f"LOGIN {said}"))
        await self._reply("AUTH", "")

    async def _start_tls(self) -> None:
        if "HANDSHAKE" in self._server.script.gates:
            await self._server.script.gates["HANDSHAKE"].wait()
        if self._server.script.tls is not None:
            await self._writer.start_tls(self._server.script.tls, ssl_handshake_timeout=2)
            self._server.in_tls.add(self._number)

    async def _text(self) -> None:
        data = b""
        while (line := await self._reader.readline()) != b".\r\n":
            if not line:
                raise ConnectionAbortedError
            data += line[1:] if line.startswith(b".") else line
        self._server.mails.append(Mail(self._mail_from, self._rcpts, data, self._number))
        await self._reply("DOT", self._rcpts[0] if self._rcpts else "")

    async def _reply(self, verb: str, argument: str) -> bytes:
        answer = self._server.answer(verb, argument)
        if verb == "DATA" and not self._rcpts and "DATA" not in self._server.script.answers:
            answer = b"503 5.5.1 no valid recipient"
        if verb in self._server.script.gates:
            await self._server.script.gates[verb].wait()
        if answer == DROP:
            raise ConnectionAbortedError
        if answer == HANG:
            await self._reader.read()
            raise ConnectionAbortedError
        extra = self._server.script.injected if verb == "STARTTLS" else b""
        await self._write(answer, extra)
        return answer

    async def _write(self, answer: bytes, extra: bytes = b"") -> None:
        if "PIPELINING" not in self._server.script.extensions and self._reader._buffer:  # type: ignore[attr-defined]
            self._server.early += 1
        self._writer.write(answer + b"\r\n" + extra)
        await self._writer.drain()


@contextlib.asynccontextmanager
async def scripted(script: Script | None = None) -> AsyncIterator[ScriptedServer]:
    """A server that listens on a port of its own until the end of the block."""
    server = ScriptedServer(script or Script())
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.standing += 1
        server.standing_max = max(server.standing_max, server.standing)
        try:
            await Conversation(server, reader, writer).run()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            server.standing -= 1
            tasks.discard(task)
            writer.transport.abort() if server.script.tls else writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 24)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
