"""Carries out a drawn schedule of faults, bounded, and leaves none of them behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from ops.chaos.faults import World, carry_out
from ops.chaos.plan import Act

Tell = Callable[[str], None]


async def torment(
    world: World, acts: Sequence[Act], *, for_s: float, over: Callable[[], bool], tell: Tell
) -> None:
    """One act after the other, each after its pause; those that last overlap with what follows.

    Ends with the acts, after `for_s`, or when `over` says that there is nothing to disturb any
    more. On return every fault is undone.
    """
    began = time.monotonic()
    lasting: set[asyncio.Task[None]] = set()
    try:
        for act in acts:
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


async def _tried(world: World, act: Act) -> None:
    """A fault that could not be done is told: a run that did less than its plan says so."""
    try:
        await carry_out(world, act)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on and names it
        world.problems.append(f"{act.told()}: {error!r}")
