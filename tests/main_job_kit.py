"""The main job through the command line, on a stack of its own: send, kill, count."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PATIENCE_S = 240.0
GIVEN = ("PM_KAFKA_BOOTSTRAP", "PM_DATABASE_URL", "DATABASE_URL", "PM_DATA_DIR")
TEMPLATE = """---
subject: Hello {{ first_name | default("there") }}
---
<p>Dear {{firstName|friend}}, <a href="https://example.com/x">look</a></p>
"""


@dataclass
class MainJob:
    """One stack, in its folder. The sink answers a little late, to leave time to kill."""

    data: Path
    latency_ms: int = 20
    settings: dict[str, str] = field(default_factory=dict)  # of the environment, for every command
    addresses: dict[str, Any] = field(default_factory=dict)  # what `up` told

    def up(self) -> None:
        """Bring the stack up."""
        self.addresses = self.run("up")

    def run(self, *arguments: str, ok: int | None = 0) -> Any:
        """One command; its JSON. `ok`: the exit code that is expected, None for any."""
        done = self.start(*arguments)
        out, err = done.communicate(timeout=PATIENCE_S)
        assert ok is None or done.returncode == ok, f"{arguments}: {done.returncode}\n{out}\n{err}"
        return json.loads(out) if out.strip() else {}

    def refused(self, code: int, *arguments: str) -> str:
        """The one line on stderr of a command that ends with this code and prints nothing else."""
        done = self.start(*arguments)
        out, err = done.communicate(timeout=PATIENCE_S)
        assert (done.returncode, out) == (code, ""), f"{arguments}: {done.returncode}\n{out}\n{err}"
        assert len(err.strip().splitlines()) == 1, err
        return err.strip()

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        """What a command that prints an object a line says."""
        done = self.start(*arguments)
        out, err = done.communicate(timeout=PATIENCE_S)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{out}\n{err}"
        return [json.loads(line) for line in out.splitlines()]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """One command, not waited for."""
        return subprocess.Popen(
            [sys.executable, "-m", "ops.cli", *arguments, "--data", str(self.data), "--json"],
            env=self.environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def environment(self) -> dict[str, str]:
        """Of every command: what the caller's says of servers does not reach it."""
        clean = {name: text for name, text in os.environ.items() if name not in GIVEN}
        return clean | {"PM_SINK_LATENCY_MS": str(self.latency_ms)} | self.settings

    def write_leads(self, name: str, count: int, local: str = "lead{n}") -> Path:
        """A CSV of so many leads at a domain of its own, so that the sink's lines can be told."""
        lines = ["email,first_name"]
        lines += [f"{local.format(n=n)}@{name}.example,Name{n}" for n in range(count)]
        path = self.data / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n")
        return path

    def template(self) -> Path:
        """A small template with a fallback."""
        path = self.data / "template.html"
        path.write_text(TEMPLATE)
        return path

    def order(self, csv: Path, sender: str = "news@pen.example") -> tuple[str, ...]:
        """`send` with what it cannot do without."""
        given = {"--csv": str(csv), "--template": str(self.template()), "--from": sender}
        return ("send", *(word for pair in given.items() for word in pair))

    def send(self, csv: Path, *more: str) -> subprocess.Popen[str]:
        """`penguin send --wait`, not waited for."""
        return self.start(*self.order(csv), "--sign", "none", *more, "--wait")

    def received(self, name: str) -> Counter[str]:
        """How often each recipient of a campaign was written down by the sink."""
        found: Counter[str] = Counter()
        path = self.data / "sink" / "received.jsonl"
        for line in path.read_text().splitlines() if path.exists() else ():
            recipient = json.loads(line)["recipient"]
            if recipient.endswith(f"@{name}.example"):
                found[recipient] += 1
        return found

    def pids(self) -> dict[str, int]:
        """The processes by name."""
        return {entry["name"]: entry["pid"] for entry in self.run("status", ok=None)["processes"]}

    def kill(self, name: str) -> int:
        """SIGKILL; the pid that died."""
        pid = self.pids()[name]
        os.kill(pid, signal.SIGKILL)
        return pid


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The JSON of a command that was started, once it ends well."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, f"{process.returncode}\n{out}\n{err}"
    found: dict[str, Any] = json.loads(out)
    return found


def wait_until(what: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Poll a condition with a deadline."""
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
