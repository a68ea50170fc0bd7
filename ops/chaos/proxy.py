"""A TCP proxy between two of our processes, on loopback, whose links can be made ill.

One per next hop (or server); toxics are added and removed while connections stand.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from ops.chaos.toxics import CHANGES, DOWN, UP, UPWARD, Cut, Smtp, Toxic
from ops.errors import Missing

CHUNK = 1 << 16
CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Address:
    """Of a listener on loopback."""

    host: str
    port: int


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter) -> None:
        self.proxy, self.client = proxy, client
        self.server: asyncio.StreamWriter | None = None
        self.smtp = Smtp()
        self.passed = {UP: 0, DOWN: 0}
        self._luck = proxy.rng.random()  # the same toxics befall it as long as it lives
        self.cut_short = False  # what came in place of the reply to a dot may be none
        self.ended = False

    def has(self, toxic: Toxic, way: str) -> bool:
        wanted = UP if toxic.kind in UPWARD else toxic.way
        return wanted == way and self._luck < toxic.share

    async def pump(self, reader: asyncio.StreamReader, way: str) -> None:
        """Carry one direction until it ends; then both end."""
        writer = self.server if way == UP else self.client
        assert writer is not None  # noqa: S101 - pumps start once both sides are there
        try:
            while chunk := await reader.read(CHUNK):
                await self._send(writer, await self._changed(chunk, way), way)
            await self._linger(way)
            self.end()
        except Cut as cut:
            self.cut_short |= self.smtp.awaits_dot
            with suppress(OSError):
                if cut.last:
                    await self._send(writer, cut.last, way)
            self.end(reset=cut.reset)
        except OSError:
            self.end()

    async def _changed(self, chunk: bytes, way: str) -> bytes:
        for toxic in list(self.proxy.toxics):
            if self.has(toxic, way):
                chunk = await CHANGES[toxic.kind](toxic, self.smtp, chunk, self.proxy.rng)
        return chunk

    async def _send(self, writer: asyncio.StreamWriter, chunk: bytes, way: str) -> None:
        limit = self._limit(way)
        whole, chunk = chunk, chunk if limit is None else chunk[: max(0, limit)]
        self.cut_short |= self.smtp.awaits_dot and len(chunk) < len(whole)
        if way == UP:
            self.smtp.up(chunk)
        else:
            self.smtp.down(chunk)
        self.passed[way] += len(chunk)
        for piece in self._pieces(chunk, way):
            writer.write(piece)
            await writer.drain()
        if len(chunk) < len(whole):
            raise Cut

    def _limit(self, way: str) -> int | None:
        """What may still pass, where a limit is set."""
        sizes = [toxic.bytes for toxic in self._of("limit_data", way)]
        return min(sizes) - self.passed[way] if sizes else None

    def _pieces(self, chunk: bytes, way: str) -> list[bytes]:
        sizes = [toxic.bytes for toxic in self._of("slicer", way)]
        size = max(1, min(sizes)) if sizes else max(1, len(chunk))
        return [chunk[at : at + size] for at in range(0, len(chunk), size)]

    async def _linger(self, way: str) -> None:
        for toxic in self._of("slow_close", way):
            await asyncio.sleep(toxic.ms / 1000)

    def _of(self, kind: str, way: str) -> list[Toxic]:
        return [each for each in self.proxy.toxics if each.kind == kind and self.has(each, way)]

    def end(self, *, reset: bool = False) -> None:
        """Close both sides, once; one whose dot has no reply yet is counted."""
        if self.ended:
            return
        self.ended = True
        unanswered = self.cut_short or self.smtp.awaits_dot
        self.proxy.unanswered += unanswered
        self.proxy.unfinished += self.smtp.in_message and not unanswered
        for writer in (self.client, self.server):
            if writer is None:
                continue
            if reset:
                _arm_reset(writer)
            writer.close()


def _arm_reset(writer: asyncio.StreamWriter) -> None:
    """Let the close be an RST."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Proxy:
    """Listens at one address and connects to another. Use as an async context."""

    def __init__(self, listen: Address, upstream: Address, rng: random.Random) -> None:
        self.listen, self.upstream, self.rng = listen, upstream, rng
        self.toxics: list[Toxic] = []
        self.unanswered = 0  # connections that ended with a dot in the air
        self.unfinished = (
            0  # that ended in a message: its dot may have been written, and went no way
        )
        self.accepted = 0
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def add(self, toxic: Toxic) -> None:
        """From now on. `down` ends what stands, too."""
        self.toxics.append(toxic)
        if toxic.kind == "down":
            for link in list(self._links):
                link.end(reset=True)

    def remove(self, toxic: Toxic) -> None:
        """What it held goes on."""
        with suppress(ValueError):
            self.toxics.remove(toxic)
        toxic.gone.set()

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(
                self._serve, self.listen.host, self.listen.port, reuse_address=True
            )
        except OSError as error:
            raise Missing(
                f"the proxy cannot listen on {self.listen.host}:{self.listen.port} ({error}); "
                "does another `penguin chaos` run against this stack? Let it end first"
            ) from error
        if not self.listen.port:
            self.listen = Address(*self._server.sockets[0].getsockname()[:2])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # noqa: S101 - entered
        self._server.close()
        for toxic in list(self.toxics):
            self.remove(toxic)
        for link in list(self._links):
            link.end()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this in one
        self._tasks.add(task)
        link = _Link(self, writer)
        self._links.add(link)
        self.accepted += 1
        try:
            await self._carry(link, reader)
        except asyncio.CancelledError:  # the proxy leaves; asyncio's streams would complain of it
            return
        finally:
            link.end()
            self._links.discard(link)
            self._tasks.discard(task)

    async def _carry(self, link: _Link, reader: asyncio.StreamReader) -> None:
        if any(toxic.kind == "down" for toxic in self.toxics):
            link.end(reset=True)
            return
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                back, link.server = await asyncio.open_connection(
                    self.upstream.host, self.upstream.port
                )
        except (OSError, TimeoutError):
            link.end(reset=True)
            return
        if link.ended:  # while it was being opened
            link.server.close()
            return
        await asyncio.gather(link.pump(reader, UP), link.pump(back, DOWN))
