"""The embedded stack through the command: up, status, kill -9, down; each on a stack of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from ops import board
from ops.board import State
from ops.stack.processes import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.fault]

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60.0
TOPIC = "penguin.probe"  # made by every start
GIVEN = ("PM_KAFKA_BOOTSTRAP", "PM_DATABASE_URL", "DATABASE_URL", "PM_DATA_DIR")


class Penguin:
    """The command on one folder."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if name not in GIVEN}
        return subprocess.run(
            [sys.executable, "-m", "ops.cli", *arguments, "--data", str(self.data)],
            env=clean | environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def up(self, *options: str) -> dict[str, Any]:
        done = self("up", "--json", "--servers-only", *options)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def processes(self) -> dict[str, dict[str, Any]]:
        return {entry["name"]: entry for entry in self._status()["processes"]}

    def supervisor(self) -> int:
        return int(self._status()["supervisor"]["pid"])

    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("status", "--json").stdout)
        return found

    def kill(self, *names: str) -> list[dict[str, Any]]:
        """Kill by the pids that status tells; returns the entries of their next lives, serving."""
        before = self.processes()
        for name in names:
            os.kill(before[name]["pid"], signal.SIGKILL)
        wait_for(lambda: not self._missing(before, names), DEADLINE_S)
        assert not self._missing(before, names)
        after = self.processes()
        return [after[name] for name in names]

    def _missing(self, before: dict[str, Any], names: tuple[str, ...]) -> list[str]:
        """Those who do not serve again. Read from the board: status costs a process a look."""
        lines = {line.name: line for line in board.read(self.data).processes}
        return [
            name
            for name in names
            if lines[name].restarts <= before[name]["restarts"]
            or lines[name].state != State.RUNNING
        ]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Penguin]:
    """A stack of this module's own, with one broker."""
    penguin = Penguin(tmp_path_factory.mktemp("one"))
    yield penguin
    assert penguin("down").returncode == 0


def rows(dsn: str, statement: str) -> list[Any]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        cursor = conn.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


async def append(bootstrap: str, value: bytes) -> int:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        return int((await producer.send_and_wait(TOPIC, value)).offset)
    finally:
        await producer.stop()


async def read(bootstrap: str, offset: int) -> bytes:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(TOPIC, 0)])
        consumer.seek(TopicPartition(TOPIC, 0), offset)
        return bytes((await asyncio.wait_for(consumer.getone(), DEADLINE_S)).value)
    finally:
        await consumer.stop()


def test_up_tells_scripts_where_everything_is(one: Penguin) -> None:
    found = one.up()

    assert found["ready"] is True
    assert rows(found["dsn"], "SELECT 1") == [(1,)]
    assert asyncio.run(append(found["bootstrap"], b"up")) >= 0
    assert found["data"] == str(one.data)
    assert {"api_url", "inbox_url", "brokers"} <= found.keys()


def test_up_on_a_running_stack_changes_nothing_and_tells_the_same(one: Penguin) -> None:
    first, before = one.up(), one.processes()
    again = one.up()

    assert again == first
    assert {name: entry["pid"] for name, entry in one.processes().items()} == {
        name: entry["pid"] for name, entry in before.items()
    }


def test_status_names_each_process_and_exits_0(one: Penguin) -> None:
    one.up()

    assert one("status").returncode == 0
    entries = one.processes()
    assert set(entries) == {"kafka-1", "postgres"}
    for entry in entries.values():
        assert entry["state"] == "running"
        assert entry["memory_mb"] > 0
        assert Path(entry["log"]).exists()
        os.kill(entry["pid"], 0)


@pytest.mark.parametrize("name", ["postgres", "kafka-1"])
def test_a_killed_server_comes_back_with_what_it_acknowledged(one: Penguin, name: str) -> None:
    found = one.up()
    rows(found["dsn"], "CREATE TABLE IF NOT EXISTS kept (said text)")
    rows(found["dsn"], "INSERT INTO kept VALUES ('before the kill')")
    offset = asyncio.run(append(found["bootstrap"], name.encode()))

    old = one.processes()[name]
    (entry,) = one.kill(name)

    assert entry["pid"] != old["pid"]
    assert entry["restarts"] == old["restarts"] + 1
    assert ("before the kill",) in rows(found["dsn"], "SELECT said FROM kept")
    assert asyncio.run(read(found["bootstrap"], offset)) == name.encode()


def test_down_stops_everything_and_up_finds_the_same_ports_and_data(one: Penguin) -> None:
    found = one.up()
    rows(found["dsn"], "CREATE TABLE IF NOT EXISTS kept (said text)")
    rows(found["dsn"], "INSERT INTO kept VALUES ('before down')")
    offset = asyncio.run(append(found["bootstrap"], b"before down"))
    pids = [entry["pid"] for entry in one.processes().values()] + [one.supervisor()]

    assert one("down").returncode == 0

    assert not [pid for pid in pids if Path(f"/proc/{pid}/exe").exists()]
    assert one("status", "--json").returncode == 3
    again = one.up()
    assert {k: again[k] for k in ("bootstrap", "dsn", "api_url", "inbox_url")} == {
        k: found[k] for k in ("bootstrap", "dsn", "api_url", "inbox_url")
    }
    assert ("before down",) in rows(again["dsn"], "SELECT said FROM kept")
    assert asyncio.run(read(again["bootstrap"], offset)) == b"before down"


def test_a_killed_supervisor_is_healed_by_up_and_its_processes_are_adopted(one: Penguin) -> None:
    one.up()
    before = {name: entry["pid"] for name, entry in one.processes().items()}
    os.kill(one.supervisor(), signal.SIGKILL)
    assert one("status").returncode == 1

    one.up()

    assert {name: entry["pid"] for name, entry in one.processes().items()} == before
    assert one.kill("postgres")[0]["pid"] != before["postgres"]


def test_down_ends_the_processes_of_a_killed_supervisor(one: Penguin) -> None:
    one.up()
    os.kill(one.supervisor(), signal.SIGKILL)

    assert one("down").returncode == 0

    assert one("status").returncode == 3


def test_doctor_names_what_is_missing_with_its_cure(one: Penguin) -> None:
    found = one.up()
    done = one("doctor", "--json")

    checks = {entry["name"]: entry for entry in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1
    assert checks["kafka answers"]["ok"]
    assert checks["postgres answers"]["ok"]
    assert checks["process kafka-1"]["ok"]
    assert found["bootstrap"] in checks["kafka answers"]["found"]
    assert not checks["topics"]["ok"]
    assert "penguin run migrate" in checks["topics"]["cure"]
    assert "penguin run migrate" in checks["migrations"]["cure"]


def test_two_stacks_run_side_by_side(one: Penguin, tmp_path: Path) -> None:
    first, other = one.up(), Penguin(tmp_path)
    try:
        second = other.up()

        rows(second["dsn"], "CREATE TABLE only_here (said text)")
        assert rows(first["dsn"], "SELECT to_regclass('only_here')") == [(None,)]
        assert first["bootstrap"] != second["bootstrap"]
    finally:
        assert other("down").returncode == 0
    assert one("status").returncode == 0


def test_a_stack_on_given_servers_starts_none(one: Penguin, tmp_path: Path) -> None:
    found, other = one.up(), Penguin(tmp_path)
    given = {"PM_KAFKA_BOOTSTRAP": found["bootstrap"], "PM_DATABASE_URL": found["dsn"]}
    try:
        done = other("up", "--servers-only", "--json", **given)

        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["dsn"] == found["dsn"]
        assert other.processes() == {}
    finally:
        assert other("down").returncode == 0


def test_three_brokers_outlive_one_of_them(tmp_path: Path) -> None:
    three = Penguin(tmp_path)
    try:
        found = three.up("--brokers", "3")
        offset = asyncio.run(append(found["bootstrap"], b"on all three"))

        (entry,) = three.kill("kafka-2")

        assert entry["restarts"] == 1
        assert asyncio.run(read(found["bootstrap"], offset)) == b"on all three"
        assert set(three.processes()) == {"kafka-1", "kafka-2", "kafka-3", "postgres"}
    finally:
        assert three("down").returncode == 0
