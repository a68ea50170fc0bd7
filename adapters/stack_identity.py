"""Which stack this is: PM_STACK_ID, or an id that the data folder makes for itself once.

A copy of the folder is another stack: beside the id lies where the folder was when it was made
(machine, path, the inode of a file that is never replaced), and a copy differs in one of them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.ids import new_id

FILE, SEAT = "stack_id.json", "stack_id.seat"
MACHINE_ID = Path("/etc/machine-id")


def stack_id(data_dir: Path, given: str = "") -> str:
    """The id of the stack in this folder, made now if there is none or if the folder is a copy.

    `given`, the environment's own, wins. Several processes at once get the same.
    """
    if given:
        return given
    data_dir.mkdir(parents=True, exist_ok=True)
    with _seat(data_dir) as seat:
        known = _read(data_dir / FILE)
        if known.get("seat") == seat and known.get("stack_id"):
            return known["stack_id"]
        made = {"stack_id": new_id("stk"), "seat": seat, "copy_of": known.get("stack_id", "")}
        fresh = data_dir / f"{FILE}.{os.getpid()}"
        fresh.write_text(json.dumps(made))
        fresh.replace(data_dir / FILE)
        return made["stack_id"]


def copied_from(data_dir: Path) -> str:
    """The stack that this folder is a copy of; empty: none that it knows of."""
    return _read(data_dir / FILE).get("copy_of", "")


@contextmanager
def _seat(data_dir: Path) -> Iterator[str]:
    """Where the folder is, told by a lock file's inode too, while its lock is held."""
    flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC
    file = os.open(data_dir / SEAT, flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        place = (_machine(), str(data_dir.resolve()), str(os.fstat(file).st_ino))
        yield hashlib.blake2b("\0".join(place).encode(), digest_size=16).hexdigest()
    finally:
        os.close(file)


def _machine() -> str:
    """The machine's id; empty where it has none: a container's name is another one each time."""
    try:
        return MACHINE_ID.read_text().strip()
    except OSError:
        return ""


def _read(file: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found
