"""Every plan that comes along, at CI size, each with the figure that docs/reliability.md prints."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.chaos.surroundings import RIGHT, clock_file, fsync_file, set_clock
from tests.chaos.kit import ChaosStack, record, stack
from tests.chaos.linked import linked

pytestmark = [pytest.mark.stack, pytest.mark.fault]
PLANS = Path(__file__).parent / "plans"
SEED = int(os.environ.get("PM_CHAOS_SEED") or 1)
#: Zombies are taken over, and their slices concluded, in seconds instead of minutes.
SHORT_SLICES = {"PM_SLICE_DEADLINE_S": "10", "PM_DOT_TIMEOUT_S": "8", "PM_LEASE_S": "6"}
NOTHING = "{lost} lost, {duplicates} twice, {ambiguous} ambiguous of {in_flight_max} in flight"


@dataclass(frozen=True)
class Line:
    """A plan, what it shows, and the words for what came of it."""

    row: int
    plan: str
    what: str
    target: str
    figure: str = NOTHING


LINES = (
    Line(
        10,
        "kill-each",
        "kill -9 of each of nine processes in turn, 40 times each",
        "0 lost, 0 twice, ambiguous at most what was in flight",
    ),
    Line(
        11,
        "kill-dispatcher",
        "kill -9 of the dispatcher",
        "0 lost, 0 twice, mail again within 15 s, 99 % of journal-confirmed received",
        NOTHING + "; again after {resumed_max_s} s; {journal_received} of {journal_ambiguous} "
        "journal-confirmed received",
    ),
    Line(12, "kill-random", "kill -9 of anything at random, and nothing", "0 lost, 0 twice"),
    Line(20, "graceful", "SIGTERM under load", "0 ambiguous"),
    Line(21, "short-pauses", "SIGSTOP shorter than a session", "0 ambiguous, 0 twice"),
    Line(31, "storm", "dispatchers join and die every 2 s", "0 lost, 0 twice"),
    Line(
        40,
        "postgres",
        "Postgres stops at once, 20 times",
        "0 lost, 0 twice, no acknowledged command lost, read models equal to a rebuild",
        NOTHING + "; {calls[acknowledged]} commands acknowledged, all in the log; "
        "{read_models_equal} read models equal to their rebuild",
    ),
    Line(41, "locks", "tables of Postgres locked for seconds", "0 lost, 0 twice"),
    Line(50, "peers", "next hops of thirteen bad kinds", "0 lost, 0 twice"),
    Line(51, "tls", "STARTTLS offered and broken", "0 ambiguous, 0 lost"),
    Line(
        60,
        "poison",
        "records that nobody can read",
        "0 lost, 0 stalls, all among the dead letters",
        NOTHING + "; all of {poisoned} poisoned records are dead letters",
    ),
    Line(61, "repeats", "records and hints once more, shuffled", "0 twice, 0 ambiguous"),
)
THREE = (
    Line(
        70,
        "brokers",
        "kill -9 of one of three brokers, 30 times",
        "0 lost, 0 twice, no acknowledged command lost",
        NOTHING + "; {calls[acknowledged]} commands acknowledged, all in the log",
    ),
    Line(
        71,
        "two-brokers-down",
        "two of three brokers frozen at once",
        "0 lost, 0 twice, no acknowledged command lost, else 503 within 2 s",
        NOTHING + "; {calls[acknowledged]} commands acknowledged, all in the log; "
        "the others 503 within {calls[slowest_503_s]} s",
    ),
)


def held(job: ChaosStack, line: Line) -> dict[str, Any]:
    """Run the plan, keep its figures, and fail where it does not hold."""
    found = job.chaos(line.plan, SEED)
    record(line.row, line.what, found, line.figure.format(**found), line.target)
    assert found["ok"], found["problems"]
    return found


@pytest.fixture(scope="module")
def one_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosStack]:
    with stack(tmp_path_factory.mktemp("one")) as job:
        yield job


@pytest.fixture(scope="module")
def short_slices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosStack]:
    several = {"dispatcher": {"copies": 5}}
    with stack(tmp_path_factory.mktemp("short"), settings=SHORT_SLICES, other=several) as job:
        yield job


@pytest.fixture(scope="module")
def three_brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosStack]:
    with stack(tmp_path_factory.mktemp("three"), 3) as job:
        yield job


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.plan)
def test_the_plan_holds(one_broker: ChaosStack, line: Line) -> None:
    held(one_broker, line)


@pytest.mark.parametrize("line", THREE, ids=lambda line: line.plan)
def test_the_plan_holds_with_three_brokers(three_brokers: ChaosStack, line: Line) -> None:
    held(three_brokers, line)


LINKED = (
    Line(
        45,
        "postgres-link",
        "links of roles to Postgres slow, narrow, silent, torn off",
        "0 lost, 0 twice",
    ),
    Line(
        75,
        "kafka-link",
        "links of roles to Kafka slow, narrow, silent, torn off",
        "0 lost, 0 twice",
    ),
)


@pytest.fixture(scope="module")
def by_links(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosStack]:
    with linked(tmp_path_factory.mktemp("linked")) as job:
        yield job


@pytest.mark.parametrize("line", LINKED, ids=lambda line: line.plan)
def test_the_plan_holds_on_links_that_are_ill(by_links: ChaosStack, line: Line) -> None:
    held(by_links, line)


def test_zombies_send_nothing_once_they_were_taken_over(short_slices: ChaosStack) -> None:
    what = "dispatchers stopped past takeover (SIGSTOP), then woken, 50 times"
    held(short_slices, Line(30, str(PLANS / "zombies.toml"), what, "0 twice, 0 lost"))


FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
CLOCKED = ("dispatcher", "release", "schedule", "planner", "sweeper")


@pytest.mark.skipif(FAKETIME is None, reason="needs libfaketime (Debian: apt install libfaketime)")
def test_clocks_that_jump_exceed_no_cap(tmp_path: Path) -> None:
    """The cap binds exactly: all that it lets go arrives, and not one more (I7)."""
    other = {}
    for role in CLOCKED:
        path = clock_file(tmp_path, role)
        path.parent.mkdir(exist_ok=True)
        set_clock(tmp_path, role, RIGHT)
        other[role] = {
            "environment": {
                "LD_PRELOAD": str(FAKETIME),
                "FAKETIME_TIMESTAMP_FILE": str(path),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        }
    with stack(tmp_path, other=other) as job:
        what = "clocks of single processes jump by up to a day, a cap of 4,000"
        line = Line(62, "clocks", what, "cap exact: 4,000 of 6,000", "{received} received")
        found = held(job, line)

    assert found["received"] == 4000


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A tmpfs of so much at a folder, with what lies in it; skips where nobody may mount."""
    before = folder.with_suffix(".before")
    folder.mkdir(parents=True, exist_ok=True)
    folder.rename(before)
    folder.mkdir()
    owner = before.stat()
    options = f"size={size},mode={owner.st_mode & 0o777:o},uid={owner.st_uid},gid={owner.st_gid}"
    mounting = ("mount", "-t", "tmpfs", "-o", options, "chaos", str(folder))
    if subprocess.run(mounting, check=False, capture_output=True).returncode:
        pytest.skip("needs leave to mount a tmpfs")
    try:
        subprocess.run(("cp", "-a", f"{before}/.", str(folder)), check=True)
        yield
    finally:
        subprocess.run(("umount", "-l", str(folder)), check=False)


DISKS = (
    (Line(80, "disk-kafka", "no room for one of three brokers", "0 lost, 0 twice"), "kafka-2", 3),
    (Line(81, "disk-postgres", "no room for Postgres", "0 lost, 0 twice"), "postgres", 1),
    (Line(82, "disk-journal", "no room for the dot journal", "0 lost, 0 twice"), "journal", 1),
)


@pytest.mark.parametrize(
    ("line", "folder", "brokers"), DISKS, ids=[line.plan for line, _, _ in DISKS]
)
def test_a_full_disk_loses_nothing(tmp_path: Path, line: Line, folder: str, brokers: int) -> None:
    size = {"kafka-2": "200m", "postgres": "600m", "journal": "1m"}[folder]
    if folder == "postgres":  # it makes its folder by a rename, so the folder comes first
        with stack(tmp_path, brokers):
            pass
    with small_disk(tmp_path / folder, size), stack(tmp_path, brokers) as job:
        held(job, line)


FSYNCS = (
    (Line(83, "fsync-kafka", "fsyncs of one of three brokers fail", "0 lost, 0 twice"), 3),
    (Line(84, "fsync-postgres", "fsyncs of Postgres fail", "0 lost, 0 twice"), 1),
)


#: A broker ends as a process; PostgreSQL ends its processes, and its first one goes on.
WHAT_ENDS = {"kafka-2": "KafkaStorageException", "postgres": "PANIC"}


def failing_fsync(folder: Path) -> Path:
    """The library that makes them fail; skips where there is no C compiler."""
    library = folder / "fsync_fails.so"
    source = Path(__file__).with_name("fsync_fails.c")
    compiler = shutil.which("cc") or pytest.skip("needs a C compiler (Debian: apt install gcc)")
    subprocess.run((compiler, "-shared", "-fPIC", "-o", str(library), str(source)), check=True)
    return library


@pytest.mark.parametrize(("line", "brokers"), FSYNCS, ids=[line.plan for line, _ in FSYNCS])
def test_fsyncs_that_fail_lose_nothing(tmp_path: Path, line: Line, brokers: int) -> None:
    """A broker or a Postgres that cannot keep a promise makes none: it ends, and comes back."""
    process = "kafka-2" if brokers > 1 else "postgres"
    told = fsync_file(tmp_path, process)
    told.parent.mkdir(parents=True)
    environment = {"LD_PRELOAD": str(failing_fsync(tmp_path)), "CHAOS_FSYNC_FAILS": str(told)}
    other = {process: {"environment": environment}}
    with stack(tmp_path, brokers, other=other) as job:
        held(job, line)
        said = (job.data / "logs" / f"{process}.log").read_text()

    assert WHAT_ENDS[process] in said, "nobody noticed"


@pytest.mark.skipif(os.environ.get("PM_CHAOS_SIZE") != "full", reason="make chaos-full")
def test_the_full_size_holds(tmp_path_factory: pytest.TempPathFactory) -> None:
    with stack(tmp_path_factory.mktemp("full")) as job:
        what = "the full size: kill -9 of five processes in turn"
        held(job, Line(15, "kill-full", what, "0 lost, 0 twice, ambiguous at most in flight"))
