"""Imports by command: take a file in, say what its columns are, start, stop, take back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from adapters.contacts import mapping, previewing
from adapters.contacts.mapping import Column
from adapters.contacts.spool import Incoming, Spool
from adapters.contacts.xlsx_archive import is_archive
from adapters.contacts.xlsx_rows import to_csv
from adapters.postgres import named_sql
from api.commands import lists
from api.desk import Desk
from api.workspaces import require_visible
from domain.refusals import Invalid, NotFound, Taken, WrongState

QUERIES = named_sql(Path(__file__).with_name("imports.sql"))
RUN, ROLL_BACK = "run", "roll_back"
#: In these nothing was imported, and the file is there.
STARTABLE = ("uploaded", "failed")


@dataclass(frozen=True)
class Imports:
    """What commands about imports work with. `wake` tells the worker that there is work."""

    spool: Spool
    wake: Callable[[], None]


@dataclass(frozen=True)
class Upload:
    """What is told about a file that came in."""

    file_name: str = ""
    list_id: str = ""
    list_name: str = ""  # of a list that is made for it
    workspace_id: str = ""
    sheet: str = ""  # of a workbook; the first one


def take(desk: Desk, spool: Spool, incoming: Incoming, upload: Upload) -> tuple[str, int | None]:
    """Keep a file that came in whole; the import's id, and the log's position if a list was made.

    Repeating it under one Idempotency-Key keeps one. Raises Invalid for what is no table, Taken for
    another file under the same key, and what a list that cannot be filled raises.
    """
    if not incoming.bytes:
        raise Invalid("file: it is empty; send a CSV or XLSX file with a header line")
    import_id, list_id = desk.fresh_id("imp"), upload.list_id or desk.fresh_id("lst")
    if upload.list_id:
        lists.require(desk, list_id, to_fill=True)
    if known := desk.rows(QUERIES["found"], import_id=import_id):
        if known[0]["digest"] != incoming.digest:
            raise Taken("Idempotency-Key: another file came under it; use a new key")
        return import_id, None
    form = _settle(spool, incoming, import_id, upload.sheet)
    position = None
    if not upload.list_id:
        name = upload.list_name or upload.file_name or "Import"
        position = lists.create(desk, list_id, name, workspace_id=upload.workspace_id)
    desk.write(
        QUERIES["keep"],
        import_id=import_id,
        list_id=list_id,
        actor=desk.actor,
        file_name=upload.file_name,
        format=form,
        bytes=incoming.bytes,
        lines=_lines(spool.path(import_id)) if form == "xlsx" else incoming.lines,
        digest=incoming.digest,
    )
    desk.rows(QUERIES["tell"])
    return import_id, position


def _settle(spool: Spool, incoming: Incoming, import_id: str, sheet: str) -> str:
    """Keep the file as CSV; what it was. Raises Invalid."""
    if not is_archive(incoming.path):
        if sheet:
            raise Invalid("sheet: only an XLSX workbook has sheets; leave it out")
        previewing.opened(incoming.path, 1)
        spool.settle(incoming.path, import_id)
        return "csv"
    with spool.incoming() as converted:
        converted.finish()
        to_csv(incoming.path, converted.path, sheet)
        previewing.opened(converted.path, 1)
        spool.settle(converted.path, import_id)
    return "xlsx"


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def require(desk: Desk, import_id: str) -> dict[str, Any]:
    """An import as it is kept. Raises NotFound for one that is not the caller's."""
    found = desk.rows(QUERIES["found"], import_id=import_id)
    if not found:
        raise NotFound("import_id: there is no such import")
    require_visible(desk, found[0]["list_id"], "import")
    return found[0]


def preview(desk: Desk, spool: Spool, import_id: str) -> dict[str, Any]:
    """What its file holds. Raises NotFound, Invalid, and WrongState once the file is gone."""
    found = require(desk, import_id)
    columns = mapping.read(found["mapping"]) if found["mapping"] else None
    return previewing.preview(_file(spool, import_id), columns)


def set_mapping(desk: Desk, spool: Spool, import_id: str, columns: Sequence[Column]) -> None:
    """Say what each column is. Raises NotFound, Invalid, and WrongState once it was started."""
    require(desk, import_id)
    width = len(previewing.opened(_file(spool, import_id), 1).titles)
    mapping.header(columns, width)
    kept = Jsonb([column.as_json() for column in columns])
    if not desk.write(QUERIES["map"], import_id=import_id, mapping=kept):
        raise WrongState("import_id: it was started; upload the file again to map it otherwise")


def start(desk: Desk, imports: Imports, import_id: str) -> None:
    """Let it run in the background. Repeating is safe. Raises NotFound, Invalid, WrongState."""
    found = require(desk, import_id)
    if found["state"] in {"queued", "running"}:
        return
    lists.require(desk, found["list_id"], to_fill=True)
    opened = previewing.opened(_file(imports.spool, import_id), 1)
    kept = found["mapping"]
    columns = mapping.read(kept) if kept else mapping.guess(opened.titles)
    mapping.header(columns, len(opened.titles))
    if not kept:
        as_guessed = Jsonb([column.as_json() for column in columns])
        desk.write(QUERIES["map"], import_id=import_id, mapping=as_guessed)
    _queue(desk, import_id, RUN, STARTABLE)
    imports.wake()


def cancel(desk: Desk, imports: Imports, import_id: str) -> None:
    """Stop it: nothing of it stays. Repeating is safe. Raises NotFound, WrongState when done."""
    found = require(desk, import_id)
    if found["state"] == "cancelled":
        return
    moved = {"import_id": import_id, "state": "cancelled", "reason": "", "states": list(STARTABLE)}
    if desk.write(QUERIES["move"], **moved):
        imports.spool.remove(import_id)
        desk.rows(QUERIES["tell"])
        return
    if not desk.write(QUERIES["cancel"], import_id=import_id):
        raise WrongState("import_id: it is done; roll it back instead")
    imports.wake()


def roll_back(desk: Desk, imports: Imports, import_id: str) -> None:
    """Take it back in the background. Repeating is safe. Raises NotFound, WrongState."""
    found = require(desk, import_id)
    if found["state"] in {"rolling_back", "rolled_back"}:
        return
    _queue(desk, import_id, ROLL_BACK, ("done",))
    imports.wake()


def _queue(desk: Desk, import_id: str, deed: str, states: Sequence[str]) -> None:
    """Move it on and leave the job, both or neither."""
    state = "queued" if deed == RUN else "rolling_back"
    values = {"tenant_id": desk.tenant_id, "import_id": import_id, "deed": deed}
    moved = {"state": state, "reason": "", "states": list(states)}
    with desk.transaction() as conn:
        pending = conn.execute(QUERIES["still_there"], values).fetchone()
        if pending or not conn.execute(QUERIES["move"], values | moved).rowcount:
            cure = "only an import that is done can be rolled back"
            told = "it was started already" if deed == RUN else cure
            raise WrongState(f"import_id: {told}; look at its state")
        conn.execute(QUERIES["queue"], values)


def _file(spool: Spool, import_id: str) -> Path:
    path = spool.path(import_id)
    with suppress(OSError):
        if path.is_file():
            return path
    raise WrongState("import_id: its file is not kept any more; upload it again")
