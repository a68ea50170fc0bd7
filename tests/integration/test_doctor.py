"""`penguin doctor` at servers of one's own: what is wrong there is named, with its cure."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from adapters import kafka_log
from ops import cli
from tests.schedule_kit import change

pytestmark = pytest.mark.stack

CURSORS = "cursors belong to this log"


@pytest.fixture
def place(
    dsn: str,
    server: dict[str, str],
    log_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder without a stack of its own; the environment names the servers."""
    monkeypatch.setenv("PM_KAFKA_BOOTSTRAP", server["bootstrap"])
    monkeypatch.setenv("PM_DATABASE_URL", dsn)
    monkeypatch.setenv("PM_PREFIX", log_prefix)
    return tmp_path


def checks(capsys: pytest.CaptureFixture[str], place: Path) -> dict[str, Any]:
    with pytest.raises(SystemExit):
        cli.main(["doctor", "--json", "--data", str(place)])
    return {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)["checks"]}


def test_servers_that_are_ready_are_well(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    found = checks(capsys, place)

    names = ("kafka answers", "postgres answers", "topics", "migrations", "log id", CURSORS)
    assert [name for name in names if not found[name]["ok"]] == []


@pytest.mark.parametrize(("offset", "of_this_log"), [(10**6, True), (1, False)])
def test_a_cursor_of_another_log_is_named(
    capsys: pytest.CaptureFixture[str],
    place: Path,
    dsn: str,
    server: dict[str, str],
    log_prefix: str,
    offset: int,
    of_this_log: bool,  # noqa: FBT001
) -> None:
    mark = asyncio.run(kafka_log.ensure_topics(server["bootstrap"], log_prefix, 1))
    change(
        dsn,
        "INSERT INTO app.cursor (reader, topic, part, next_offset, log_id)"
        " VALUES ('schedule', 'pm.attempts', 0, %s, %s)",
        *(offset, mark if of_this_log else "another"),
    )

    found = checks(capsys, place)[CURSORS]

    assert not found["ok"]
    assert "schedule" in found["found"]
    assert "pm.attempts/0" in found["found"]
    assert found["cure"]
