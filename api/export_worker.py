"""Makes archives of tenants in the background, and removes the files of those that are over.

Whatever dies in the middle leaves a row that is queued or running, and whoever gets its lock begins
anew. Rows say what exists: a file that no row names is removed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from adapters.kafka_log import LogUnavailable
from adapters.postgres import set_tenant
from api.commands.tenant_exports import KEPT, QUERIES, file_of
from api.desk import Connect, Desks
from domain import tenant_export
from domain.ports import ConcurrentAppend, StoreUnavailable

FAILURES_MAX, ATTEMPTS_MAX = 3, 20
PARTIAL_OLD_S = 24 * 3600.0  # nobody writes a file for so long
#: It waits, and nothing is wrong with it.
AWAY = (psycopg.OperationalError, StoreUnavailable, ConcurrentAppend, LogUnavailable)
KEPT_STATES = ("running", "done")
log = structlog.get_logger(__name__)

Tell = Callable[[str, int], None]  # the part that is written, rows of all parts so far
#: Writes a tenant's archive into a file; what its manifest says.
Write = Callable[[str, Path, Tell], Mapping[str, Any]]


class Stopped(Exception):  # noqa: N818 - a wish, not an error
    """Our process ends; another one goes on."""


@dataclass(frozen=True)
class Exports:
    """Runs exports. `connect` makes a connection under role pm_api for as long as it is held."""

    desks: Desks
    connect: Connect
    write: Write
    folder: Path  # where files lie
    clock: Callable[[], datetime]
    stopped: threading.Event = field(default_factory=threading.Event)

    def run_all(self) -> int:
        """Every export that nobody else is at; how many were worked on."""
        with self.connect() as conn, conn.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(QUERIES["all"]).fetchall()
        self._tidy(found)
        waiting = [row for row in found if row["state"] in {"queued", "running"}]
        return sum(self._run(row) for row in waiting if not self.stopped.is_set())

    def _run(self, row: dict[str, Any]) -> bool:
        """Work on one under its lock, which goes with the connection."""
        with self.connect() as watch:
            if watch.execute(QUERIES["lock"], row).fetchone() != (True,):
                return False
            try:
                _Export(self, watch, row).run()
            except Stopped:
                return False
            except AWAY as error:
                why = type(error).__name__
                log.warning("tenant_export_waits", export_id=row["export_id"], why=why)
                return False
            except Exception:
                log.exception("tenant_export_broke", export_id=row["export_id"])
                with bound(watch, row["tenant_id"]):
                    watch.execute(QUERIES["failed_once"], row)
                return False
            return True

    def _tidy(self, found: list[dict[str, Any]]) -> None:
        """Forget what expired, and every file of which no row says that it is kept."""
        now = self.clock()
        over = [row for row in found if row["expires_at"] <= now]
        for row in over:
            with self.connect() as conn, bound(conn, row["tenant_id"]):
                conn.execute(QUERIES["forget"], row)
        kept = {row["export_id"] for row in found if row["state"] in KEPT_STATES}
        kept -= {row["export_id"] for row in over}
        for path in self.folder.glob("*.zip"):
            if path.stem not in kept and not self._named(path.stem):
                path.unlink(missing_ok=True)
        for path in self.folder.glob(".*.partial"):
            if time.time() - path.stat().st_mtime > PARTIAL_OLD_S:
                path.unlink(missing_ok=True)

    def _named(self, export_id: str) -> bool:
        """Whether a row names it now: it may have been made since we looked."""
        with self.connect() as conn, conn.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(QUERIES["all"]).fetchall()
        return any(row["export_id"] == export_id and row["state"] in KEPT_STATES for row in rows)


@contextmanager
def bound(conn: Connection[Any], tenant_id: str) -> Iterator[None]:
    """A transaction that sees this tenant's rows."""
    with conn.transaction():
        set_tenant(conn, tenant_id)
        yield


class _Export:
    """One at work; `watch` tells of its progress while other connections read."""

    def __init__(self, exports: Exports, watch: Connection[Any], row: dict[str, Any]) -> None:
        self._exports = exports
        self._watch = watch
        self._tenant_id: str = row["tenant_id"]
        self._ids = {"tenant_id": self._tenant_id, "export_id": row["export_id"]}
        self._path = file_of(exports.folder, row["export_id"])

    def run(self) -> None:
        found = self._begin()
        if found is None:  # made, or forgotten, since we looked
            return
        if found["failures"] >= FAILURES_MAX or found["attempts"] > ATTEMPTS_MAX:
            self._fail(found["actor"], "broke" if found["failures"] >= FAILURES_MAX else "erasures")
            return
        self._exports.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        told = self._exports.write(self._tenant_id, self._path, self._tell)
        self._made(found["actor"], told)

    def _begin(self) -> dict[str, Any] | None:
        """The row, running from now on: from here an erasure begins it again."""
        with bound(self._watch, self._tenant_id):
            self._watch.execute(QUERIES["no_erasure"], self._ids)
            if not self._watch.execute(QUERIES["begin"], self._ids).rowcount:
                return None
            with self._watch.cursor(row_factory=dict_row) as cursor:
                return cursor.execute(QUERIES["one"], self._ids).fetchone()

    def _tell(self, phase: str, rows: int) -> None:
        if self._exports.stopped.is_set():
            raise Stopped
        with bound(self._watch, self._tenant_id):
            self._watch.execute(QUERIES["progress"], self._ids | {"phase": phase, "rows": rows})

    def _made(self, actor: str, told: Mapping[str, Any]) -> None:
        """Give it out, unless somebody in it was erased meanwhile: then it is begun again.

        The event comes first, so that whatever is given out was told of.
        """
        self._decide(actor, tenant_export.finish)
        now = self._exports.clock()
        values = {"now": now, "expires_at": now + KEPT, "bytes": self._path.stat().st_size}
        with bound(self._watch, self._tenant_id):
            done = self._watch.execute(QUERIES["made"], self._ids | values | {"told": Jsonb(told)})
            if done.rowcount:
                self._watch.execute(QUERIES["forget_older"], self._ids)
        if not done.rowcount:
            self._path.unlink(missing_ok=True)

    def _fail(self, actor: str, reason: str) -> None:
        self._decide(actor, partial(tenant_export.fail, reason=reason))
        with bound(self._watch, self._tenant_id):
            self._watch.execute(QUERIES["failed"], self._ids)

    def _decide(self, actor: str, decide: Any) -> None:
        stream = tenant_export.stream(self._ids["export_id"])
        self._exports.desks.at(self._tenant_id, actor).decide(tenant_export, stream, decide)
