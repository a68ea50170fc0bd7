"""A CSV file into the vault: all or nothing, every rejected row kept with line and reason.

rows = imported + duplicates + rejected. Rows of one address are one contact: later values fill in
and overwrite. Memory does not grow with the file; the database sorts and merges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from adapters.contacts.csv_rows import COLUMNS_MAX, Dialect, Row, detect, rows
from adapters.contacts.lead_rows import BadRow, Header, Lead, read_header, read_lead
from adapters.postgres import named_sql, set_tenant
from domain.ids import new_id
from domain.refusals import Invalid

SQL = named_sql(Path(__file__).with_name("importing.sql"))
REJECT_TEXT_MAX = 500
PROGRESS_EVERY_ROWS = 20_000


@dataclass(frozen=True)
class Import:
    """What a file came to."""

    import_id: str
    rows: int
    imported: int
    duplicates: int
    rejected: int
    fields: tuple[str, ...]  # the merge fields that its leads have


def import_leads(
    conn: Connection[TupleRow],
    path: Path,
    *,
    tenant_id: str,
    list_id: str,
    import_id: str,
    progress: Callable[[int], None] = lambda _: None,
) -> Import:
    """Import the file into the list in one transaction; repeating a done import gives its result.

    Raises Invalid for a file without an address column or without one good row.
    """
    with conn.transaction():
        set_tenant(conn, tenant_id)
        if done := _done(conn, import_id):
            return done
        dialect = detect(path)
        header, records = _opened(path, dialect)
        conn.execute(SQL["make_stage"])
        conn.execute(
            SQL["begin_import"],
            (tenant_id, import_id, list_id, dialect.encoding, dialect.delimiter, datetime.now(UTC)),
        )
        counted = _stage(conn.cursor(), records, header, progress)
        return _merge(conn, path, header, counted, (tenant_id, list_id, import_id))


def _done(conn: Connection[TupleRow], import_id: str) -> Import | None:
    found = conn.execute(SQL["done_import"], (import_id,)).fetchone()
    if found is None:
        return None
    counted, imported, duplicates, rejected, fields = found
    return Import(import_id, counted, imported, duplicates, rejected, tuple(fields))


def usable_fields(path: Path) -> tuple[str, ...]:
    """The merge fields of a file's leads, before anything is kept: reads to the first usable row.

    Raises Invalid as `import_leads` would.
    """
    header, records = _opened(path, detect(path))
    counted = 0
    for row in records:
        counted += 1
        try:
            _lead(row, header)
        except BadRow:
            continue
        return _fields(header)
    raise _nothing_usable(path, counted)


def _opened(path: Path, dialect: Dialect) -> tuple[Header, Iterator[Row]]:
    records = rows(path, dialect)
    header = read_header(next(records, Row(1, [], "")).values)
    _check_columns(header)
    return header, records


def _lead(row: Row, header: Header) -> Lead:
    if row.problem:
        raise BadRow(row.problem)
    return read_lead(header, row.values)


def _fields(header: Header) -> tuple[str, ...]:
    address = header.names[header.address_at]
    return tuple(name for name in header.names if name and name != address)


def _nothing_usable(path: Path, counted: int) -> Invalid:
    cure = "each needs an address, and as many columns as the header"
    return Invalid(f"{path.name} has no usable row among {counted} below its header: {cure}")


def _check_columns(header: Header) -> None:
    names = [name for name in header.names if name]
    if len(names) > COLUMNS_MAX:
        raise Invalid(f"{len(names)} columns are too many: at most {COLUMNS_MAX}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Invalid(f"two columns are called {', '.join(twice)}: rename one of each")


def _stage(
    cursor: Cursor[TupleRow],
    records: Iterator[Row],
    header: Header,
    progress: Callable[[int], None],
) -> int:
    """Write every record into the stage, good and bad; returns how many there were."""
    counted = 0
    with cursor.copy(SQL["copy_stage"]) as copy:
        for counted, row in enumerate(records, 1):
            try:
                copy.write_row(_good(row, _lead(row, header)))
            except BadRow as bad:
                copy.write_row((row.line, None, None, None, None, None, str(bad), _shown(row.text)))
            if not counted % PROGRESS_EVERY_ROWS:
                progress(counted)
    return counted


def _good(row: Row, lead: Lead) -> tuple[object, ...]:
    fields = orjson.dumps(lead.fields).decode()
    return (row.line, new_id("lea"), lead.address, lead.key, lead.domain, fields, None, None)


def _shown(text: str) -> str:
    return text.replace("\0", "\\0")[:REJECT_TEXT_MAX]


def _merge(
    conn: Connection[TupleRow], path: Path, header: Header, counted: int, ids: tuple[str, str, str]
) -> Import:
    tenant_id, list_id, import_id = ids
    rejected = conn.execute(SQL["keep_rejects"], (tenant_id, import_id)).rowcount
    if rejected == counted:
        raise _nothing_usable(path, counted)
    conn.execute(SQL["index_stage"])
    conn.execute(SQL["merge_contacts"], (tenant_id,))
    imported = conn.execute(SQL["join_list"], (tenant_id, list_id, import_id, tenant_id)).rowcount
    fields = _fields(header)
    duplicates = counted - rejected - imported
    conn.execute(
        SQL["end_import"],
        (counted, imported, duplicates, rejected, list(fields), datetime.now(UTC), import_id),
    )
    conn.execute(SQL["drop_stage"])
    return Import(import_id, counted, imported, duplicates, rejected, tuple(fields))
