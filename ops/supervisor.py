"""Starts every process of a stack in order, restarts what dies, and stops all in order.

Runs detached (`penguin up` starts it) until SIGTERM. Should it be killed itself, its processes go
on; the next one adopts them by pid and birth.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import structlog

from adapters import logs
from ops import board
from ops.board import Board, Line, Phase, State
from ops.errors import Expected, as_expected
from ops.keeper import Keeper
from ops.process_table import programs
from ops.stack import jars, kafka
from ops.stack.java import keep_class_archive
from ops.stack.processes import end, identity
from ops.stack.program import Program
from ops.stack.stack import Stack, load

log = structlog.get_logger()

SERVERS_STAGE = 0
STRAY_TIMEOUT_S = 15.0


def run(stack: Stack, *, servers_only: bool) -> None:
    """Supervise until SIGTERM or SIGINT. Returns at once when the stack has a supervisor."""
    with (stack.data / "supervisor.lock").open("w") as held:
        if _taken(held):
            return
        asyncio.run(Supervisor(stack, servers_only=servers_only).run())


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


class Supervisor:
    """One stack's. What it knows stands on the board at every moment."""

    def __init__(self, stack: Stack, *, servers_only: bool) -> None:
        self._stack = stack
        self._programs = programs(stack, servers_only=servers_only)
        self._before = board.read(stack.data)
        self._board = Board(
            supervisor_pid=os.getpid(),
            supervisor_born=identity(os.getpid()).born,
            phase=Phase.STARTING,
            servers_only=servers_only,
        )
        self._asked_to_stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._problem = ""

    async def run(self) -> None:
        """Start, keep, and stop at a signal; a start that cannot be made stops everything too."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._asked_to_stop.set)
        keepers = [self._keeper(program) for program in self._programs]
        await asyncio.to_thread(self._end_strays)
        self._write()
        start = self._spawn(self._start(keepers))
        await self._asked_to_stop.wait()
        start.cancel()
        await self._stop()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._check)
        return task

    def _check(self, task: asyncio.Task[None]) -> None:
        """A bug of ours leaves nothing running without a keeper: all is stopped, and said."""
        if not task.cancelled() and (error := task.exception()):
            log.error("supervisor_failed", exc_info=error)
            self._give_up(f"the supervisor failed: {error!r}")

    def _give_up(self, problem: str) -> None:
        self._problem = self._problem or problem
        self._asked_to_stop.set()

    def _end_strays(self) -> None:
        """End what an earlier supervisor ran and this one does not, as when servers are given."""
        wanted = {program.name for program in self._programs}
        strays = [line for line in self._before.processes if line.name not in wanted]
        signals = {"postgres": signal.SIGINT}
        end({line.life: signals.get(line.name, signal.SIGTERM) for line in strays}, STRAY_TIMEOUT_S)

    def _keeper(self, program: Program) -> Keeper:
        known = {line.name: line for line in self._before.processes}.get(program.name)
        file = str(self._stack.log_file(program.name))
        line = Line(program.name, program.role, file)
        if known:  # whom it may have to wait for
            line.pid, line.born = known.pid, known.born
            line.restarts = known.restarts if self._before.phase == Phase.READY else 0
        self._board.processes.append(line)
        return Keeper(program, line, self._write)

    async def _start(self, keepers: Sequence[Keeper]) -> None:
        """Start all, stage by stage."""
        if not self._board.servers_only:
            self._spawn(_import_preparation())
        for stage, members in _by_stage(keepers):
            for keeper in members:
                self._spawn(keeper.keep(self._before.life_of(keeper.program.name)))
            await asyncio.gather(*(keeper.settled.wait() for keeper in members))
            failed = [keeper.line for keeper in members if keeper.line.state == State.FAILED]
            if failed:
                self._give_up(f"{failed[0].name} cannot be started: {failed[0].problem}")
                return
            if stage == SERVERS_STAGE and not await self._prepare():
                return
        self._enter(Phase.READY)
        if not self._board.servers_only:
            self._spawn(self._watch_readers())

    async def _watch_readers(self) -> None:
        from adapters.settings import Settings
        from ops import stall_watch

        roles = [program.role for program in self._programs]
        place = (self._stack.bootstrap, self._stack.dsn, os.environ.get("PM_PREFIX", ""))
        looker = stall_watch.Looker(*place, roles)
        await stall_watch.watching(self._stack.data, looker, Settings())

    async def _prepare(self) -> bool:
        """Schema and topics, unless the servers alone are wanted; False: given up."""
        if self._board.servers_only:
            return True
        from ops import prepare

        copies = int(self._stack.environment()["PM_REPLICATION_FACTOR"])
        prefix = os.environ.get("PM_PREFIX", "")
        try:
            await prepare.prepare(self._stack.bootstrap, self._stack.dsn, copies, prefix)
        except Exception as error:
            expected: Expected | None = as_expected(error)
            if expected is None:
                raise
            self._give_up(str(expected))
            return False
        return True

    async def _stop(self) -> None:
        self._enter(Phase.STOPPING)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(stop, self._stack, self._programs, self._board)
        self._board.problem = self._problem
        self._enter(Phase.FAILED if self._problem else Phase.STOPPED)

    def _enter(self, phase: Phase) -> None:
        self._board.phase = phase
        log.info("stack", phase=phase)
        self._write()

    def _write(self) -> None:
        board.write(self._stack.data, self._board)


async def _import_preparation() -> None:
    """Pay for its many imports while the servers start, not before and not after."""
    await asyncio.to_thread(importlib.import_module, "ops.prepare")


def _by_stage(keepers: Sequence[Keeper]) -> Iterable[tuple[int, list[Keeper]]]:
    stages: dict[int, list[Keeper]] = defaultdict(list)
    for keeper in keepers:
        stages[keeper.program.stage].append(keeper)
    return sorted({SERVERS_STAGE: [], **stages}.items())


def stop(stack: Stack, known: Sequence[Program], found: Board) -> None:
    """End what the board names, in order; what does not drain in time is killed. Safe to repeat."""
    for stage in sorted({program.stops_at for program in known}, reverse=True):
        leaving = [program for program in known if program.stops_at == stage]
        _stop_stage(leaving, found)
        board.write(stack.data, found)
    keep_class_archive(jars.cache_folder(), kafka.recorder(stack))


def _stop_stage(leaving: Sequence[Program], found: Board) -> None:
    lives = {
        life: program.stop_signal for program in leaving if (life := found.life_of(program.name))
    }
    timeout_s = max(program.stop_timeout_s for program in leaving)
    for life in end(lives, timeout_s):
        log.error("process_killed", pid=life.pid, waited_s=timeout_s)
    for line in found.processes:
        if line.name in {program.name for program in leaving}:
            line.state = State.STOPPED


def main(arguments: Sequence[str]) -> None:
    """`python -m ops.supervisor DIR [--servers-only]`, as ops/control.py starts it."""
    logs.configure("info", "supervisor")
    stack = load(Path(arguments[0]))
    assert stack, "the caller chose the stack before"  # noqa: S101
    run(stack, servers_only="--servers-only" in arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
