"""Keeps one process running: starts it, waits until it serves, starts it again when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from ops.board import Line, State
from ops.errors import Expected
from ops.process_table import CHECKOUT
from ops.stack.processes import Identity, identity, is_free
from ops.stack.program import Program

log = structlog.get_logger()

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
HEALTHY_AFTER_S = 30.0  # a life this long makes the next pause short again
FAILED_AFTER = 5  # deaths in a row before it served
PROBE_EVERY_S = 0.03
ADOPTED_TIMEOUT_S = 20.0  # for a process of an earlier supervisor to prove that it serves
LOG_BYTES_MAX = 64 << 20
LAST_WORDS_CHARS = 300
WAIT_BEFORE_REUSE_S = 5.0


class Backoff:
    """How long to wait before the next start: doubling, and short again after a healthy life."""

    def __init__(self, longest_s: float = LONGEST_PAUSE_S) -> None:
        self._longest_s = longest_s
        self._next_s = min(FIRST_PAUSE_S, longest_s)

    def after(self, lived_s: float) -> float:
        """The pause after a life of this length."""
        if lived_s >= HEALTHY_AFTER_S:
            self._next_s = min(FIRST_PAUSE_S, self._longest_s)
        pause_s, self._next_s = self._next_s, min(self._next_s * 2, self._longest_s)
        return pause_s


class Keeper:
    """One program's keeper. `changed` is called after each change of `line`."""

    def __init__(self, program: Program, line: Line, changed: Callable[[], None]) -> None:
        self.program = program
        self.line = line
        self.settled = asyncio.Event()  # it serves, or has failed
        self._changed = changed
        self._backoff = Backoff(_longest_pause_s())
        self._fruitless = 0
        self._process: subprocess.Popen[bytes] | None = None

    async def keep(self, adopted: Identity | None) -> None:
        """Keep it running until cancelled. The process then goes on: whoever cancels ends it."""
        life = adopted
        while True:
            began = time.monotonic()
            await self._live(life, began, adopted=life is not None)
            life = None
            pause_s = self._backoff.after(time.monotonic() - began)
            log.warning("process_ended", process=self.program.name, restart_in_s=pause_s)
            await asyncio.sleep(pause_s)

    async def _live(self, life: Identity | None, began: float, *, adopted: bool) -> None:
        """One life, from its start (or adoption) to its end."""
        try:
            if life is None:
                await asyncio.to_thread(self._wait_for_predecessor)
                life = await asyncio.to_thread(self._launch)
        except (Expected, OSError) as error:
            self._died(str(error))
            return
        self._note(State.STARTING if self.line.state == State.STOPPED else self.line.state, life)
        timeout_s = ADOPTED_TIMEOUT_S if adopted else self.program.start_timeout_s
        ended = asyncio.ensure_future(_ended(life))
        try:
            await self._until_it_serves(life, ended, began + timeout_s)
            await ended
        finally:
            ended.cancel()
        self.reap()
        self._died(_last_words(Path(self.line.log)))

    async def _until_it_serves(
        self, life: Identity, ended: asyncio.Future[None], deadline: float
    ) -> None:
        while not ended.done():
            if await self.program.serves(life.pid):
                self._serves()
                return
            if time.monotonic() > deadline:
                log.error("process_does_not_serve", process=self.program.name, pid=life.pid)
                life.send(signal.SIGKILL)
                return
            await asyncio.sleep(PROBE_EVERY_S)

    def _serves(self) -> None:
        self._fruitless = 0
        self.line.problem = ""
        self._note(State.RUNNING)
        self.settled.set()
        log.info("process_serves", process=self.program.name, pid=self.line.pid)

    def _died(self, why: str) -> None:
        self.line.restarts += 1
        self.line.problem = why
        self._fruitless += 1
        failed = self._fruitless >= FAILED_AFTER
        self._note(State.FAILED if failed else State.RESTARTING)
        if failed:
            self.settled.set()

    def _note(self, state: State, life: Identity | None = None) -> None:
        if life:
            self.line.pid, self.line.born = life.pid, life.born
        self.line.state = state
        self._changed()

    def _wait_for_predecessor(self) -> None:
        """PostgreSQL takes a killed server that process 1 has not reaped for a living one."""
        deadline = time.monotonic() + WAIT_BEFORE_REUSE_S
        while self.line.pid and self.line.life.exists() and time.monotonic() < deadline:
            time.sleep(PROBE_EVERY_S)

    def _launch(self) -> Identity:
        self.program.prepare()
        for port in self.program.ports:
            if not is_free(port):
                raise OSError(f"port {port} on loopback is taken by another program")
        path = Path(self.line.log)
        _rotate(path)
        with path.open("ab") as file:
            self._process = subprocess.Popen(
                self.program.command(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=dict(self.program.environment) or None,
                cwd=CHECKOUT,
                start_new_session=True,
            )
        return identity(self._process.pid)

    def reap(self) -> None:
        """Collect the process, once it has ended, if it is a child of ours."""
        if self._process:
            self._process.wait()
            self._process = None


def _longest_pause_s() -> float:
    """Between two starts; a stack that is killed on purpose does not want to wait for long."""
    return float(os.environ.get("PM_RESTART_PAUSE_MAX_S") or LONGEST_PAUSE_S)


async def _ended(life: Identity) -> None:
    """Return when this process is gone, child of ours or not."""
    try:
        handle = os.pidfd_open(life.pid)
    except ProcessLookupError:
        return
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        if life.runs():  # else the pid is another's already
            loop.add_reader(handle, gone.set)
            await gone.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def _rotate(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES_MAX:
            path.replace(path.with_suffix(".log.1"))


def _last_words(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").split("\n")
        said = [line for line in lines if line.strip()]
        return said[-1].strip()[:LAST_WORDS_CHARS] if said else ""
    return ""
