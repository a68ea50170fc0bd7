"""How a role tells its supervisor that it serves: a small file that carries its pid."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the supervisor and quick commands start without pydantic
    from adapters.settings import Settings


def ready_file(data: Path, name: str) -> Path:
    """Where the process of this name announces itself."""
    return data / "run" / f"{name}.ready"


def process_name(role: str, instance: str) -> str:
    """What a process is called in status, logs and files: its role, unless there are several."""
    return role if instance == "1" else f"{role}-{instance}"


def announce(settings: Settings, role: str) -> None:
    """Say that this process serves from now on. Safe to repeat."""
    path = ready_file(settings.data_dir, process_name(role, settings.instance))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"pid": os.getpid()}))
    fresh.replace(path)


def is_ready(data: Path, name: str, pid: int) -> bool:
    """Whether the process with this pid, not an earlier one, has announced itself."""
    try:
        found: dict[str, int] = json.loads(ready_file(data, name).read_text())
    except (OSError, ValueError):
        return False
    return found.get("pid") == pid


def forget(data: Path, name: str) -> None:
    """Remove the announcement of an earlier life."""
    ready_file(data, name).unlink(missing_ok=True)
