"""kill -9 of a process that signs by workers: they end with it, and hold nothing of its."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from adapters import dot_journal
from adapters.dot_journal import Owner
from tests.worker_kit import Workers, kill, until

pytestmark = pytest.mark.fault


def running(pid: int) -> bool:
    """Whether it runs; one that waits for its new parent to look is gone."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def test_workers_end_with_their_killed_dispatcher(tmp_path: Path) -> None:
    with Workers("signing_owner.py", tmp_path) as workers:
        owner = workers.start()
        assert owner.stdout
        pids = [int(pid) for pid in owner.stdout.readline().split()[1:]]
        assert [running(pid) for pid in pids] == [True, True]

        kill(owner)

        await until(lambda: not any(running(pid) for pid in pids))


async def test_i5_a_worker_that_lives_longer_holds_no_lock_of_the_dead(tmp_path: Path) -> None:
    """The sweeper must see at once that the owner is dead, and what it had dotted."""
    with Workers("signing_owner.py", tmp_path) as workers:
        owner = workers.start()
        assert owner.stdout
        name, *pids = owner.stdout.readline().decode().split()
        alive = dot_journal.inspect(tmp_path, name, "rel_1")
        for pid in pids:
            os.kill(int(pid), signal.SIGSTOP)

        kill(owner)

        verdict = dot_journal.inspect(tmp_path, name, "rel_1")
        still = [running(int(pid)) for pid in pids]
        for pid in pids:
            os.kill(int(pid), signal.SIGCONT)
        assert alive.owner == Owner.ALIVE
        assert (verdict.owner, verdict.dotted) == (Owner.DEAD, frozenset({7}))
        assert still == [True, True]
        await until(lambda: not any(running(int(pid)) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_that_drain_a_dispatcher_leave_its_workers_signing(
    tmp_path: Path, number: signal.Signals
) -> None:
    """A terminal or a service manager sends them to every process of a group."""
    with Workers("signing_owner.py", tmp_path) as workers:
        owner = workers.start()
        assert owner.stdout
        pids = [int(pid) for pid in owner.stdout.readline().split()[1:]]
        await until(lambda: all(ignores(pid, number) for pid in pids))

        for pid in pids:
            os.kill(pid, number)

        assert [running(pid) for pid in pids] == [True, True]


def ignores(pid: int, number: signal.Signals) -> bool:
    """Whether the kernel drops the signal for this process."""
    status = Path(f"/proc/{pid}/status").read_text()
    (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigIgn")]
    return bool(int(mask, 16) >> (number - 1) & 1)
