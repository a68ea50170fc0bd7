"""Whether the log takes decisions: enough brokers answer, and no append waits for long (ADR 0013).

A broker that died refuses connections; one that hangs takes them and answers nothing. Where all
answer, an append may still wait for copies.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

Broker = tuple[str, int]  # host, port

ANSWERS_WITHIN_S = 0.7
WAITS_MAX_S = 1.5
#: ApiVersions (18) v0 of Kafka's protocol, which every broker answers without a login: size, key,
#: version, correlation id, an empty client id.
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, 0)


@dataclass
class Pending:
    """The append that is under way. Used as a context around each."""

    since: list[float] = field(default_factory=list)

    def __enter__(self) -> None:
        self.since.append(time.monotonic())

    def __exit__(self, *_: object) -> None:
        self.since.pop()

    @property
    def waits_s(self) -> float:
        return time.monotonic() - self.since[0] if self.since else 0.0


async def objection(brokers: Sequence[Broker], needed: int, pending: Pending) -> str:
    """Why the log takes nothing now, or empty. `needed`: copies that an append waits for."""
    if pending.waits_s > WAITS_MAX_S:
        return f"an append waits for more than {WAITS_MAX_S} s"
    found = sum(await asyncio.gather(*(_answers(*broker) for broker in brokers)))
    if found < min(needed, len(brokers)) or not found:
        return f"{found} of {len(brokers)} brokers answer, and {needed} copies are wanted"
    return ""


async def _answers(host: str, port: int) -> bool:
    with suppress(OSError, EOFError, TimeoutError):
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(API_VERSIONS)
                return bool(await reader.readexactly(1))
            finally:
                writer.close()
    return False
