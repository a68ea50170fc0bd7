"""Runs imports in the background: a thread with connections of its own, none from a pool.

Whatever dies in the middle leaves nothing of an import and its job in Postgres; whoever finds that
job, this process at its next start or another one, runs it from the beginning.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
import structlog
from psycopg import Connection
from psycopg.rows import dict_row

from adapters.contacts import mapping, rolling_back
from adapters.contacts.importing import Import, Wishes, import_leads
from adapters.contacts.spool import Spool
from adapters.postgres import set_tenant
from api.commands.imports import QUERIES, ROLL_BACK
from api.desk import Connect, Desk, Desks
from domain import lead_list, suppression
from domain.lead_list import ImportCounts
from domain.ports import ConcurrentAppend, StoreUnavailable
from domain.refusals import Refused
from domain.suppression import Subject

FAILURES_MAX = 5
log = structlog.get_logger(__name__)


class Cancelled(Exception):  # noqa: N818 - a wish, not an error
    """Somebody called the import off."""


class Stopped(Exception):  # noqa: N818 - a wish, not an error
    """Our process ends; another one goes on."""


@dataclass(frozen=True)
class Work:
    """Runs jobs. `connect` makes a connection under role pm_api for as long as it is held."""

    desks: Desks
    connect: Connect
    spool: Spool
    stopped: threading.Event = field(default_factory=threading.Event)

    def run_all(self) -> int:
        """Every job that nobody else is at; how many were worked on."""
        with self.connect() as conn, conn.cursor(row_factory=dict_row) as cursor:
            jobs = cursor.execute(QUERIES["jobs"]).fetchall()
        return sum(self._run(job) for job in jobs if not self.stopped.is_set())

    def _run(self, job: dict[str, Any]) -> bool:
        """Work on a job under its lock, which goes with the connection."""
        with self.connect() as watch:
            locked = watch.execute(QUERIES["lock"], job).fetchone()
            if locked != (True,) or not watch.execute(QUERIES["still_there"], job).fetchone():
                return False
            try:
                return _Job(self, watch, job).run()
            except Stopped:
                return False
            except (psycopg.OperationalError, StoreUnavailable, ConcurrentAppend) as error:
                log.warning("import_waits", import_id=job["import_id"], why=type(error).__name__)
            except Exception:
                log.exception("import_broke", import_id=job["import_id"])
                watch.execute(QUERIES["failed_once"], job)
            return False


class _Job:
    """One import at work; `watch` tells of its progress while another connection does it."""

    def __init__(self, work: Work, watch: Connection[Any], job: dict[str, Any]) -> None:
        self._work = work
        self._watch = watch
        self._job = job
        self._import_id: str = job["import_id"]
        self._ids = {"tenant_id": job["tenant_id"], "import_id": job["import_id"]}

    def run(self) -> bool:
        """Do it to its end; False: it has to wait for its file."""
        found = self._found()
        if found is None:  # the tenant is gone
            self._finish()
            return True
        desk = self._work.desks.at(self._job["tenant_id"], found["actor"])
        if self._job["deed"] == ROLL_BACK:
            self._roll_back(desk, found)
            return True
        if found["state"] != "done" and not self._work.spool.path(self._import_id).is_file():
            return self._without_file()
        self._import(desk, found)
        return True

    def _import(self, desk: Desk, found: dict[str, Any]) -> None:
        try:
            if self._job["failures"] >= FAILURES_MAX:
                self._end("failed", f"it broke {FAILURES_MAX} times; tell us, with its id")
                return
            self._progress("reading", 0, begins=True)
            done = self._imported(desk, found)
        except Cancelled:
            self._work.spool.remove(self._import_id)
            self._end("cancelled", "")
        except Refused as refused:
            path = self._work.spool.path(self._import_id)
            self._end("failed", str(refused).replace(path.name, "the file"))
        else:
            self._suppress(desk)
            self._record(desk, found["list_id"], done)
            self._finish()
            self._work.spool.remove(self._import_id)

    def _imported(self, desk: Desk, found: dict[str, Any]) -> Import:
        path = self._work.spool.path(self._import_id)
        wishes = Wishes(
            header=mapping.header(columns := mapping.read(found["mapping"]), len(columns)),
            hash_key=suppression.hash_key(desk.id_key),
            merging=self._merging,
        )
        with self._work.connect() as conn:
            return import_leads(
                conn,
                path,
                list_id=found["list_id"],
                progress=self._read,
                wishes=wishes,
                **self._ids,
            )

    def _suppress(self, desk: Desk) -> None:
        """Decide what the vault already heeds; what was decided is not asked again."""
        values = self._ids | {"hash_key": suppression.hash_key(desk.id_key)}
        while rows := desk.rows(QUERIES["suppressions"], **values):
            for row in rows:
                who = Subject(desk.tenant_id, row["contact_id"], row["hash"])
                evidence = f"import:{self._import_id}:{row['status']}"
                decide = partial(suppression.suppress, who=who, reason="import", evidence=evidence)
                desk.decide(suppression, suppression.stream(row["contact_id"]), decide)
            desk.write(QUERIES["suppressed"], **self._ids, ids=[row["contact_id"] for row in rows])
            if self._work.stopped.is_set():
                raise Stopped

    def _record(self, desk: Desk, list_id: str, done: Import) -> None:
        counts = ImportCounts(done.rows, done.imported, done.duplicates, done.rejected)
        record = partial(lead_list.record_import, import_id=self._import_id, counts=counts)
        desk.decide(lead_list, lead_list.stream(list_id), record)

    def _roll_back(self, desk: Desk, found: dict[str, Any]) -> None:
        gone = (found["removed_members"], found["removed_contacts"])
        if found["state"] != "rolled_back":
            self._progress("removing", 0, begins=True, heeds_cancel=False)
            with self._work.connect() as conn:
                gone = rolling_back.roll_back(
                    conn, list_id=found["list_id"], step=self._stop, **self._ids
                )
        decide = partial(
            lead_list.roll_back, import_id=self._import_id, members=gone[0], contacts=gone[1]
        )
        desk.decide(lead_list, lead_list.stream(found["list_id"]), decide)
        self._finish()

    def _read(self, rows: int) -> None:
        self._progress("reading", rows)
        self._rows = rows

    def _merging(self) -> None:
        self._progress("merging", getattr(self, "_rows", 0))

    def _progress(
        self, phase: str, rows: int, *, begins: bool = False, heeds_cancel: bool = True
    ) -> None:
        self._stop()
        told = {"phase": phase, "rows_done": rows, "begins": begins}
        row = self._watch.execute(QUERIES["progress"], self._ids | told).fetchone()
        if heeds_cancel and (row is None or row[0]):
            raise Cancelled

    def _stop(self) -> None:
        if self._work.stopped.is_set():
            raise Stopped

    def _without_file(self) -> bool:
        """It may lie with another host, and whoever has it will run it; for an hour."""
        if not self._job["old"]:
            return False
        self._end("failed", "its file is not kept any more; upload it again")
        return True

    def _found(self) -> dict[str, Any] | None:
        with self._watch.transaction(), self._watch.cursor(row_factory=dict_row) as cursor:
            set_tenant(self._watch, self._ids["tenant_id"])
            return cursor.execute(QUERIES["found"], self._ids).fetchone()

    def _end(self, state: str, reason: str) -> None:
        moved = {"state": state, "reason": reason, "states": ["queued", "running"]}
        with self._watch.transaction():
            set_tenant(self._watch, self._ids["tenant_id"])
            self._watch.execute(QUERIES["move"], self._ids | moved)
            self._watch.execute(QUERIES["finished"], self._ids)
        self._watch.execute(QUERIES["tell"])

    def _finish(self) -> None:
        """The import is written once more, so that who listens hears of its end."""
        with self._watch.transaction():
            set_tenant(self._watch, self._ids["tenant_id"])
            self._watch.execute(QUERIES["touch"], self._ids)
            self._watch.execute(QUERIES["finished"], self._ids)
        self._watch.execute(QUERIES["tell"])
