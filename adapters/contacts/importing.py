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
TAG_MARK = "\x1f"  # between tags in the stage; no tag holds it


@dataclass(frozen=True)
class Import:
    """What a file came to."""

    import_id: str
    rows: int
    imported: int
    duplicates: int
    rejected: int
    fields: tuple[str, ...]  # the merge fields that its leads have


@dataclass(frozen=True)
class Wishes:
    """What may be asked of an import beyond its file.

    `merging` is called once every row is read. `hash_key` hashes the addresses of those whom a
    status column suppresses.
    """

    header: Header | None = None  # what the columns are; None: by their titles
    hash_key: bytes = b""
    merging: Callable[[], None] = lambda: None


def import_leads(
    conn: Connection[TupleRow],
    path: Path,
    *,
    tenant_id: str,
    list_id: str,
    import_id: str,
    progress: Callable[[int], None] = lambda _: None,
    wishes: Wishes = Wishes(),
) -> Import:
    """Import the file into the list in one transaction; repeating a done import gives its result.

    Raises Invalid for a file without an address column or without one good row, and what
    `progress` and `wishes.merging` raise: then nothing is kept.
    """
    with conn.transaction():
        set_tenant(conn, tenant_id)
        if done := _done(conn, import_id):
            return done
        dialect = detect(path)
        header, records = _opened(path, dialect, wishes.header)
        conn.execute(SQL["make_stage"])
        conn.execute(
            SQL["begin_import"],
            (tenant_id, import_id, list_id, dialect.encoding, dialect.delimiter, datetime.now(UTC)),
        )
        counted = _stage(conn.cursor(), records, header, progress)
        wishes.merging()
        ids = {"tenant_id": tenant_id, "list_id": list_id, "import_id": import_id}
        return _Merge(conn, header, ids, wishes.hash_key).done(path, counted)


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
    counted, first = 0, ""
    for row in records:
        counted += 1
        try:
            _lead(row, header)
        except BadRow as bad:
            first = first or f"line {row.line}: {bad}"
            continue
        return _fields(header)
    raise _nothing_usable(path, counted, first)


def _opened(
    path: Path, dialect: Dialect, mapped: Header | None = None
) -> tuple[Header, Iterator[Row]]:
    records = rows(path, dialect)
    titles = next(records, Row(1, [], "")).values
    if mapped and len(mapped.names) != len(titles):
        raise Invalid(f"columns: {len(mapped.names)} are mapped, the file has {len(titles)}")
    header = mapped or read_header(titles)
    _check_columns(header)
    return header, records


def _lead(row: Row, header: Header) -> Lead:
    if row.problem:
        raise BadRow(row.problem)
    return read_lead(header, row.values)


def _fields(header: Header) -> tuple[str, ...]:
    address = header.names[header.address_at]
    return tuple(name for name in header.names if name and name != address)


def _nothing_usable(path: Path, counted: int, first: str) -> Invalid:
    """`first` says what the first row lacks."""
    if not counted:
        return Invalid(f"{path.name} has no row below its header: add the leads")
    cure = f"each needs an address, and as many columns as the header ({first})"
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
                shown = (str(bad), _shown(row.text), None, None)
                copy.write_row((row.line, None, None, None, None, None, *shown))
            if not counted % PROGRESS_EVERY_ROWS:
                progress(counted)
    return counted


def _good(row: Row, lead: Lead) -> tuple[object, ...]:
    fields = orjson.dumps(lead.fields).decode()
    contact = (row.line, new_id("lea"), lead.address, lead.key, lead.domain, fields, None, None)
    return (*contact, TAG_MARK.join(lead.tags) or None, lead.status or None)


def _shown(text: str) -> str:
    return text.replace("\0", "\\0")[:REJECT_TEXT_MAX]


class _Merge:
    """Takes what is staged into the vault."""

    def __init__(
        self, conn: Connection[TupleRow], header: Header, ids: dict[str, str], hash_key: bytes
    ) -> None:
        self._conn = conn
        self._header = header
        self._ids = ids
        self._values = ids | {"hash_key": hash_key}

    def done(self, path: Path, counted: int) -> Import:
        """All of it. Raises Invalid when no row was good."""
        conn, import_id = self._conn, self._ids["import_id"]
        rejected = conn.execute(SQL["keep_rejects"], (self._ids["tenant_id"], import_id)).rowcount
        if rejected == counted:
            row = conn.execute(SQL["first_reject"], self._ids).fetchone()
            raise _nothing_usable(path, counted, f"line {row[0]}: {row[1]}" if row else "")
        imported, suppressed = self._contacts(), self._statuses()
        fields = _fields(self._header)
        duplicates = counted - rejected - imported
        counts = (counted, imported, duplicates, rejected, list(fields), suppressed)
        conn.execute(SQL["end_import"], (*counts, datetime.now(UTC), import_id))
        conn.execute(SQL["drop_stage"])
        return Import(import_id, counted, imported, duplicates, rejected, tuple(fields))

    def _contacts(self) -> int:
        """Into vault and list; how many are new there."""
        conn = self._conn
        tenant_id, list_id, import_id = self._ids.values()
        conn.execute(SQL["index_stage"])
        conn.execute(SQL["merge_contacts"], (tenant_id, import_id))
        joined = conn.execute(SQL["join_list"], (tenant_id, list_id, import_id, tenant_id))
        conn.execute(SQL["keep_overlap"], self._values)
        if self._header.tags_at:
            conn.execute(SQL["keep_tags"], self._values)
        return joined.rowcount

    def _statuses(self) -> int:
        """Suppress whom a status column names; how many."""
        if self._header.status_at < 0:
            return 0
        wanted = self._conn.execute(SQL["keep_statuses"], self._values).rowcount
        self._conn.execute(SQL["suppress_at_once"], self._values)
        return wanted
