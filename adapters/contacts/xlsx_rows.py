"""A sheet of an XLSX file as CSV, made in a process of its own, which may take so much and no more.

python -m adapters.contacts.xlsx_rows IN.xlsx OUT.csv [SHEET]
"""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

from adapters.contacts.xlsx_archive import judge
from domain.refusals import Invalid

MEMORY_MAX_BYTES = 2 << 30
CPU_MAX_S = 120
REFUSED = 3  # the exit code of what a person can cure; the text is on stdout
_CURE = "save the sheet as CSV (UTF-8) and upload that"
Cell = int | float | str | bool | time | date | datetime | timedelta


def to_csv(source: Path, target: Path, sheet: str = "") -> None:
    """Write a sheet, the first or the named one, as CSV. Raises Invalid with the cure."""
    judge(source)
    command = [sys.executable, "-m", "adapters.contacts.xlsx_rows", str(source), str(target), sheet]
    root = Path(__file__).parents[2]
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, timeout=CPU_MAX_S * 2, check=False, text=True
        )
    except subprocess.TimeoutExpired as error:
        raise Invalid(f"file: the workbook takes too long to open; {_CURE}") from error
    if done.returncode == REFUSED:
        raise Invalid(done.stdout.strip())
    if done.returncode:
        raise Invalid(f"file: the workbook takes too much to open; {_CURE}")


def text_of(cell: Cell) -> str:
    """A cell as a person would write it: dates as 2026-01-05, numbers without a needless .0."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)  # noqa: PLR2004
    if isinstance(cell, datetime):
        midnight = cell.time() == time()
        return cell.date().isoformat() if midnight else cell.isoformat(" ", "seconds")
    if isinstance(cell, time):
        return cell.isoformat("seconds")
    return str(cell)


def _convert(source: Path, target: Path, name: str) -> None:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(source) as book:
            names = book.sheet_names
            if name and name not in names:
                raise Invalid(f"sheet: there is none of this name; use one of {_named(names)}")
            if not names:
                raise Invalid(f"file: the workbook has no sheet; {_CURE}")
            sheet = book.get_sheet_by_name(name or names[0])
            with target.open("w", encoding="utf-8", newline="") as file:
                written = csv.writer(file, lineterminator="\n")
                for row in sheet.iter_rows():
                    written.writerow(_texts(row))
    except CalamineError as error:
        raise Invalid(f"file: the workbook cannot be read ({str(error)[:100]}); {_CURE}") from error


def _texts(row: Sequence[Cell]) -> list[str]:
    return [text_of(cell).replace("\0", "") for cell in row]


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:10])


def main() -> None:
    """The process of its own."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_MAX_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, target, name = sys.argv[1:4]
    try:
        _convert(Path(source), Path(target), name)
    except Invalid as refused:
        sys.stdout.write(str(refused))
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
