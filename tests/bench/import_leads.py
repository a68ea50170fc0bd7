"""Importing leads: rows a second, and the importing process's peak memory.

    python tests/bench/import_leads.py [--rows 1000000] [--json]

A file with 1 % garbage of several kinds into a real Postgres of the bench's own. The import runs in
a process of its own, whose peak resident memory is that of the kernel's own count; Postgres's is
not in it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from adapters import postgres
from adapters.contacts.importing import import_leads
from tests.bench.stack import COMMAND_TIMEOUT_S, ROOT, environment, running

TENANT, LIST, IMPORT = "ten_bench", "lst_bench", "imp_bench"
NEW_LIST = (
    b"INSERT INTO vault.lead_list (tenant_id, list_id, created_at) VALUES (%s, %s, now()) "
    b"ON CONFLICT DO NOTHING"
)
GARBAGE_EVERY = 100
#: Each rejects one row and no other. `{n}` keeps them apart.
GARBAGE = (
    "not an address {n},Ada,Oslo,Acme\n",
    "bad{n}@example.com,too few columns\n",
    'bad{n}@example.com,"Ada\nBcc: everyone@example.com",Oslo,Acme\n',
    "bad{n}@exa mple..com,Ada,Oslo,Acme\n",
    ",Ada,Oslo,Acme {n}\n",
)
CITIES = ("Oslo", "Porto Alegre", "Kraków", "Reykjavík", '"Ushuaia, AR"')
DOMAINS = ("gmail.com", "outlook.com", "yahoo.com", "penguin-friends.example")


def write_file(path: Path, rows: int) -> None:
    """So many records below the header, every hundredth of them garbage; the same every time."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("email,first_name,city,company\n")
        for n in range(1, rows + 1):
            if n % GARBAGE_EVERY:
                city, domain = CITIES[n % len(CITIES)], DOMAINS[n % len(DOMAINS)]
                file.write(f"lead.{n}@{domain},Name{n},{city},Company {n % 5000}\n")
            else:
                file.write(GARBAGE[n // GARBAGE_EVERY % len(GARBAGE)].format(n=n))


def imported(dsn: str, path: Path) -> dict[str, Any]:
    """Import the file in this process; counts, seconds and peak memory."""
    with postgres.connect_sync(dsn, "pm_worker") as conn:
        with conn.transaction():
            postgres.set_tenant(conn, TENANT)
            conn.execute(NEW_LIST, (TENANT, LIST))
        began = time.monotonic()
        done = import_leads(conn, path, tenant_id=TENANT, list_id=LIST, import_id=IMPORT)
        took_s = time.monotonic() - began
    return {
        "rows": done.rows,
        "imported": done.imported,
        "duplicates": done.duplicates,
        "rejected": done.rejected,
        "elapsed_s": round(took_s, 2),
        "rows_per_s": round(done.rows / took_s),
        "peak_mb": peak_mb(),
    }


def peak_mb() -> int:
    """Peak resident memory of this program in MiB.

    VmHWM and not getrusage's ru_maxrss, which begins with what the process that started it had.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) >> 10
    raise RuntimeError("this system does not tell a process's peak memory (no VmHWM)")


def measured(rows: int) -> dict[str, Any]:
    """Servers, a file, and the import in a child. Raises where the counts are not as written."""
    with running("--servers-only") as stack:
        dsn, bootstrap = stack.addresses["dsn"], stack.addresses["bootstrap"]
        given = {"PM_KAFKA_BOOTSTRAP": bootstrap, "PM_DATABASE_URL": dsn}
        command = [sys.executable, "-m", "ops.cli", "run", "migrate"]
        subprocess.run(
            command, cwd=ROOT, env=environment() | given, check=True, timeout=COMMAND_TIMEOUT_S
        )
        path = stack.data / "leads.csv"
        write_file(path, rows)
        child = [sys.executable, "-m", "tests.bench.import_leads"]
        done = subprocess.run(
            [*child, "--into", dsn, "--file", str(path)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            check=True,
            timeout=COMMAND_TIMEOUT_S,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        found["file_mb"] = path.stat().st_size >> 20
    if (found["rows"], found["rejected"]) != (rows, rows // GARBAGE_EVERY):
        raise RuntimeError(f"not the rows of the file, so there is no figure: {found}")
    return found


def told(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    rows, rejected, took_s = found["rows"], found["rejected"], found["elapsed_s"]
    peak, size = found["peak_mb"], found["file_mb"]
    return [
        f"{found['rows_per_s']:10,} rows/s  {rows:,} rows, {rejected:,} rejected, in {took_s} s",
        f"{peak:10,} MiB  peak of the importing process; the file has {size} MiB",
    ]


def main() -> None:
    """Measure and tell; with --into, be the process that is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--into", default="", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.into:
        print(json.dumps(imported(args.into, args.file)))
        return
    found = measured(args.rows)
    print(json.dumps(found) if args.json else "\n".join(told(found)))


if __name__ == "__main__":
    main()
