"""Uploaded files until they are imported: in a folder of the data directory, ours alone."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO, Self
from uuid import uuid4

from domain.refusals import Invalid

BYTES_MAX = 100 * 1024 * 1024
_PART = ".part"


class Incoming:
    """A file that is coming in, counted byte by byte whatever its sender declared.

    Leaving it without `settle` forgets it.
    """

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self.path = folder / f"{uuid4().hex}{_PART}"
        self.bytes = 0
        self.lines = 0
        self._bytes_max = bytes_max
        self._hash = hashlib.sha256()
        opened = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file: BinaryIO = os.fdopen(opened, "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Take in what came. Raises Invalid for more than may come."""
        self.bytes += len(chunk)
        if self.bytes > self._bytes_max:
            raise Invalid(f"file: larger than {self._bytes_max >> 20} MiB; split it into several")
        self.lines += chunk.count(b"\n")
        self._hash.update(chunk)
        self._file.write(chunk)

    def finish(self) -> None:
        """All of it came; it can be read from `path`."""
        self._file.close()


class Spool:
    """Files by the import that they belong to; what is kept is always CSV."""

    def __init__(self, folder: Path, bytes_max: int = BYTES_MAX) -> None:
        self._folder = folder
        self._bytes_max = bytes_max

    def incoming(self) -> Incoming:
        """A place for a file that is about to come in."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Incoming(self._folder, self._bytes_max)

    def path(self, import_id: str) -> Path:
        """Where the file of an import is, or would be."""
        return self._folder / f"{import_id}.csv"

    def settle(self, incoming: Path, import_id: str) -> None:
        """Keep a file as the import's; it stands there whole or not at all."""
        with incoming.open("rb") as file:
            os.fsync(file.fileno())
        incoming.replace(self.path(import_id))

    def remove(self, import_id: str) -> None:
        """Forget the file of an import."""
        self.path(import_id).unlink(missing_ok=True)
