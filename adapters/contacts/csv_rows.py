"""A file of leads as records: any usual encoding and delimiter, one record at a time.

A broken record never takes its neighbours along: a quote that is not closed within a few lines
costs the line it stands on, a line that is not in the file's encoding costs itself.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from charset_normalizer import from_bytes

from domain.refusals import Invalid

SAMPLE_BYTES = 256 * 1024
LINE_BYTES_MAX = 64 * 1024
RECORD_LINES_MAX = 50
#: Statistics tell nothing of fewer: then what is not UTF-8 is what Excel saves in the West.
GUESSED_FROM_BYTES = 512
COLUMNS_MAX = 200
#: Up to this share of undecodable lines a file is UTF-8 with broken lines, not another encoding.
BROKEN_SHARE_MAX = 0.05
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DELIMITERS = (",", ";", "\t", "|")
#: What Excel writes and reads above the header to name the delimiter.
HINT = re.compile(r'\ufeff?"?sep=([,;|\t])"?')


@dataclass(frozen=True)
class Dialect:
    """How the file is written."""

    encoding: str
    delimiter: str


@dataclass(frozen=True)
class Row:
    """One record. `problem` says why it cannot be read; then `values` is empty."""

    line: int  # where it begins, from 1
    values: list[str]
    text: str
    problem: str = ""


def detect(path: Path) -> Dialect:
    """Encoding by BOM, then UTF-8, then statistics; delimiter by the header line.

    Raises Invalid when the file is empty or no text.
    """
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
    if not sample.strip():
        raise Invalid(f"{path.name} is empty: a header line with an e-mail column is needed")
    encoding = _encoding(path, sample)
    lines = sample.decode(encoding, errors="replace").lstrip("\ufeff").splitlines()
    if not lines:
        raise Invalid(f"{path.name} is empty: a header line with an e-mail column is needed")
    if b"\r" in sample and len(lines) > 1 and not encoding.startswith("utf-16"):
        _refuse_bare_cr(path, sample)
    if hint := HINT.fullmatch(lines[0]):
        return Dialect(encoding, hint[1])
    first_line = lines[0]
    counts = {mark: first_line.count(mark) for mark in DELIMITERS}
    return Dialect(encoding, max(DELIMITERS, key=lambda mark: counts[mark]))


def _refuse_bare_cr(path: Path, sample: bytes) -> None:
    """Lines that end in CR alone, as on a Mac of long ago, would be read as a single one."""
    if b"\n" not in sample:
        raise Invalid(f"{path.name} has lines that end in CR alone: save it as CSV (UTF-8)")


def _encoding(path: Path, sample: bytes) -> str:
    for mark, name in BOMS:
        if sample.startswith(mark):
            return name
    lines = sample.splitlines()
    if len(sample) == SAMPLE_BYTES:
        lines = lines[:-1] or lines  # it may have been cut in the middle of a letter
    with_nul = sum(b"\0" in line for line in lines)
    if b"\0" in lines[0] or with_nul > max(1, BROKEN_SHARE_MAX * len(lines)):
        raise Invalid(f"{path.name} is no text file: save it as CSV (UTF-8)")
    foreign = [line for line in lines if not line.isascii()]
    broken = sum(not _is_utf8(line) for line in foreign)
    if broken <= max(BROKEN_SHARE_MAX * len(lines), len(foreign) - broken):
        return "utf-8"
    if len(sample) < GUESSED_FROM_BYTES:
        return "cp1252"
    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def rows(path: Path, dialect: Dialect) -> Iterator[Row]:
    """Every record, the header included, in the order of the file. Memory does not grow with it."""
    with path.open("rb") as file:
        lines = _numbered(file, dialect.encoding)
        yield from _records(_below_hint(lines), dialect.delimiter)


Line = tuple[int, str, str]  # number, text, problem


def _below_hint(lines: Iterator[Line]) -> Iterator[Line]:
    return (line for line in lines if line[0] > 1 or not HINT.fullmatch(line[1]))


def _numbered(file: BinaryIO, encoding: str) -> Iterator[Line]:
    if encoding.startswith("utf-16"):
        yield from _wide_lines(file, encoding)
        return
    for number, raw in enumerate(_bounded_lines(file), 1):
        yield _decoded(number, raw, encoding)


def _decoded(number: int, raw: bytes, encoding: str) -> Line:
    if len(raw) > LINE_BYTES_MAX:
        return number, raw[:200].decode(encoding, errors="replace"), "line longer than 64 KiB"
    try:
        text = raw.decode(encoding if number == 1 else encoding.removesuffix("-sig"))
    except UnicodeDecodeError:
        return (
            number,
            raw.decode(encoding, errors="replace").rstrip("\r\n"),
            f"not valid {encoding}",
        )
    return number, text.rstrip("\r\n"), ""


def _bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines; of a longer one than allowed only the beginning, one byte too long."""
    while raw := file.readline(LINE_BYTES_MAX + 1):
        rest = raw
        while len(rest) > LINE_BYTES_MAX and not rest.endswith(b"\n"):
            rest = file.readline(LINE_BYTES_MAX + 1)
        yield raw


def _wide_lines(file: BinaryIO, encoding: str) -> Iterator[Line]:
    reader = codecs.getreader(encoding)(file, "replace")
    for number, text in enumerate(reader, 1):
        bare = text.lstrip("\ufeff").rstrip("\r\n")
        yield number, bare, f"not valid {encoding}" if "\ufffd" in bare else ""


def _records(lines: Iterator[Line], delimiter: str) -> Iterator[Row]:
    again: deque[Line] = deque()  # lines handed back after an unclosed quote
    width = 0  # columns of the first record
    while (line := again.popleft() if again else next(lines, None)) is not None:
        number, text, problem = line
        if problem:
            yield Row(number, [], text, problem)
        elif text.strip():
            plain = '"' not in text
            row = (
                Row(number, text.split(delimiter), text)
                if plain
                else _quoted(line, lines, again, delimiter, width)
            )
            width = width or len(row.values)
            yield row


def _quoted(
    start: Line, lines: Iterator[Line], again: deque[Line], delimiter: str, width: int
) -> Row:
    """A record with quotes, which may span lines; of `width` columns, if that is known."""
    number, text, _ = start
    taken: list[Line] = []
    while text.count('"') % 2 and len(taken) < RECORD_LINES_MAX and len(text) < LINE_BYTES_MAX:
        more = again.popleft() if again else next(lines, None)
        if more is None:
            break
        taken.append(more)
        text += "\n" + more[1]
    if text.count('"') % 2:
        again.extendleft(reversed(taken))
        return Row(number, [], start[1], "a quote is not closed")
    try:
        values = next(csv.reader([text], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration) as error:
        again.extendleft(reversed(taken))
        return Row(number, [], start[1], f"broken quoting: {error}")
    if taken and width and len(values) != width:  # it was closed by somebody else's quote
        again.extendleft(reversed(taken))
        return Row(number, [], start[1], "a quote is not closed")
    return Row(number, values, text)
