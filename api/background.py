"""Threads beside the API's server that do what takes longer than a request."""

from __future__ import annotations

import threading
from typing import Protocol, Self

import psycopg
import structlog

POLL_S = 5.0
log = structlog.get_logger(__name__)


class Jobs(Protocol):
    """What there is to do. `stopped` is set when our process ends: let go, another one goes on."""

    @property
    def stopped(self) -> threading.Event: ...

    def run_all(self) -> int:
        """Everything that nobody else is at; how many were worked on."""
        ...


class Background:
    """A thread that works when woken, and looks for left jobs at its start and now and then."""

    def __init__(self, jobs: Jobs, name: str, poll_s: float = POLL_S) -> None:
        self._jobs = jobs
        self._name = name
        self._poll_s = poll_s
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of what is at work: it starts again elsewhere."""
        self._jobs.stopped.set()
        self._wanted.set()
        self._thread.join()

    def wake(self) -> None:
        """There is work."""
        self._wanted.set()

    def _loop(self) -> None:
        while not self._jobs.stopped.is_set():
            self._wanted.clear()
            try:
                self._jobs.run_all()
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("jobs_wait", jobs=self._name, why=type(error).__name__)
            except Exception:
                log.exception("jobs_broke", jobs=self._name)
            self._wanted.wait(self._poll_s)
