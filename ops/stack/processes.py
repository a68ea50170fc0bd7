"""Processes by pid and birth (a pid alone may be someone else by now), and free ports."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HOST = "127.0.0.1"
SERVER_PORTS = range(20000, 32000)  # below what Linux gives to outgoing connections: they stay free
POLL_S = 0.02
KILLED_WITHIN_S = 5.0


@dataclass(frozen=True)
class Identity:
    """One life of one process: `born` is the boot and the clock tick after it."""

    pid: int
    born: str

    def exists(self) -> bool:
        """Whether the pid is still this process, be it a zombie that nobody has reaped."""
        return _seen(self.pid)[1] == self.born

    def runs(self) -> bool:
        """Whether it still runs. A zombie does not: some containers reap late or never."""
        state, born = _seen(self.pid)
        return born == self.born and state not in "ZX"

    def send(self, number: int) -> None:
        """Signal it, unless it is gone."""
        if self.runs():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def identity(pid: int) -> Identity:
    """The process that has this pid now."""
    return Identity(pid, _seen(pid)[1])


def _seen(pid: int) -> tuple[str, str]:
    """(state, birth) of a pid as /proc tells; birth '' when there is none."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "X", ""
    fields = told.rpartition(")")[2].split()  # the name before may hold spaces and brackets
    return fields[0], f"{_boot_id()}/{fields[19]}"


@cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]


def end(lives: Mapping[Identity, int], timeout_s: float) -> list[Identity]:
    """Signal each with its number and wait; what does not leave in time is killed, and returned."""
    for life, number in lives.items():
        life.send(number)
    stubborn = _still_running(lives, timeout_s)
    for life in stubborn:
        life.send(signal.SIGKILL)
    _still_running(stubborn, KILLED_WITHIN_S)
    return stubborn


def _still_running(lives: Iterable[Identity], timeout_s: float) -> list[Identity]:
    left = list(lives)
    wait_for(lambda: not any(life.runs() for life in left), timeout_s)
    return [life for life in left if life.runs()]


def wait_for(holds: Callable[[], bool], timeout_s: float) -> bool:
    """Whether something came to hold in time; asked every few milliseconds."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of loopback, over TCP or UDP."""
    return _binds(socket.SOCK_STREAM, port) and _binds(socket.SOCK_DGRAM, port)


def _binds(kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:  # with UDP it would let two share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def choose_ports(count: int) -> list[int]:
    """Different free ports, in no order."""
    candidates = random.SystemRandom().sample(SERVER_PORTS, len(SERVER_PORTS))
    return [port for port, _ in zip(filter(is_free, candidates), range(count), strict=False)]
