"""The role `projections` as a process that is killed at work, and the command beside it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.kafka_log import KafkaLog
from projections.models import MODELS, NAMES
from projections.session import Place
from projections.status import status

pytestmark = [pytest.mark.stack, pytest.mark.fault]
DEADLINE_S = 60.0
KILLS = 3


@pytest.fixture
def place(read_models: str, server: dict[str, str], log_prefix: str) -> Place:
    return Place(read_models, server["bootstrap"], log_prefix)


@pytest.fixture
def environment(place: Place, tmp_path: Path) -> dict[str, str]:
    """As the supervisor sets it for a role."""
    return os.environ | {
        "PM_DATABASE_URL": place.dsn,
        "PM_KAFKA_BOOTSTRAP": place.bootstrap,
        "PM_PREFIX": place.prefix,
        "PM_DATA_DIR": str(tmp_path),
    }


@contextmanager
def role(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`penguin run projections`; killed at the end if it still runs."""
    command = [sys.executable, "-m", "ops.cli", "run", "projections"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def penguin(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ops.cli", "projections", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def applied(place: Place) -> int:
    """How many records all cursors together are past."""
    with psycopg.connect(place.dsn) as conn:
        row = conn.execute("SELECT coalesce(sum(next_offset), 0) FROM app.cursor").fetchone()
    return int(row[0]) if row else 0


def append(place: Place, history: Any) -> None:
    async def tell() -> None:
        async with KafkaLog(place.bootstrap, place.prefix) as log:
            await log.append(history.drafts())

    asyncio.run(tell())


def test_i3_i9_kill_9_of_the_projector_leaves_every_event_counted_once(
    place: Place, environment: dict[str, str], tell: Callable[..., Any]
) -> None:
    """Killed while it folds, again and again; then it equals a rebuild, and so does the command."""
    append(place, tell(1, campaigns=80))
    for _ in range(KILLS):
        before = applied(place)
        with role(environment):
            until(lambda before=before: applied(place) > before)  # type: ignore[misc]
        append(place, tell(2 + before, campaigns=20))

    with role(environment):
        until(lambda: _caught_up(place))
        rebuilt = penguin(environment, "rebuild", "campaign_counters", "--json")
        until(lambda: _caught_up(place))
        told = json.loads(penguin(environment, "status", "--json").stdout)

    found = json.loads(rebuilt.stdout)
    assert rebuilt.returncode == 0
    assert (found["name"], found["equal"], found["lag"]) == ("campaign_counters", True, 0)
    assert found["sends"] == found["rows"]["send_ledger"] == 1540
    assert found["position"]["pm.requests/0"] >= 1
    rebuilt_together = set(MODELS["send_ledger"].folders)
    assert {entry["name"]: entry["version"] for entry in told} == {
        name: 2 if name in rebuilt_together else 1 for name in NAMES
    }


def _caught_up(place: Place) -> bool:
    return all(
        found.position and found.lag == 0 and found.age_s is not None
        for found in asyncio.run(status(place))
    )


def test_the_command_says_what_differs_and_what_there_is_not(
    place: Place, environment: dict[str, str], tell: Callable[..., Any]
) -> None:
    """A difference is exit 1, with its tenant, and the live version stays; a wrong name is 2."""
    append(place, tell(1))
    with role(environment):
        until(lambda: _caught_up(place))
        with psycopg.connect(place.dsn, autocommit=True) as conn:
            conn.execute("DELETE FROM rm.sending_ip_cap_v1 WHERE tenant_id = 'ten_0'")

        differs = penguin(environment, "rebuild", "sending_ips")
        unknown = penguin(environment, "rebuild", "nothing")

    assert differs.returncode == 1
    assert "sending_ip_cap of ten_0" in differs.stdout
    assert "the live one stays" in differs.stdout
    assert unknown.returncode == 2
    assert "send_ledger" in unknown.stderr
