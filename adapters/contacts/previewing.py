"""A first look at a file: how it is written, what its columns are, which rows would be rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from adapters.contacts import mapping
from adapters.contacts.csv_rows import COLUMNS_MAX, Row, detect, rows
from adapters.contacts.lead_rows import BadRow, Header, read_lead
from adapters.contacts.mapping import Column
from domain.refusals import Invalid

ROWS_SHOWN, REJECTS_SHOWN, ROWS_LOOKED_AT = 20, 20, 1000
TEXT_SHOWN = 200


@dataclass(frozen=True)
class Opened:
    """How a file is written, its titles, and its first rows."""

    encoding: str
    delimiter: str
    titles: list[str]
    rows: list[Row]


def opened(path: Path, at_most: int = ROWS_LOOKED_AT) -> Opened:
    """The beginning of a file. Raises Invalid for what is no table."""
    try:
        dialect = detect(path)
    except Invalid as wrong:
        raise Invalid(f"file: {str(wrong).removeprefix(path.name).strip()}") from wrong
    records = rows(path, dialect)
    first = next(records, Row(1, [], "", "there is no header line"))
    if first.problem:
        raise Invalid(f"file: its header line cannot be read ({first.problem}); correct it")
    if len(first.values) > COLUMNS_MAX:
        raise Invalid(f"file: {len(first.values)} columns, at most {COLUMNS_MAX}; leave some out")
    looked_at = list(islice(records, at_most))
    return Opened(dialect.encoding, dialect.delimiter, first.values, looked_at)


def preview(path: Path, mapped: Sequence[Column] | None) -> dict[str, Any]:
    """What the file holds, read as it was mapped, or as is guessed. Raises Invalid."""
    found = opened(path)
    columns = list(mapped) if mapped is not None else mapping.guess(found.titles)
    header, problem = _header(columns, len(found.titles))
    rejects = [bad for row in found.rows if header and (bad := _reject(row, header))]
    shown = (row for row in found.rows if not row.problem)
    return {
        "encoding": found.encoding,
        "delimiter": found.delimiter,
        "columns": [
            {"index": at, "title": _cut(title), "to": column.to, "name": column.name}
            for at, (title, column) in enumerate(zip(found.titles, columns, strict=False))
        ],
        "rows": [
            {"line": row.line, "values": [_cut(value) for value in row.values]}
            for row in islice(shown, ROWS_SHOWN)
        ],
        "rejects": rejects[:REJECTS_SHOWN],
        "rows_looked_at": len(found.rows),
        "ready": header is not None,
        "problem": problem,
    }


def _header(columns: Sequence[Column], width: int) -> tuple[Header | None, str | None]:
    try:
        return mapping.header(columns, width), None
    except Invalid as wrong:
        return None, str(wrong)


def _reject(row: Row, header: Header) -> dict[str, Any] | None:
    try:
        if row.problem:
            raise BadRow(row.problem)
        read_lead(header, row.values)
    except BadRow as bad:
        return {"line": row.line, "reason": str(bad), "row": _cut(row.text)}
    return None


def _cut(text: str) -> str:
    return text.replace("\0", "\\0")[:TEXT_SHOWN]
