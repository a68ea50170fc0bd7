"""How long nothing arrived while something should have: looks at the sink's file."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

EVERY_S = 0.05


@dataclass
class Arrivals:
    """Of the time that was watched. Bytes of the file stand for messages."""

    first_at: float = 0.0
    last_at: float = 0.0
    stall_max_s: float = 0.0  # between two arrivals
    _size: int = 0

    def look(self, size: int, now: float) -> None:
        """Note the file's size at a moment (monotonic seconds)."""
        if size <= self._size:
            return
        if self.last_at:
            self.stall_max_s = max(self.stall_max_s, now - self.last_at)
        self._size, self.last_at = size, now
        self.first_at = self.first_at or now


async def watch(path: Path, arrivals: Arrivals) -> None:
    """Look until cancelled. What lies in the file before counts as nothing."""
    arrivals._size = _size(path)  # noqa: SLF001 - its own module
    while True:
        arrivals.look(_size(path), time.monotonic())
        await asyncio.sleep(EVERY_S)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
