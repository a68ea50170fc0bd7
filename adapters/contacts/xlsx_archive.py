"""Whether an XLSX file may be opened at all: judged as an archive, bit by bit and bounded.

What a reader of spreadsheets would believe is checked: the sizes that the archive declares, and the
addresses of cells, since a sheet takes the room of its farthest cell.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from adapters.contacts.csv_rows import COLUMNS_MAX
from domain.refusals import Invalid

ENTRIES_MAX = 1000
BYTES_MAX = 256 * 1024 * 1024  # of all entries, decompressed
RATIO_MAX = 100
RATIO_FROM_BYTES = 1024 * 1024  # smaller entries may be as dense as they like
ROWS_MAX = 1_048_576  # of a sheet, by Excel's own limits
CELLS_MAX = 12_000_000  # of the room that a sheet takes
CHUNK = 256 * 1024
OVERLAP = 1024  # an address is not longer, blanks included
_HEADER = struct.Struct("<4s22xHH")
_STORED_RAW, _DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
_ADDRESS = re.compile(rb"\br\s{0,99}=\s{0,99}[\"']([A-Za-z]{0,9})(\d{1,19})[\"']")
_CURE = "save the sheet as CSV (UTF-8) and upload that"


@dataclass
class _Room:
    """The farthest row and column that an entry names."""

    rows: int = 0
    columns: int = 0

    def take(self, found: re.Match[bytes]) -> None:
        column = 0
        for letter in found[1].upper():
            column = column * 26 + letter - 64
        self.columns = max(self.columns, column)
        self.rows = max(self.rows, int(found[2]))


def is_archive(path: Path) -> bool:
    """Whether the file begins as XLSX does."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def judge(path: Path) -> None:
    """Raises Invalid, with the cure, for what is no XLSX or would take too much to open."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
        _judge_directory(entries)
        with path.open("rb") as file:
            for entry in entries:
                _judge_entry(file, entry)
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, ValueError) as error:
        raise Invalid(f"file: the XLSX archive is broken; {_CURE}") from error
    except (NotImplementedError, RuntimeError, OverflowError) as error:
        raise Invalid(f"file: the archive is of a kind that no XLSX is; {_CURE}") from error


def _judge_directory(entries: list[zipfile.ZipInfo]) -> None:
    names = {entry.filename for entry in entries}
    if len(entries) > ENTRIES_MAX:
        raise Invalid(
            f"file: {len(entries)} entries in the archive, at most {ENTRIES_MAX}; {_CURE}"
        )
    if "xl/workbook.xml" not in names:
        raise Invalid(f"file: the archive holds no workbook, so it is no XLSX; {_CURE}")
    if any(name.lower().startswith("xl/externallinks/") for name in names):
        raise Invalid(f"file: the workbook links to other files; {_CURE}")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Invalid("file: the workbook is encrypted; save it without a password")
    if (size := sum(entry.file_size for entry in entries)) > BYTES_MAX:
        raise Invalid(
            f"file: {size >> 20} MiB when decompressed, at most {BYTES_MAX >> 20} MiB; {_CURE}"
        )


def _judge_entry(file: BinaryIO, entry: zipfile.ZipInfo) -> None:
    large = entry.file_size > RATIO_FROM_BYTES
    if large and entry.file_size > RATIO_MAX * max(1, entry.compress_size):
        raise Invalid(f"file: an entry is compressed more than {RATIO_MAX} times; {_CURE}")
    is_sheet = entry.filename.lower().endswith(".xml")
    room, size, tail = _Room(), 0, b""
    for chunk in _decompressed(file, entry):
        size += len(chunk)
        if size > entry.file_size:
            raise Invalid(f"file: the archive declares less than it holds; {_CURE}")
        if is_sheet:
            tail = _measure(tail + chunk, room)
    _judge_room(room)


def _measure(text: bytes, room: _Room) -> bytes:
    if b"\0" in text:
        raise Invalid(f"file: a sheet is not written in UTF-8; {_CURE}")
    for found in _ADDRESS.finditer(text):
        room.take(found)
    _judge_room(room)
    return text[-OVERLAP:]


def _judge_room(room: _Room) -> None:
    if room.rows > ROWS_MAX or room.columns > COLUMNS_MAX:
        raise Invalid(
            f"file: a cell in row {room.rows}, column {room.columns}; at most {ROWS_MAX} rows"
            f" and {COLUMNS_MAX} columns: delete the empty ones, or {_CURE}"
        )
    if room.rows * max(1, room.columns) > CELLS_MAX:
        raise Invalid(f"file: the sheet has room for more than {CELLS_MAX} cells; {_CURE}")


def _decompressed(file: BinaryIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """What an entry really holds, chunk by bounded chunk."""
    file.seek(entry.header_offset)
    magic, name_length, extra_length = _HEADER.unpack(file.read(_HEADER.size))
    if magic != b"PK\x03\x04" or entry.compress_type not in {_STORED_RAW, _DEFLATED}:
        raise Invalid(f"file: the archive is of a kind that no XLSX is; {_CURE}")
    file.seek(name_length + extra_length, 1)
    left, unpack = entry.compress_size, zlib.decompressobj(-zlib.MAX_WBITS)
    while left > 0 and (raw := file.read(min(left, CHUNK))):
        left -= len(raw)
        if entry.compress_type == _STORED_RAW:
            yield raw
            continue
        while raw and not unpack.eof:
            yield unpack.decompress(raw, CHUNK)
            raw = unpack.unconsumed_tail
