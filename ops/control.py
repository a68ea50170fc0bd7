"""What commands do with a stack: bring it up, take it down."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops import board
from ops.board import Board, Phase, State
from ops.errors import DoesNotHold, Missing
from ops.process_table import CHECKOUT, programs
from ops.stack import jars, postgres
from ops.stack.java import java
from ops.stack.processes import end, is_free, wait_for
from ops.stack.program import Program
from ops.stack.stack import Servers, Stack, load, load_or_create

Tell = Callable[[str], None]

UP_TIMEOUT_S = 300.0
DOWN_TIMEOUT_S = 90.0  # the longest drains of all stages, and some
NO_PROGRESS: Tell = lambda _line: None  # noqa: E731


@dataclass(frozen=True)
class Wanted:
    """The stack that the caller of `up` has in mind."""

    data: Path
    brokers: int | None = None  # None: as it is, or 1
    servers_only: bool = False


def up(wanted: Wanted, tell: Tell = NO_PROGRESS, *, given: Servers | None) -> Stack:
    """Return when every process of the stack serves. Safe to repeat and to call at once from many.

    `given` servers (stack.given_servers()) are used instead of own ones.
    Raises Missing with the cure when something it needs is not there; then nothing is left running.
    """
    with _alone(wanted.data):
        _check_shape(wanted, given)
        stack = load_or_create(wanted.data, wanted.brokers, given)
        wait_for(lambda: board.read(stack.data).phase != Phase.STOPPING, DOWN_TIMEOUT_S)
        if not board.read(stack.data).supervised:
            _check_needs(stack, wanted, tell)
            _start_supervisor(stack, servers_only=wanted.servers_only)
        _wait_until_ready(stack, tell)
    return stack


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """One `up` of a stack at a time."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _check_shape(wanted: Wanted, given: Servers | None) -> None:
    """A running stack is not turned into another one."""
    stack, found = load(wanted.data), board.read(wanted.data)
    if not stack or not found.supervised:
        return
    if stack.given != given or found.servers_only != wanted.servers_only:
        raise DoesNotHold(
            f"the stack in {wanted.data} runs with other servers or processes than asked for: "
            "`penguin down` first, or choose another --data"
        )


def _check_needs(stack: Stack, wanted: Wanted, tell: Tell) -> None:
    """Everything that can be known to be missing before anything starts."""
    if not stack.given:
        postgres.binaries()
        java()
        cache = jars.cache_folder()
        if not jars.are_here(cache):
            tell("getting Kafka's jars (45 MB, once)")
        jars.kafka_jars(cache)
    found = board.read(stack.data)
    for program in programs(stack, servers_only=wanted.servers_only):
        if not found.life_of(program.name):
            _check_ports(program)


def _check_ports(program: Program) -> None:
    for port in program.ports:
        if not is_free(port):
            raise Missing(
                f"{program.name}: port {port} on loopback is taken by another program: stop that, "
                "or choose another --data, or set PM_KAFKA_BOOTSTRAP and PM_DATABASE_URL"
            )


def _start_supervisor(stack: Stack, *, servers_only: bool) -> None:
    path = stack.log_file("supervisor")
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ops.supervisor", str(stack.data)]
    with path.open("ab") as file:
        process = subprocess.Popen(
            [*command, "--servers-only"] if servers_only else command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=CHECKOUT,
            start_new_session=True,
        )
    on_board = wait_for(
        lambda: board.read(stack.data).supervisor_pid == process.pid or process.poll() is not None,
        UP_TIMEOUT_S,
    )
    if not on_board or process.poll() is not None:
        raise Missing(f"the supervisor does not start; see {path}")
    process.returncode = 0  # it outlives us by design: not ours to wait for


def _wait_until_ready(stack: Stack, tell: Tell) -> None:
    told: set[str] = set()

    def settled() -> bool:
        found = board.read(stack.data)
        for line in found.processes:
            if line.state == State.RUNNING and line.name not in told:
                told.add(line.name)
                tell(f"{line.name} serves")
        return _serves(found) or not found.supervised

    in_time = wait_for(settled, UP_TIMEOUT_S)
    found = board.read(stack.data)
    if _serves(found):
        return
    why = found.problem or _unwell(found)
    if in_time:
        raise Missing(f"the stack does not start: {why}; logs: {stack.data / 'logs'}")
    raise DoesNotHold(f"the stack is not ready after {UP_TIMEOUT_S:.0f} s: {why}")


def _serves(found: Board) -> bool:
    running = all(line.state == State.RUNNING for line in found.processes)
    return found.phase == Phase.READY and running and found.supervised


def _unwell(found: Board) -> str:
    for line in found.processes:
        if line.state != State.RUNNING:
            return f"{line.name} is {line.state} {line.problem}".strip()
    return "its supervisor is gone"


def down(data: Path) -> None:
    """Drain and stop what runs of this stack, its supervisor dead or alive. Safe to repeat."""
    stack = load(data)
    if not stack:
        return
    found = board.read(data)
    if found.supervised:
        stubborn = end({found.supervisor: signal.SIGTERM}, DOWN_TIMEOUT_S)
        found = board.read(data)
        if not stubborn:
            return
    _stop_without_supervisor(stack, found)


def _stop_without_supervisor(stack: Stack, found: Board) -> None:
    from ops import supervisor

    supervisor.stop(stack, programs(stack, servers_only=found.servers_only), found)
    found.phase = Phase.STOPPED
    board.write(stack.data, found)
