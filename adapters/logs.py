"""Logging of every process: one JSON line a fact on stderr, chatty libraries kept short."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

import structlog

# A broker away for five seconds makes aiokafka write tens of thousands of lines.
CHATTY = ("aiokafka", "faust", "mode", "kafka")
CHATTY_LINES_MAX = 20  # of one logger and one level within a window
CHATTY_WINDOW_S = 10.0


class Throttle(logging.Filter):
    """Lets the first lines of each (logger, level) through, then counts until the window ends."""

    def __init__(
        self,
        lines_max: int = CHATTY_LINES_MAX,
        window_s: float = CHATTY_WINDOW_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._lines_max, self._window_s, self._now = lines_max, window_s, now
        self._windows: dict[tuple[str, int], list[float]] = {}  # [began at, lines seen]

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line is written. The first of a new window tells how many were not."""
        now = self._now()
        window = self._windows.setdefault((record.name, record.levelno), [now, 0])
        if now - window[0] > self._window_s:
            dropped = int(window[1]) - self._lines_max
            window[:] = [now, 0]
            if dropped > 0:
                record.msg = f"{record.getMessage()} [{dropped} such lines left out before]"
                record.args = ()
        window[1] += 1
        return window[1] <= self._lines_max


def configure(level: str, role: str) -> None:
    """Send everything to stderr as JSON lines that carry the role. Safe to repeat."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _install(_handler(shared), level)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(role=role)


def _handler(shared: list[structlog.typing.Processor]) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    return handler


def _install(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    throttle = Throttle()
    handler.addFilter(lambda record: _is_quiet(record) or throttle.filter(record))
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_quiet(record: logging.LogRecord) -> bool:
    return record.name.split(".")[0] not in CHATTY
