"""`penguin status`: every process, its pid, state, restarts, memory and log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psutil
import typer

from ops import board, options, stalls
from ops.board import Board, Line, State
from ops.errors import DoesNotHold, Missing
from ops.stack.stack import Stack, load

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def status(data: options.Data = options.DATA, json: options.AsJson = False) -> int:
    """Exit 0 all run, 1 some do not, or send authority is another stack's, 3 nothing is up."""
    folder = options.folder(data)
    stack, found = load(folder), board.read(folder)
    if stack is None:
        raise Missing(f"there is no stack in {folder}: `penguin up` makes one")
    report = _report(stack, found)
    report["authority"] = _authority(folder) if found.supervised else None
    report |= _readers(stalls.read(folder) if found.supervised else stalls.NOTHING)
    if json:
        options.print_json(report)
    else:
        _print(report)
    return _exit_code(report, found)


def _exit_code(report: dict[str, Any], found: Board) -> int:
    states = [entry["state"] for entry in report["processes"]]
    held = report["authority"]
    if not any(entry["pid"] for entry in report["processes"]) and not found.supervised:
        print("penguin: nothing of this stack runs: `penguin up` starts it", file=sys.stderr)
        return Missing.exit_code
    if not found.supervised:
        print("penguin: the supervisor is gone; `penguin up` heals the stack", file=sys.stderr)
        return DoesNotHold.exit_code
    if held and held["holder"] and not held["holds"]:
        print(f"penguin: nothing is sent: {held['reason']}", file=sys.stderr)
        return DoesNotHold.exit_code
    return 0 if set(states) == {State.RUNNING} else DoesNotHold.exit_code


def _readers(seen: dict[str, Any]) -> dict[str, Any]:
    """Readers of the log that stand still, or fall behind, as the supervisor saw them last."""
    return {
        "stalls": seen["stalls"],
        "behind": seen["behind"],
        "readers_looked_at": seen["looked_at"],
    }


def _authority(folder: Path) -> dict[str, Any] | None:
    """Whether this stack may send; None while Postgres does not say so."""
    import psycopg

    from ops import authority
    from ops.where import find

    try:
        where = find(folder)
        own, found = authority.own_id(where), authority.standing(where)
    except (psycopg.Error, Missing):
        return None
    told = {"holds": found.holder == own, "stack_id": own, "holder": found.holder}
    return told | {"epoch": found.epoch, "open": found.gate_open, "reason": found.gate_reason}


def _report(stack: Stack, found: Board) -> dict[str, Any]:
    return {
        "processes": [_entry(line) for line in found.processes],
        "supervisor": {"pid": found.supervisor_pid if found.supervised else 0},
        "phase": found.phase,
        "api_url": stack.api_url,
        "inbox_url": stack.inbox_url,
        "bootstrap": stack.bootstrap,
        "dsn": stack.dsn,
        "data": str(stack.data),
    }


def _entry(line: Line) -> dict[str, Any]:
    """What the board says, unless the pid says otherwise: the board may be older than a death."""
    alive = line.life.runs()
    died_unseen = line.state == State.RUNNING and not alive
    return {
        "name": line.name,
        "role": line.role,
        "pid": line.pid if alive else 0,
        "state": State.RESTARTING if died_unseen else line.state,
        "restarts": line.restarts,
        "memory_mb": _memory_mb(line.pid) if alive else 0,
        "log": line.log,
        "problem": line.problem,
    }


def _memory_mb(pid: int) -> int:
    """Of a process and its children; what they share is counted once, where we may look."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return sum(_own_bytes(member) for member in family) >> 20
    except psutil.NoSuchProcess:
        return 0


def _own_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


def _print(report: dict[str, Any]) -> None:
    print(f"{'process':<12} {'state':<11} {'pid':>8} {'restarts':>8} {'MiB':>5}  log")
    for entry in report["processes"]:
        print(
            f"{entry['name']:<12} {entry['state']:<11} {entry['pid']:>8} {entry['restarts']:>8} "
            f"{entry['memory_mb']:>5}  {entry['log']}"
        )
    for name in ("api_url", "inbox_url", "bootstrap", "dsn"):
        print(f"{name:<12} {report[name]}")
    if held := report["authority"]:
        verdict = "may send" if held["open"] else f"sends nothing: {held['reason']}"
        print(f"{'authority':<12} epoch {held['epoch']}, {verdict}")
    for kind in ("stalls", "behind"):
        for one in report[kind]:
            print(f"{kind:<12} {stalls.told(one)}")
    if report["stalls"]:
        print(f"{'':<12} {stalls.RUNBOOK} tells what to do")
