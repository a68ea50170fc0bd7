"""What a person sees of a campaign at the terminal: one line that moves, then the proof."""

from __future__ import annotations

import sys
import time
from typing import Any

from ops.launching.progress import Progress
from projections.whynot.holds import Hold

PLAIN_EVERY_S = 2.0  # where lines cannot be overwritten


class Ticker:
    """Shows progress on stderr, rewriting its line on a terminal."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._shown_at = 0.0
        self._last: tuple[float, int] | None = None
        self._rate = 0.0

    def show(self, progress: Progress, hold: Hold | None) -> None:
        """One look."""
        now = time.monotonic()
        self._measure(now, progress.ended)
        if self._live:
            print(f"\r\x1b[K{self._line(progress, hold)}", end="", file=sys.stderr, flush=True)
        elif now - self._shown_at >= PLAIN_EVERY_S or progress.settled:
            print(self._line(progress, hold), file=sys.stderr, flush=True)
            self._shown_at = now

    def done(self) -> None:
        """Leave the line standing."""
        if self._live:
            print(file=sys.stderr)

    def _measure(self, now: float, ended: int) -> None:
        if self._last is not None and now > self._last[0]:
            fresh = (ended - self._last[1]) / (now - self._last[0])
            self._rate = 0.5 * self._rate + 0.5 * fresh
        self._last = (now, ended)

    def _line(self, progress: Progress, hold: Hold | None) -> str:
        counts = progress.counts
        shown = {
            "planned": progress.requested,
            "released": progress.released,
            **{
                name: counts.get(name, 0)
                for name in ("accepted", "deferred", "rejected", "suppressed", "ambiguous")
            },
        }
        text = "  ".join(f"{name} {count:,}" for name, count in shown.items())
        held = f"  waits: {hold.detail}" if hold and self._rate < 1 else ""
        return f"{progress.state:<9} {text}  {self._rate:,.0f}/s{held}"


def proof(found: dict[str, Any]) -> str:
    """Spells out requested = the sum of outcomes; `found` as `Progress.as_json`."""
    ends = ("accepted", "rejected", "suppressed", "expired", "cancelled", "ambiguous")
    total = " + ".join(f"{found[name]:,} {name}" for name in ends)
    open_sends = f" + {found['open']:,} open" if found["open"] else ""
    return f"{found['requested']:,} requested = {total}{open_sends}"
