"""A stack of a bench's own: in a temporary folder, stopped and removed at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from ops import board

ROOT = Path(__file__).parents[2]
COMMAND_TIMEOUT_S = 1800.0
#: A bench fills and stops what it runs on: never the servers that the caller's environment names.
GIVEN = ("PM_KAFKA_BOOTSTRAP", "PM_DATABASE_URL", "DATABASE_URL", "PM_DATA_DIR")
#: How a line of progress on stderr begins (ops/launching/terminal.py); none before the launch.
STATES = ("launching", "running", "paused", "finished", "cancelled")


class Stack:
    """A stack for one bench."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.addresses: dict[str, Any] = {}  # what `up` told: dsn, bootstrap and others

    def up(self, *options: str) -> None:
        """Bring it up; `options` as of `penguin up`."""
        self.addresses = self.run("up", *options)

    def command(self, *arguments: str) -> list[str]:
        """How a `penguin` command is started on this stack."""
        return [sys.executable, "-m", "ops.cli", *arguments, "--data", str(self.data), "--json"]

    def run(self, *arguments: str) -> dict[str, Any]:
        """One command; its JSON. Raises CalledProcessError, TimeoutExpired."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=COMMAND_TIMEOUT_S,
        )
        found: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
        return found

    def watched(self, *arguments: str) -> tuple[dict[str, Any], dict[str, float]]:
        """A command that launches a campaign and waits; its JSON, and CPU seconds by process.

        CPU is that from the first look at the launched campaign (within 50 ms of the launch) to the
        last look: what the import before it took is not in it.
        """
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        guard = threading.Timer(COMMAND_TIMEOUT_S, process.kill)
        guard.start()
        try:
            first, last = self._looks(process)
            answer, _ = process.communicate()
        finally:
            guard.cancel()
            process.kill()  # changes nothing about one that ended
            process.wait()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, process.args, answer)
        return json.loads(answer), {name: last[name] - first.get(name, 0.0) for name in last}

    def _looks(self, process: subprocess.Popen[str]) -> tuple[dict[str, float], dict[str, float]]:
        """CPU so far at the first and at the last line of progress; all lines are passed on."""
        assert process.stderr is not None
        first: dict[str, float] = {}
        last: dict[str, float] = {}
        for line in process.stderr:
            if line.startswith(STATES):
                last = self.cpu_s()
                first = first or last
            print(line, end="", file=sys.stderr, flush=True)
        return first, last

    def cpu_s(self) -> dict[str, float]:
        """Seconds of CPU so far by process, children included. Takes some 10 ms."""
        return {line.name: _family_s(line.pid) for line in board.read(self.data).processes}


def _family_s(pid: int) -> float:
    """A child that ended and was waited for is in its parent's children times."""
    spent = 0.0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                spent += sum(member.cpu_times()[:4])
    return spent


def environment() -> dict[str, str]:
    """The caller's, without the servers that it may name; output comes when it is printed."""
    kept = {name: value for name, value in os.environ.items() if name not in GIVEN}
    return kept | {"PYTHONUNBUFFERED": "1"}


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder whose stack, if one runs in it, is stopped before it goes.

    SIGTERM ends the bench as an exception would: in order.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="pm-bench-") as name:
        stack = Stack(Path(name))
        try:
            yield stack.data
        finally:
            stack.run("down")


@contextmanager
def running(*options: str) -> Iterator[Stack]:
    """A stack that is up; `options` as of `penguin up`."""
    with folder() as data:
        stack = Stack(data)
        stack.up(*options)
        yield stack


def leads(path: Path, count: int, domain: str = "gmail.com") -> Path:
    """A clean file: everybody is accepted at once."""
    with path.open("w") as file:
        file.write("email,first_name,city,company\n")
        for n in range(count):
            file.write(f"lead{n}@{domain},Name{n},Oslo,Acme\n")
    return path


def campaign(stack: Stack, name: str, count: int, sign: str) -> dict[str, Any]:
    """One campaign to its end; its report with CPU by process, both from the launch on."""
    csv = leads(stack.data / f"{name}.csv", count)
    template = str(ROOT / "examples" / "welcome.html")
    options = ("--csv", str(csv), "--template", template, "--from", f"Bench <news@{name}.example>")
    found, spent = stack.watched("send", *options, "--sign", sign, "--wait")
    if found["accepted"] != count:
        raise RuntimeError(f"not everything was accepted, so there is no figure: {found}")
    each = {process: round(cpu_s * 1e6 / count, 1) for process, cpu_s in spent.items()}
    busy = sum(spent.values()) / found["elapsed_s"]
    return found | {"cpu_us_per_mail": each, "cores_busy": round(busy, 2)}
