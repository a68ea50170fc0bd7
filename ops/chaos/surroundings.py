"""Faults of what processes stand on: their clocks, their disks and the room on these.

A clock is moved through the file that libfaketime reads in a process that was started under it,
`DIR/clock/PROCESS`; never the machine's. Only a small file system of its own is ever filled.
A disk that does not write (fsync says EIO) is one to those processes alone that were started under
a library which asks for `DIR/fsync/PROCESS/fails` at each fsync (tests/chaos/long/fsync_fails.c).
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from pathlib import Path

from ops.chaos.plan import Act

FILLED_MAX = 2 << 30  # bytes: a larger file system is somebody's disk
BALLAST = "ballast.chaos"
PIECE = 1 << 20
RIGHT = "+0"


def clock_file(data: Path, process: str) -> Path:
    """Where the clock of a process of this name is set, when it runs under libfaketime."""
    return data / "clock" / process


def set_clock(data: Path, process: str, offset: str) -> None:
    """`+3600`: an hour ahead; `+0`: right again."""
    path = clock_file(data, process)
    fresh = path.with_suffix(".new")
    fresh.write_text(offset + "\n")
    fresh.replace(path)


async def jump(data: Path, act: Act, rng: random.Random) -> None:
    """Set the clock wrong for the act's time. Raises FileNotFoundError where there is none."""
    if not clock_file(data, act.target).exists():
        raise FileNotFoundError(f"{act.target} does not run under libfaketime")
    seconds = round(rng.uniform(*act.fault.jump_s))
    set_clock(data, act.target, f"{seconds:+d}")
    try:
        await asyncio.sleep(act.for_s)
    finally:
        set_clock(data, act.target, RIGHT)


def fsync_file(data: Path, process: str) -> Path:
    """While it is there, every fsync of the process fails."""
    return data / "fsync" / process / "fails"


async def fail_fsync(data: Path, act: Act) -> None:
    """Every fsync fails for the act's time. Raises FileNotFoundError where none can."""
    path = fsync_file(data, act.target)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the fsyncs of {act.target} cannot be made to fail")
    path.touch()
    try:
        await asyncio.sleep(act.for_s)
    finally:
        path.unlink()


async def fill(folder: Path, for_s: float) -> None:
    """Leave no room in the folder for so long. Raises ValueError for one on a disk of others."""
    await asyncio.to_thread(_require_small, folder)
    ballast = folder / BALLAST
    try:
        await asyncio.to_thread(_fill, ballast)
        await asyncio.sleep(for_s)
    finally:
        ballast.unlink(missing_ok=True)


def _require_small(folder: Path) -> None:
    if not folder.is_mount():
        raise ValueError(f"{folder} is no file system of its own: mount a small tmpfs there")
    room = os.statvfs(folder)
    if room.f_frsize * room.f_blocks > FILLED_MAX:
        raise ValueError(f"the file system of {folder} is larger than {FILLED_MAX >> 30} GiB")


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        for size in (PIECE, 4096, 1):
            with suppress(OSError):
                while file.write(b"\0" * size) == size:
                    continue
