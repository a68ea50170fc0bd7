"""Carries out a drawn schedule of faults, bounded, and leaves none of them behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from ops.chaos.faults import World, carry_out
from ops.chaos.plan import Act

Tell = Callable[[str], None]


RESUMES_WITHIN_S = 30.0
LOOK_EVERY_S = 0.05
TAKES_HOLD_S = 0.3  # what was under way when a process was killed arrives within this


async def torment(
    world: World, acts: Sequence[Act], *, for_s: float, over: Callable[[], bool], tell: Tell
) -> None:
    """One act after the other; those that last overlap with what follows.

    Each comes after its pause, and not before mail arrived since the one before: what has only
    just been started has nothing to lose. Ends with the acts, after `for_s`, or when `over` says
    that there is nothing to disturb any more. On return every fault is undone.
    """
    began = time.monotonic()
    lasting: set[asyncio.Task[None]] = set()
    try:
        for act in acts:
            await _until_at_work(world, over)
            await asyncio.sleep(act.after_s)
            if time.monotonic() - began > for_s or over():
                break
            tell(f"{time.monotonic() - began:7.2f} s  {act.told()}")
            task = asyncio.create_task(_tried(world, act))
            lasting.add(task)
            task.add_done_callback(lasting.discard)
        if lasting:
            await asyncio.wait(lasting)
    finally:
        left = list(lasting)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _until_at_work(world: World, over: Callable[[], bool]) -> None:
    """Until something arrived since the last fault took hold, or nothing does for so long."""
    await asyncio.sleep(TAKES_HOLD_S)
    since = time.monotonic()
    while not over() and world.arrivals.last_at <= since:
        if time.monotonic() > since + RESUMES_WITHIN_S:
            return
        await asyncio.sleep(LOOK_EVERY_S)
    world.resumed_max_s = max(world.resumed_max_s, world.arrivals.last_at - since)


async def _tried(world: World, act: Act) -> None:
    """A fault that could not be done is told: a run that did less than its plan says so."""
    try:
        await carry_out(world, act)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on and names it
        world.problems.append(f"{act.told()}: {error!r}")
