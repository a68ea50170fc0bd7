"""One TCP connection to a server: bytes out, replies in, and its end told once."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from adapters.smtp_lane.replies import ReplyParser


class Listener(Protocol):
    """Who is told what comes over a wire."""

    def replied(self, code: int, line: bytes) -> None: ...

    def lost(self, why: str) -> None:
        """The connection is gone, once; nothing follows."""
        ...


class Wire(asyncio.Protocol):
    """An SMTP client's connection. Whoever has set `listener` hears replies one by one."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.parser = ReplyParser()
        self.closed = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        for code, line in self.parser.feed(data):
            if self.closed:
                return
            self.listener.replied(code, line)
        if self.parser.broken:
            self.fail(self.parser.broken)

    def connection_lost(self, error: Exception | None) -> None:
        self._end("connection lost" if error is None else f"connection lost: {error}")

    def write(self, data: bytes) -> None:
        """Hand bytes to the kernel; without effect once the connection is gone."""
        if not self.closed and self.transport is not None:
            self.transport.write(data)

    def fail(self, why: str) -> None:
        """Break the connection off and tell the listener; without effect when it is gone."""
        if self.transport is not None:
            self.transport.abort()
        self._end(why)

    def _end(self, why: str) -> None:
        if not self.closed:
            self.closed = True
            self.listener.lost(why)
