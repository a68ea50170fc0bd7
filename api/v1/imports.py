"""Imports of leads: upload a file, look at it, map its columns, run it, and take it back."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from adapters.contacts.csv_rows import COLUMNS_MAX
from adapters.contacts.mapping import Column
from api import lead_questions as questions
from api import shapes_leads as shapes
from api import uploads
from api.answers import Json, listed
from api.bodies import Body, IdPath, IdText
from api.callers import Caller
from api.commands import imports
from api.commands.imports import Upload
from api.desk import Desk
from api.import_shows import shown
from api.problems import Problem, not_found
from api.wiring import DEFAULT_LIMIT, CursorQuery, LimitQuery, PortsDep, at_desk, may

router = APIRouter(prefix="/v1/imports", tags=["imports"])
Reader = Annotated[Caller, may("leads:read")]
Writer = Annotated[Desk, at_desk("leads:write")]
REJECTS_AT_ONCE = 1000
#: A spreadsheet takes what begins so for a formula (ASVS 1.2.10).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
Shown = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "required": ["file"],
    }
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": _BINARY, XLSX: _BINARY, uploads.FORM: _FORM},
    }
}


class Told(Body):
    """About the file: which list it fills, by id, or the name of one that is made."""

    list_id: IdText = ""
    list_name: Annotated[Shown, Field(description="instead of list_id: make this list")] = ""
    workspace_id: IdText = ""
    file_name: Shown = ""
    sheet: Annotated[Shown, Field(description="of a workbook; else its first one")] = ""


class Mapped(Body):
    """What one column is; `name` is the merge field's."""

    to: Literal["address", "field", "tags", "status", "ignore"]
    name: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class Mapping(Body):
    """Each column of the file, in its order."""

    columns: Annotated[
        list[Mapped],
        Field(
            min_length=1,
            max_length=COLUMNS_MAX,
            examples=[[{"to": "address"}, {"to": "field", "name": "first_name"}]],
        ),
    ]


@router.post("", status_code=201, responses=shapes.UPLOADED, openapi_extra=BODY)
async def upload_file(
    request: Request, desk: Writer, ports: PortsDep, told: Annotated[Told, Query()]
) -> Json:
    """Take in a CSV or XLSX file, at most 100 MiB: as the body, or as the part `file` of a form."""
    if bool(told.list_id) == bool(told.list_name):
        raise Problem("invalid", "list_id: name the list to fill, or list_name to make one")
    spool = ports.imports.spool
    with await run_in_threadpool(spool.incoming) as incoming:
        sent = await uploads.receive(request, incoming)
        name = told.file_name or "".join(letter for letter in sent if letter.isprintable())[:200]
        upload = Upload(name, told.list_id, told.list_name, told.workspace_id, told.sheet)
        import_id, position = await run_in_threadpool(imports.take, desk, spool, incoming, upload)
    return await run_in_threadpool(_told, desk, import_id, 201, position)


@router.get("", responses=shapes.IMPORTS)
async def list_imports(
    caller: Reader,
    ports: PortsDep,
    list_id: Annotated[
        str, Query(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$", description="only into this list")
    ] = "",
    limit: LimitQuery = DEFAULT_LIMIT,
    cursor: CursorQuery = "",
) -> Json:
    """The tenant's imports, the newest first."""
    scope = (caller.tenant_id, "imports", list_id)
    after = ports.cursors.read(scope, cursor) if cursor else (None, "")
    async with ports.reads.of(caller.tenant_id) as bound:
        rows = await questions.page(
            bound,
            "imports",
            only=caller.workspace_ids,
            after=(after[0], after[1]),
            limit=limit + 1,
            list_id=list_id,
        )
    last = rows[limit - 1] if len(rows) > limit else None
    position = [last["created_at"], last["import_id"]] if last else []
    following = ports.cursors.make(scope, position) if last else None
    return listed([shown(row) for row in rows[:limit]], following)


@router.get("/{import_id}", responses=shapes.ONE_IMPORT)
async def get_import(import_id: IdPath, caller: Reader, ports: PortsDep) -> Json:
    """One import: its counts, and how far it is while it runs."""
    return Json(shown(await _known(import_id, caller, ports)))


@router.get("/{import_id}/preview", responses=shapes.PREVIEWED)
def preview_import(import_id: IdPath, desk: Writer, ports: PortsDep) -> Json:
    """How the file is written, what its columns are taken for, its first rows and bad ones."""
    found = imports.preview(desk, ports.imports.spool, import_id)
    return Json({"object": "import_preview", "import_id": import_id} | found)


@router.put("/{import_id}/mapping", responses=shapes.PREVIEWED)
def map_columns(import_id: IdPath, body: Mapping, desk: Writer, ports: PortsDep) -> Json:
    """Say what each column is; the preview that follows from it."""
    columns = [Column(column.to, column.name) for column in body.columns]
    imports.set_mapping(desk, ports.imports.spool, import_id, columns)
    return preview_import(import_id, desk, ports)


@router.post("/{import_id}/start", status_code=202, responses=shapes.STARTED)
def start_import(import_id: IdPath, desk: Writer, ports: PortsDep) -> Json:
    """Run it in the background, as a whole or not at all."""
    imports.start(desk, ports.imports, import_id)
    return _told(desk, import_id, 202)


@router.post("/{import_id}/cancel", status_code=202, responses=shapes.STARTED)
def cancel_import(import_id: IdPath, desk: Writer, ports: PortsDep) -> Json:
    """Call it off: nothing of it stays."""
    imports.cancel(desk, ports.imports, import_id)
    return _told(desk, import_id, 202)


@router.post("/{import_id}/rollback", status_code=202, responses=shapes.STARTED)
def roll_back_import(import_id: IdPath, desk: Writer, ports: PortsDep) -> Json:
    """Take back what only this import brought: members, and contacts that no list has then."""
    imports.roll_back(desk, ports.imports, import_id)
    return _told(desk, import_id, 202)


@router.get("/{import_id}/errors", responses=shapes.ERRORS, response_class=StreamingResponse)
async def download_errors(import_id: IdPath, caller: Reader, ports: PortsDep) -> StreamingResponse:
    """The rows that could not be used, as CSV: line, reason, row."""
    await _known(import_id, caller, ports)
    name = f"attachment; filename={import_id}-errors.csv"
    return StreamingResponse(
        _errors(import_id, caller.tenant_id, ports),
        media_type="text/csv",
        headers={"content-disposition": name},
    )


async def _errors(import_id: str, tenant_id: str, ports: PortsDep) -> AsyncIterator[str]:
    yield csv_text([("line", "reason", "row")])
    after = -1
    while True:
        async with ports.reads.of(tenant_id) as bound:
            rows = await questions.rejects(bound, import_id, after=after, limit=REJECTS_AT_ONCE)
        if not rows:
            return
        after = rows[-1]["line"]
        yield csv_text([(str(row["line"]), row["reason"], row["row"]) for row in rows])


def csv_text(rows: list[tuple[str, ...]]) -> str:
    """Rows as CSV, every cell quoted, none of them the beginning of a formula."""
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([tuple(map(_harmless, row)) for row in rows])
    return written.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


async def _known(import_id: str, caller: Caller, ports: PortsDep) -> dict[str, Any]:
    async with ports.reads.of(caller.tenant_id) as bound:
        found = await questions.one(bound, "imports", import_id, caller.workspace_ids)
    if found is None:
        raise not_found("import")
    return found


def _told(desk: Desk, import_id: str, status: int, position: int | None = None) -> Json:
    values = {"id": import_id, "after_at": None, "after_id": "", "list_id": "", "only": None}
    row = desk.rows(questions.QUERIES["imports"], **values, limit=1)[0]
    return Json(shown(row) | {"position": position}, status_code=status)
