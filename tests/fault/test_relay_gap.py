"""The gap test (reference/eventsourcing.md §8.2): relays die, stop and overlap while many write.

Its negative control is `test_the_gap_that_the_table_lock_closes` in tests/integration: there the
same oracle finds the loss that this test looks for.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from eventsourcing.persistence import DataError

from adapters.decision_log import DecisionRecorder, Decisions
from adapters.event_store import EventStore
from domain.event import Event
from domain.sending_ip import SendingIpRetired
from tests.decision_oracle import caught_up, problems, read_decisions

pytestmark = [pytest.mark.stack, pytest.mark.fault]

ROOT = Path(__file__).parent.parent.parent
WRITERS = 4
PACE_S = 0.1  # between transactions of 1 to 200 events
ROLLED_BACK_SHARE = 0.1
ROUNDS = 3
ENOUGH = 1000  # records
DEADLINE_S = 60.0
PROGRAM = """
import asyncio, sys
from adapters.relay import Relay
asyncio.run(Relay(*sys.argv[1:]).run(asyncio.Event(), lambda: print("ready", flush=True)))
"""
LOCK_HOLDER = """
FROM pg_stat_activity JOIN pg_locks USING (pid)
WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


class RollingBack(DecisionRecorder):
    """One transaction in ten fails after its ids were drawn, and leaves a hole in them."""

    def _fetch_ids_after_insert_events(self, curs: Any, stored_events: Any, **told: Any) -> Any:
        found = super()._fetch_ids_after_insert_events(curs, stored_events, **told)
        if random.random() < ROLLED_BACK_SHARE:
            curs.execute("SELECT 1 / 0").fetchone()
        return found


class WithRollbacks(Decisions):
    name = "decision"
    recorder_class = RollingBack


class Relays:
    """Two relay processes of one database; whichever dies is started again."""

    def __init__(self, dsn: str, bootstrap: str, prefix: str) -> None:
        self._dsn = dsn
        self._command = [sys.executable, "-c", PROGRAM, dsn, bootstrap, prefix]
        self._told = tempfile.TemporaryFile()  # noqa: SIM115 - shown when a test waits in vain
        self.running: list[subprocess.Popen[bytes]] = []
        for _ in range(2):
            self.start()

    def start(self) -> None:
        self.running.append(
            subprocess.Popen(self._command, cwd=ROOT, stdout=self._told, stderr=subprocess.STDOUT)
        )

    def kill_active(self) -> None:
        """The one that carries gets kill -9 and another takes its place."""
        victim = self._active()
        self.running.remove(victim)
        victim.kill()
        victim.wait()
        self.start()
        self._wait_for_progress()

    def wake_a_zombie(self) -> None:
        """The one that carries stops, loses its lock, and wakes when another carries on."""
        zombie = self._active()
        zombie.send_signal(signal.SIGSTOP)
        with psycopg.connect(self._dsn, autocommit=True) as conn:
            conn.execute("SELECT pg_terminate_backend(pid) " + LOCK_HOLDER)
        self._wait_for_progress()
        zombie.send_signal(signal.SIGCONT)

    def _active(self) -> subprocess.Popen[bytes]:
        """The process at the other end of the connection that holds the lock."""
        found: list[subprocess.Popen[bytes]] = []

        def look() -> bool:
            self.revive()
            with psycopg.connect(self._dsn) as conn:
                row = conn.execute("SELECT client_port " + LOCK_HOLDER).fetchone()
            found[:] = [one for one in self.running if row and row[0] in ports_of(one.pid)]
            return bool(found)

        wait_until(look)
        return found[0]

    def _wait_for_progress(self) -> None:
        before = relayed(self._dsn)

        def progressed() -> bool:
            self.revive()
            return relayed(self._dsn) > before or caught_up(self._dsn)

        wait_until(progressed)

    def revive(self) -> None:
        """A relay may end itself, as one that woke up among its successor's records does."""
        for ended in [one for one in self.running if one.poll() is not None]:
            self.running.remove(ended)
            self.start()

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        self._told.seek(0)
        print(self._told.read().decode(errors="replace")[-20_000:])  # noqa: T201 - on failure
        self._told.close()


def ports_of(pid: int) -> set[int]:
    return {one.laddr.port for one in psutil.Process(pid).net_connections()}


@contextmanager
def relays(*place: str) -> Iterator[Relays]:
    found = Relays(*place)
    try:
        yield found
    finally:
        found.end()


def relayed(dsn: str) -> int:
    with psycopg.connect(dsn) as conn:
        row = conn.execute("SELECT last_pos FROM es.relay").fetchone()
    return int(row[0]) if row else 0


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def write(store: EventStore, tenant_id: str, seed: int, stop: threading.Event) -> None:
    chance = random.Random(seed)
    retired = SendingIpRetired(tenant_id=tenant_id, ip="ip_1", reason="a test")
    while not stop.wait(PACE_S):
        append(store, tenant_id, (retired,) * chance.randint(1, 200))


def append(store: EventStore, tenant_id: str, events: tuple[Event, ...]) -> None:
    nothing: tuple[Event, ...] = ()
    with suppress(DataError):  # rolled back on purpose
        store.transact(
            f"ip-{uuid.uuid4()}",
            nothing,
            lambda state, _: state,
            lambda _: events,
            tenant_id=tenant_id,
        )


def all_written(dsn: str, disturb: list[Callable[[], None]]) -> None:
    """Write from several threads at once, disturbing the relays in turn all the while."""
    stop = threading.Event()
    with EventStore(dsn, "pm_worker", application=WithRollbacks) as store:
        threads = [
            threading.Thread(target=write, args=(store, f"ten_{number % 3}", number, stop))
            for number in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        try:
            for deed in disturb * ROUNDS:
                deed()
        finally:
            stop.set()
            for thread in threads:
                thread.join()


async def test_i1_i2_no_decision_is_lost_or_moved_whatever_becomes_of_the_relay(
    dsn: str, server: dict[str, str], log_prefix: str
) -> None:
    """8.2: batches of 1 to 200, rollbacks, kill -9, zombies and two relays at once."""
    with relays(dsn, server["bootstrap"], log_prefix) as running:
        await asyncio.to_thread(all_written, dsn, [running.kill_active, running.wake_a_zombie])

        def all_relayed() -> bool:
            running.revive()
            return caught_up(dsn)

        await asyncio.to_thread(wait_until, all_relayed)

    assert await problems(dsn, server["bootstrap"], log_prefix) == []
    assert len(await read_decisions(server["bootstrap"], log_prefix)) > ENOUGH
    assert holes(dsn) > 0


def holes(dsn: str) -> int:
    """How many ids rollbacks left out: the run was not all smooth."""
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            "SELECT max(notification_id) - count(*) FROM es.decision_events"
        ).fetchone()
    return int(row[0]) if row else 0


def test_a_relay_without_a_database_stays_and_tells_nothing(server: dict[str, str]) -> None:
    """It waits for Postgres; the supervisor sees it alive and not ready."""
    nowhere = "postgresql://postgres@127.0.0.1:1/postgres"
    command = [sys.executable, "-c", PROGRAM, nowhere, server["bootstrap"], "x."]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, b"")
        told = [next(lines) for _ in range(2)]
        process.kill()

    assert all(b"relay_interrupted" in line for line in told)
