"""A closed loop of HTTP clients on one machine: so many at once, each waits for its answer.

Plain asyncio streams with keep-alive: the client takes a small part of the processor that the
server shares with it. Bounded in requests and in time.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

REQUEST_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Request:
    """One request, ready to be sent."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def wire(self, host: str) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        return "\r\n".join((*lines, "", "")).encode() + self.body


@dataclass
class Measured:
    """What came back. Times are in seconds, of answers that were good."""

    times_s: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    elapsed_s: float = 0.0
    cpu_s: float = 0.0  # that this process took meanwhile: the clients' share of the machine

    def quantile_ms(self, share: float) -> float:
        """The time within which this share of the answers came."""
        ordered = sorted(self.times_s)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)

    @property
    def per_s(self) -> float:
        return round(len(self.times_s) / self.elapsed_s, 1)

    def as_json(self) -> dict[str, object]:
        if bad := {status: n for status, n in self.statuses.items() if status >= 300}:
            raise RuntimeError(f"answers that are no answers, so there is no figure: {bad}")
        return {
            "requests": len(self.times_s),
            "per_s": self.per_s,
            "p50_ms": self.quantile_ms(0.5),
            "p99_ms": self.quantile_ms(0.99),
            "client_cpu_ms": round(self.cpu_s * 1000 / len(self.times_s), 3),
        }


async def load(
    base: str,
    requests: Iterator[Request],
    *,
    clients: int,
    until: Callable[[], bool] = lambda: False,
    per_s: float = 0.0,
) -> Measured:
    """Send all requests, `clients` at a time, or until told; their answers' times.

    `per_s`: so many a second at most, all clients together; 0: as many as are answered.
    """
    measured, begun, spent = Measured(), time.monotonic(), time.process_time()
    place, turns = urlsplit(base), itertools.count()

    async def client() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            for request in requests:
                if until():
                    return
                if per_s:
                    due = begun + next(turns) / per_s
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                sent = time.perf_counter()
                writer.write(request.wire(place.netloc))
                async with asyncio.timeout(REQUEST_TIMEOUT_S):
                    status = await _answer(reader)
                measured.times_s.append(time.perf_counter() - sent)
                measured.statuses[status] = measured.statuses.get(status, 0) + 1
        finally:
            writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    measured.elapsed_s = time.monotonic() - begun
    measured.cpu_s = time.process_time() - spent
    return measured


async def _answer(reader: asyncio.StreamReader) -> int:
    """The status of an answer that says how long it is; its body is read and left."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    _, found, length = head.partition(b"content-length: ")
    if found:
        await reader.readexactly(int(length.split(b"\r\n", 1)[0]))
    return status
