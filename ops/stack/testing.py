"""One Kafka and one Postgres for a test run, shared by its workers and by runs at the same time.

The folder lies in the user's cache, one for each checkout. Who finds the servers running uses them;
the last of their users stops them, unless they were running before any of these runs began.
PM_TEST_KEEP=1 leaves them running, for the next run to begin at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ops import board, control
from ops.process_table import CHECKOUT
from ops.stack import jars

KEEP = "PM_TEST_KEEP"
DATA = "data"
STARTED_HERE = "started-by-tests"


@contextmanager
def shared_servers() -> Iterator[dict[str, str]]:
    """{"dsn", "bootstrap"} of servers that run as long as this context does, in any process."""
    folder = _folder()
    with (folder / "users.lock").open("w") as user:
        with _alone(folder):
            found = _start(folder)
            fcntl.flock(user, fcntl.LOCK_SH)
        try:
            yield found
        finally:
            with _alone(folder):
                _leave(folder, user)


def _folder() -> Path:
    key = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:12]
    folder = jars.cache_folder() / "tests" / key
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "turn.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _start(folder: Path) -> dict[str, str]:
    """Start the servers unless they run; on an empty folder, or topics of old runs pile up."""
    data = folder / DATA
    if not board.read(data).supervised:
        control.down(data)
        shutil.rmtree(data, ignore_errors=True)
        if not os.environ.get(KEEP):
            (folder / STARTED_HERE).touch()
    stack = control.up(control.Wanted(data, servers_only=True), given=None)
    _forget_power_cuts(stack.dsn)
    return {"dsn": stack.dsn, "bootstrap": stack.bootstrap}


def _forget_power_cuts(dsn: str) -> None:
    """A database is made and dropped for each test: waiting for the disk took minutes of a run.

    A crash of the server loses nothing still; of the machine, a folder that the next run empties.
    """
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("ALTER SYSTEM SET fsync = off")
        conn.execute("SELECT pg_reload_conf()")


def _leave(folder: Path, user: IO[str]) -> None:
    """Stop the servers if tests started them and nobody else uses them."""
    try:
        fcntl.flock(user, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if (folder / STARTED_HERE).exists():
        control.down(folder / DATA)
        (folder / STARTED_HERE).unlink()
