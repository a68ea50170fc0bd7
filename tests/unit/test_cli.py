"""The command's contract with scripts: exit codes, one line of error, nothing else on stdout."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ops import cli, options
from ops.stack.stack import load_or_create

ROOT = Path(__file__).parents[2]


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    told = capsys.readouterr()
    return int(left.value.code or 0), told.out, told.err


def test_help_lists_every_command_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "--help")

    modules = {path.stem for path in (ROOT / "ops/commands").glob("*.py")} - {"__init__"}
    there = {module.replace("_", "-") for module in modules}
    listed = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert (code, err) == (0, "")
    assert sorted(listed) == sorted(there)


def test_help_is_quick() -> None:
    """It imports neither typer nor any command."""
    script = "import sys, ops.cli as c; c.usage(); print('typer' in sys.modules)"
    began = time.monotonic()

    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "False"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("run",),
        ("run", "no-such-role"),
        ("up", "--no-such-option"),
        ("up", "--brokers", "two"),
    ],
)
def test_wrong_usage_is_one_line_and_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, out, err = call(capsys, *arguments)

    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_without_a_stack_it_is_3_and_the_cure(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    code, out, err = call(capsys, command, "--json", "--data", str(tmp_path))

    assert code == 3
    assert out == ""
    assert "`penguin up`" in err
    assert len(err.strip().splitlines()) == 1


def test_down_of_nothing_is_done(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert call(capsys, "down", "--data", str(tmp_path / "none")) == (0, "", "")


def test_half_a_pair_of_servers_is_3(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PM_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.delenv("PM_DATABASE_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)

    code, out, err = call(capsys, "up", "--data", str(tmp_path / "new"))

    assert (code, out) == (3, "")
    assert "PM_DATABASE_URL is not" in err
    assert not (tmp_path / "new").exists()


def test_a_taken_port_is_3_names_the_cure_and_leaves_nothing_running(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import socket

    stack = load_or_create(options.folder(tmp_path))
    with socket.create_server(("127.0.0.1", stack.ports["postgres"])):
        code, out, err = call(capsys, "up", "--data", str(tmp_path))

    assert (code, out) == (3, "")
    assert f"postgres: port {stack.ports['postgres']} on loopback is taken" in err
    assert "PM_DATABASE_URL" in err
    assert not (tmp_path / "processes.json").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("PM_STREAM_RUNTIME", "rabbit"), ("PM_LEASE_S", "soonish")]
)
def test_a_setting_that_is_none_is_named_and_its_value_kept_to_oneself(
    name: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as ended:
        cli.main(["run", "planner"])

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"{name}: Input should be" in said
    assert value not in said.replace(name, "")
