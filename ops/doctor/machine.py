"""The doctor's look at this machine: programs, disk, ports, processes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ops import board, stalls
from ops.board import Board, State
from ops.doctor.check import Check, Checks, check
from ops.errors import Missing
from ops.process_table import programs
from ops.stack import postgres
from ops.stack.java import java
from ops.stack.processes import is_free
from ops.stack.stack import Stack

DISK_FREE_MIN_BYTES = 2 << 30


def looks(stack: Stack) -> Checks:
    """Everything that can be seen without asking Kafka or Postgres."""
    found = board.read(stack.data)
    if not stack.given:
        yield _program("java", java)
        yield _program("postgres binaries", postgres.binaries)
    yield _disk(stack.data)
    yield _ports(stack, found)
    yield from _processes(found)
    if found.supervised:
        yield _readers(stalls.read(stack.data))


def _program(name: str, find: Callable[[], str | Path]) -> Check:
    try:
        return check(name, ok=True, found=find(), cure="")
    except Missing as missing:
        return check(name, ok=False, found="not there", cure=str(missing))


def _disk(data: Path) -> Check:
    free = shutil.disk_usage(data).free
    return check(
        "disk space",
        ok=free >= DISK_FREE_MIN_BYTES,
        found=f"{free >> 20} MiB free",
        cure=f"make room where {data} lies: the log is kept for ever",
    )


def _ports(stack: Stack, found: Board) -> Check:
    """Ports of processes that do not run must be free, or they never will."""
    known = programs(stack, servers_only=found.servers_only)
    taken = [
        f"{program.name}: {port}"
        for program in known
        for port in program.ports
        if not found.life_of(program.name) and not is_free(port)
    ]
    return check(
        "ports",
        ok=not taken,
        found=", ".join(taken) or "ours or free",
        cure="stop the program that listens there, or use another --data",
    )


def _processes(found: Board) -> Checks:
    yield check(
        "supervisor",
        ok=found.supervised,
        found=f"pid {found.supervisor_pid}" if found.supervised else "gone",
        cure="penguin up: a new one adopts what still runs",
    )
    for line in found.processes:
        alive = line.state == State.RUNNING and line.life.runs()
        yield check(
            f"process {line.name}",
            ok=alive,
            found=f"{line.state}, {line.restarts} restarts {line.problem}".strip(),
            cure=f"see {line.log}; penguin up starts what is missing",
        )


def _readers(seen: Mapping[str, Any]) -> Check:
    """What the supervisor saw at its last look; without one nothing is known yet."""
    standing = [stalls.told(each) for each in seen["stalls"]]
    looked = f"looked at {seen['looked_at']}" if seen["looked_at"] else "not looked at yet"
    return check(
        "readers move",
        ok=not standing,
        found="; ".join(standing) or f"none stands still, {looked}",
        cure=f"{stalls.RUNBOOK}: does its process hang? kill -9 it, the supervisor starts it again",
    )
