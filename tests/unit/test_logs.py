"""Logs are JSON lines with the role; chatty libraries are kept short."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from adapters import logs


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What goes to stderr after `configure`; logging is as before afterwards."""
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level, caught = root.level, io.StringIO()
    monkeypatch.setattr("sys.stderr", caught)
    logs.configure("info", "relay")
    yield caught
    root.handlers, root.level = before, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_each_line_is_an_object_with_event_role_and_time(written: io.StringIO) -> None:
    structlog.get_logger().info("relay_moved", pos=7)
    logging.getLogger("some.library").warning("said %s", "this")

    first, second = lines(written)
    assert (first["event"], first["pos"], first["role"]) == ("relay_moved", 7, "relay")
    assert (second["event"], second["level"]) == ("said this", "warning")
    assert "timestamp" in first


def test_a_chatty_library_is_cut_and_ours_is_not(written: io.StringIO) -> None:
    for _ in range(500):
        logging.getLogger("aiokafka.conn").error("unable to connect")
        structlog.get_logger("streams").error("slice_lost")

    told = [line["event"] for line in lines(written)]
    assert told.count("unable to connect") == logs.CHATTY_LINES_MAX
    assert told.count("slice_lost") == 500


def test_a_new_window_tells_how_many_lines_were_left_out() -> None:
    now = [0.0]
    throttle = logs.Throttle(lines_max=2, window_s=10, now=lambda: now[0])
    records = [logging.makeLogRecord({"name": "aiokafka", "msg": "no"}) for _ in range(6)]

    kept = [throttle.filter(record) for record in records[:5]]
    now[0] = 11
    kept.append(throttle.filter(records[5]))

    assert kept == [True, True, False, False, False, True]
    assert records[5].getMessage() == "no [3 such lines left out before]"
