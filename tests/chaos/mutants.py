"""The product with one safeguard taken out, to show that the oracle sees what that safeguard stops.

`python -m tests.chaos.mutants MUTANT ROLE` patches, then runs the role as `penguin run ROLE` does.
Nothing of this is in the product: no setting of it turns a safeguard off.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

UNACKED_S = 3.0


def claim_removed() -> None:
    """Whoever has the hint of a release takes it, though somebody had it before (I4)."""
    from streams.dispatching import claim

    fence = "(r.state = 'released' AND r.lease_until > clock_timestamp()"
    text = claim.SQL["claim"]
    assert fence in text
    without = text.replace(fence, "(r.state IN ('released', 'started', 'concluded')")
    claim.SQL = {**claim.SQL, "claim": without}


def outcome_before_reply() -> None:
    """A message counts as accepted once its dot is written, without waiting for the 250."""
    from adapters.smtp_lane.session import Session
    from domain.ports import Phase, Reply

    inner = Session._dot

    def dot(self: Session, attempt: Any) -> None:
        inner(self, attempt)
        if attempt.dotted:
            attempt.parcel.report(attempt.index, Reply(Phase.DOT, 250, "not yet"))

    Session._dot = dot  # type: ignore[method-assign]


def start_after_dots() -> None:
    """Mail leaves before the log acknowledged that it was started (I5)."""
    from streams.dispatching.slice import SliceRun

    inner = SliceRun._start
    later: set[asyncio.Task[Any]] = set()

    async def tell_late(self: SliceRun) -> None:
        await asyncio.sleep(UNACKED_S)
        await inner(self)

    async def start(self: SliceRun) -> bool:
        self._sending.dots.begin(self._slice.release.release_id)
        task = asyncio.create_task(tell_late(self))
        later.add(task)
        task.add_done_callback(later.discard)
        return True

    SliceRun._start = start  # type: ignore[method-assign]


def relay_lock_off() -> None:
    """Every relay carries, however many there are (I2)."""
    from adapters import relay

    async def active(*_: object) -> bool:
        await asyncio.sleep(0)
        return True

    relay._become_active = active  # type: ignore[assignment]


MUTANTS: dict[str, Callable[[], None]] = {
    "claim_removed": claim_removed,
    "outcome_before_reply": outcome_before_reply,
    "start_after_dots": start_after_dots,
    "relay_lock_off": relay_lock_off,
}
#: The role in which the safeguard works.
ROLE_OF = dict.fromkeys(MUTANTS, "dispatcher") | {"relay_lock_off": "relay"}


def main(mutant: str, role: str) -> None:
    """Patch, then run the role until SIGTERM."""
    from ops import roles

    MUTANTS[mutant]()
    roles.run(role)


if __name__ == "__main__":
    main(*sys.argv[1:])
