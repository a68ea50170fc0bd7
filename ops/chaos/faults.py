"""Each kind of fault, carried out. Only processes on the stack's own board are ever signalled."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from ops import board
from ops.board import State
from ops.chaos import link, records, surroundings
from ops.chaos.ground import Ground
from ops.chaos.plan import Act
from ops.chaos.toxics import Toxic
from ops.chaos.watch import Arrivals
from ops.process_table import CHECKOUT, programs
from ops.stack.processes import Identity
from ops.stack.stack import Stack

SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "quit": signal.SIGQUIT}
APPEARS_WITHIN_S = 30.0
POLL_S = 0.05
JOINER_ENDS_S = 15.0


@dataclass
class World:
    """What faults befall: a running stack and the links to its next hops."""

    stack: Stack
    ground: Ground
    rng: random.Random
    arrivals: Arrivals
    resumed_max_s: float = 0.0  # from a fault to the next message that arrived
    joined: int = 1  # instances of the dispatcher so far
    done: dict[str, int] = field(default_factory=dict)  # label and target → how often
    problems: list[str] = field(default_factory=list)
    poisoned: list[str] = field(default_factory=list)  # where records that nobody can read lie

    def note(self, act: Act) -> None:
        name = f"{act.fault.label} {act.target}".strip()
        self.done[name] = self.done.get(name, 0) + 1


async def carry_out(world: World, act: Act) -> None:
    """Do it, and undo it after its time, also when cancelled."""
    kind = act.fault.kind
    if kind in SIGNALS:
        await _signal(world, act, SIGNALS[kind])
    elif kind in WHERE_IT_CAN:
        await WHERE_IT_CAN[kind](world, act)
    else:
        await _whole(world, act)
        world.note(act)


async def _whole(world: World, act: Act) -> None:
    """Those that are done once they return; one that cannot be done raises."""
    data, kind = world.stack.data, act.fault.kind
    if kind == "poison":
        world.poisoned += await records.poison(world.stack, act.fault, world.rng)
    elif kind == "repeat":
        await records.repeat(world.stack, act.fault, world.rng)
    elif kind == "link":
        await link.ail(data, act)
    elif kind == "clock":
        await surroundings.jump(data, act, world.rng)
    elif kind == "fsync":
        await surroundings.fail_fsync(data, act)
    elif kind == "fill":
        await surroundings.fill(data / act.target, act.for_s)
    else:
        await asyncio.sleep(act.for_s)


async def _victim(world: World, name: str) -> Identity | None:
    """The process of this name once it serves; one that is just being started is waited for."""
    deadline = time.monotonic() + APPEARS_WITHIN_S
    while time.monotonic() < deadline:
        for line in board.read(world.stack.data).processes:
            if line.name == name and line.state == State.RUNNING and line.life.runs():
                return line.life
        await asyncio.sleep(POLL_S)
    world.problems.append(f"{name} did not run within {APPEARS_WITHIN_S:.0f} s, so it was spared")
    return None


async def _signal(world: World, act: Act, number: int) -> None:
    if life := await _victim(world, act.target):
        life.send(number)
        world.note(act)


async def _pause(world: World, act: Act) -> None:
    """Stopped as a whole, signing processes too, and let go on later as if nothing had been."""
    if life := await _victim(world, act.target):
        life.send(signal.SIGSTOP)
        world.note(act)
        try:
            await asyncio.sleep(act.for_s)
        finally:
            life.send(signal.SIGCONT)


async def _poison_links(world: World, act: Act) -> None:
    toxics = [Toxic(act.fault.toxic, **act.fault.toxic_with) for _ in world.ground.proxies]
    for proxy, toxic in zip(world.ground.proxies, toxics, strict=True):
        proxy.add(toxic)
    world.note(act)
    try:
        await asyncio.sleep(act.for_s)
    finally:
        for proxy, toxic in zip(world.ground.proxies, toxics, strict=True):
            proxy.remove(toxic)


async def _lock(world: World, act: Act) -> None:
    """Nobody else reads or writes the table meanwhile."""
    statement = sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(
        sql.Identifier(*act.fault.table.split("."))
    )
    with suppress(psycopg.OperationalError):
        async with await psycopg.AsyncConnection.connect(world.stack.dsn) as conn:
            await conn.execute(statement)
            world.note(act)
            await asyncio.sleep(act.for_s)
            await conn.rollback()


async def _join(world: World, act: Act) -> None:
    """One more dispatcher on this machine for a while: its partitions come and go."""
    world.joined += 1
    process = await asyncio.to_thread(_dispatcher, world.stack, str(world.joined))
    world.note(act)
    try:
        await asyncio.sleep(act.for_s)
    finally:
        process.kill()
        await asyncio.to_thread(process.wait, JOINER_ENDS_S)


def _dispatcher(stack: Stack, instance: str) -> subprocess.Popen[bytes]:
    entry = next(each for each in programs(stack) if each.role == "dispatcher")
    with stack.log_file(f"dispatcher-{instance}").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ops.cli", "run", "dispatcher"],
            env={**os.environ, **entry.environment, "PM_INSTANCE": instance},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=CHECKOUT,
            start_new_session=True,
        )


#: These note themselves, once they have taken hold.
WHERE_IT_CAN: Mapping[str, Callable[[World, Act], Awaitable[None]]] = {
    "pause": _pause,
    "toxic": _poison_links,
    "lock": _lock,
    "join": _join,
}
