"""A tenant's whole data as an archive: asked for, looked at, given out until it expires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import errors

from adapters.postgres import named_sql
from api.desk import Desk
from api.problems import Problem
from domain import tenant_export
from domain.ports import Decided
from domain.refusals import NotFound, WrongState

QUERIES = named_sql(Path(__file__).with_suffix(".sql"))
KEPT = timedelta(days=3)
Row = dict[str, Any]


@dataclass(frozen=True)
class Archives:
    """Where files lie, each under its export's id, and how to say that one is wanted."""

    folder: Path
    wake: Callable[[], None]


def file_of(folder: Path, export_id: str) -> Path:
    """Where the file of an export lies, or would."""
    return folder / f"{export_id}.zip"


def request(desk: Desk, archives: Archives, now: datetime) -> tuple[Row, Decided]:
    """Ask for the tenant's archive. Raises WrongState while one is under way.

    Repeating it under the same Idempotency-Key asks for the same one.
    """
    _require_whole(desk)
    export_id = desk.fresh_id("exp")
    try:
        desk.write(
            QUERIES["keep"], export_id=export_id, actor=desk.actor, now=now, expires_at=now + KEPT
        )
    except errors.UniqueViolation as error:
        told = "export: one is under way already; GET /v1/tenant/exports tells how far it is"
        raise WrongState(told) from error
    decided = desk.decide(
        tenant_export,
        tenant_export.stream(export_id),
        partial(tenant_export.request, tenant_id=desk.tenant_id, export_id=export_id),
    )
    archives.wake()
    return one(desk, export_id), decided


def one(desk: Desk, export_id: str) -> Row:
    """An export of the tenant. Raises NotFound."""
    found = desk.rows(QUERIES["one"], export_id=export_id)
    if not found:
        raise NotFound("export_id: there is no such export of the tenant; ask for one")
    return found[0]


def page(desk: Desk, now: datetime) -> list[Row]:
    """Those of the tenant that are under way or kept, the newest first."""
    _require_whole(desk)
    return desk.rows(QUERIES["page"], now=now)


def give_out(desk: Desk, archives: Archives, export_id: str, now: datetime) -> Path:
    """The file of a made export; that it is given out is recorded first. Raises NotFound.

    WrongState for one that is not made, or not to be given out any more.
    """
    _require_whole(desk)
    found = one(desk, export_id)
    if found["expires_at"] <= now:
        raise NotFound("export_id: it expired; ask for another")
    if found["state"] != "done":
        raise WrongState(f"export: it is {found['state']}; {CURES[found['state']]}")
    path = file_of(archives.folder, export_id)
    if not path.is_file():
        raise NotFound("export_id: its file is not kept here any more; ask for another")
    desk.decide(tenant_export, tenant_export.stream(export_id), tenant_export.download)
    return path


CURES = {
    "queued": "wait until it is done",
    "running": "wait until it is done",
    "failed": "ask for another, and tell us its id",
    "outdated": "somebody in it was erased since; ask for another",
}


def _require_whole(desk: Desk) -> None:
    """Who is bound to workspaces is given no tenant as a whole."""
    if desk.workspace_ids is not None:
        raise Problem("forbidden", "this is for who may see all workspaces")
