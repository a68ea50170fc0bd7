"""A keeper and real processes: restarted at once, given up aloud, adopted."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.board import Line, State
from ops.keeper import HEALTHY_AFTER_S, LONGEST_PAUSE_S, Backoff, Keeper
from ops.stack.processes import Identity, choose_ports, end, identity
from ops.stack.program import Program

DEADLINE_S = 20.0


async def serves_at_once(_pid: int) -> bool:
    return True


def program(*command: str, ports: tuple[int, ...] = ()) -> Program:
    return Program(
        name="one",
        role="one",
        stage=1,
        command=lambda: list(command),
        serves=serves_at_once,
        ports=ports,
    )


def line(folder: Path) -> Line:
    return Line("one", "one", str(folder / "one.log"))


@asynccontextmanager
async def kept(keeper: Keeper, adopted: Identity | None = None) -> AsyncIterator[None]:
    task = asyncio.create_task(keeper.keep(adopted))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        end({keeper.line.life: signal.SIGKILL}, 1)
        keeper.reap()


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "it does not come to hold"
        await asyncio.sleep(0.01)


async def test_a_killed_process_is_started_again_at_once_and_counted(tmp_path: Path) -> None:
    keeper = Keeper(program("sleep", "600"), line(tmp_path), lambda: None)
    async with kept(keeper):
        await until(lambda: keeper.line.state == State.RUNNING)
        first = keeper.line.life

        killed_at = time.monotonic()
        first.send(signal.SIGKILL)
        await until(lambda: keeper.line.restarts == 1 and keeper.line.state == State.RUNNING)

        assert time.monotonic() - killed_at < 2
        assert keeper.line.life != first
        assert keeper.line.life.runs()


async def test_a_process_that_dies_before_it_serves_is_failed_with_its_last_words(
    tmp_path: Path,
) -> None:
    async def never(_pid: int) -> bool:
        return False

    dying = program("sh", "-c", "echo cannot find my socks >&2; exit 3")
    keeper = Keeper(
        Program("one", "one", 1, command=dying.command, serves=never), line(tmp_path), lambda: None
    )
    async with kept(keeper):
        await asyncio.wait_for(keeper.settled.wait(), DEADLINE_S)

        assert keeper.line.state == State.FAILED
        assert keeper.line.problem == "cannot find my socks"


@pytest.fixture
def earlier() -> Iterator[subprocess.Popen[bytes]]:
    """A process that another supervisor started."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


async def test_a_process_of_an_earlier_supervisor_is_adopted_not_doubled(
    tmp_path: Path, earlier: subprocess.Popen[bytes]
) -> None:
    keeper = Keeper(program("sleep", "600"), line(tmp_path), lambda: None)
    async with kept(keeper, adopted=identity(earlier.pid)):
        await until(lambda: keeper.line.state == State.RUNNING)
        adopted = keeper.line.pid

        earlier.kill()
        earlier.wait()
        await until(lambda: keeper.line.restarts == 1 and keeper.line.state == State.RUNNING)

        assert adopted == earlier.pid
        assert keeper.line.pid != earlier.pid


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    (port,) = choose_ports(1)
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", port)
    keeper = Keeper(program("sleep", "600", ports=(port,)), line(tmp_path), lambda: None)
    async with server, kept(keeper):
        await asyncio.wait_for(keeper.settled.wait(), DEADLINE_S)

        assert keeper.line.problem == f"port {port} on loopback is taken by another program"


def test_a_pid_counts_only_with_its_birth() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        life = identity(process.pid)
        assert life.runs()
        assert not Identity(process.pid, "another boot/1").runs()

        process.kill()


def test_a_zombie_does_not_run_but_still_exists() -> None:
    with subprocess.Popen(["true"]) as process:
        life = identity(process.pid)
        end({life: signal.SIGTERM}, 5)

        assert life.exists()
        assert not life.runs()


@given(lives=st.lists(st.floats(0, 100), max_size=20))
def test_pauses_double_up_to_a_limit_and_begin_anew_after_a_healthy_life(
    lives: list[float],
) -> None:
    backoff, longest = Backoff(), 0.0
    for lived_s in lives:
        pause_s = backoff.after(lived_s)

        assert pause_s <= LONGEST_PAUSE_S
        if lived_s >= HEALTHY_AFTER_S:
            assert pause_s <= 0.2
            longest = 0.0
        assert pause_s >= longest
        longest = pause_s
