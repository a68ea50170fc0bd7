"""The supervisor's board, DIR/processes.json: what it started, and how each process is."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from ops.stack.processes import Identity


class Phase(StrEnum):
    """Of a stack as a whole."""

    STARTING = "starting"
    READY = "ready"  # everything served once; what dies since is restarted
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"  # it could not be started; `problem` says why, and everything was stopped


class State(StrEnum):
    """Of one process."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"
    FAILED = "failed"  # it dies again and again before it serves; still tried, ever less often


@dataclass
class Line:
    """One process on the board."""

    name: str
    role: str
    log: str
    state: State = State.STOPPED
    pid: int = 0
    born: str = ""
    restarts: int = 0
    problem: str = ""

    @property
    def life(self) -> Identity:
        return Identity(self.pid, self.born)


@dataclass
class Board:
    """All of it. Written whole, by the supervisor alone."""

    supervisor_pid: int = 0
    supervisor_born: str = ""
    phase: Phase = Phase.STOPPED
    problem: str = ""
    servers_only: bool = False
    processes: list[Line] = field(default_factory=list)

    @property
    def supervisor(self) -> Identity:
        return Identity(self.supervisor_pid, self.supervisor_born)

    @property
    def supervised(self) -> bool:
        """Whether the supervisor that wrote this board lives."""
        return self.supervisor.runs()

    def life_of(self, name: str) -> Identity | None:
        """The process of this name, if it still runs, whoever started it."""
        for line in self.processes:
            if line.name == name and line.life.runs():
                return line.life
        return None


def _file(data: Path) -> Path:
    return data / "processes.json"


def read(data: Path) -> Board:
    """The board of this folder; an empty one before the first start."""
    try:
        found = json.loads(_file(data).read_text())
    except FileNotFoundError:
        return Board()
    lines = [Line(**line | {"state": State(line["state"])}) for line in found.pop("processes")]
    return Board(**found | {"phase": Phase(found["phase"]), "processes": lines})


def write(data: Path, board: Board) -> None:
    """Replace the file, so that a reader sees the old or the new one."""
    fresh = _file(data).with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(asdict(board), indent=1))
    fresh.replace(_file(data))
