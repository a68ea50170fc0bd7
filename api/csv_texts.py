"""Lists as CSV: written so that no spreadsheet runs a cell, read with a bound and line by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

#: What a spreadsheet may take for the beginning of a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def line(values: Sequence[Any]) -> str:
    """One line of a CSV file. A cell that could be a formula gets an apostrophe before it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([guarded(str(value)) for value in values])
    return text.getvalue()


def guarded(text: str) -> str:
    """The text as a cell that is text to every spreadsheet."""
    return "'" + text if text.startswith(FORMULA) else text


def records(text: str) -> Iterator[tuple[int, list[str]]]:
    """The records of a text with the line each ends on; empty ones are left out.

    Raises csv.Error for a broken one.
    """
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)
    for values in reader:
        if any(values):
            yield reader.line_num, values
