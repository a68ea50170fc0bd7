"""The archive's file: a ZIP of NDJSON members and a manifest with counts and SHA-256 of each."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

import orjson

FORMAT = "penguinmails-tenant-archive"
VERSION = 1
MANIFEST = "manifest.json"
MANIFEST_BYTES_MAX = 64 * 1024 * 1024
LINE_BYTES_MAX = 16 * 1024 * 1024
TOLD_EVERY = 2000  # rows

Tell = Callable[[str, int], None]  # the member that is written, rows of all members so far


class Damaged(Exception):  # noqa: N818 - a finding
    """The file is no archive that can be read here, or not all of it; says which part."""


@dataclass
class Lines:
    """A member being written: one JSON object a line."""

    _file: IO[bytes]
    tell: Callable[[int], None]
    rows: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, row: dict[str, Any]) -> None:
        self.add_json(orjson.dumps(row))

    def add_json(self, row: bytes) -> None:
        """A row that is JSON already."""
        line = row + b"\n"
        self._file.write(line)
        self._hash.update(line)
        self.rows += 1
        if self.rows % TOLD_EVERY == 0:
            self.tell(self.rows)

    def described(self) -> dict[str, Any]:
        return {"rows": self.rows, "sha256": self._hash.hexdigest()}


class Writer:
    """Writes an archive; it has its name only once it is whole."""

    def __init__(self, path: Path, tell: Tell = lambda _, __: None) -> None:
        """`tell` hears of members as they are begun, and of rows; what it raises ends all."""
        self._path = path
        self._tell = tell
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self.members: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        self._partial.touch(mode=0o600)  # people's addresses are in it
        self._zip = zipfile.ZipFile(self._partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        return self

    @contextmanager
    def member(self, name: str) -> Iterator[Lines]:
        """One member, written as a whole before the next."""
        before = sum(member["rows"] for member in self.members.values())
        self._tell(name, before)
        with self._zip.open(name, "w", force_zip64=True) as file:
            lines = Lines(file, lambda rows: self._tell(name, before + rows))
            yield lines
        self.members[name] = lines.described()

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write the manifest last: without it there is no archive."""
        whole = {"format": FORMAT, "version": VERSION} | manifest | {"members": self.members}
        self._zip.writestr(MANIFEST, json.dumps(whole, indent=1, default=str))
        self._zip.close()
        with self._partial.open("rb") as file:
            os.fsync(file.fileno())
        self._partial.replace(self._path)

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._partial.unlink(missing_ok=True)


class Archive:
    """An archive to read. Making it reads the manifest alone; `verify` reads all of it."""

    def __init__(self, path: Path) -> None:
        """Raises Damaged for a file that is none, FileNotFoundError."""
        try:
            self._zip = zipfile.ZipFile(path)
            if self._zip.getinfo(MANIFEST).file_size > MANIFEST_BYTES_MAX:
                raise Damaged(f"{path.name}: its manifest is too big to be one")
            self.manifest: dict[str, Any] = json.loads(self._zip.read(MANIFEST))
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise Damaged(f"{path.name} is no tenant archive: {error}") from error
        if self.manifest.get("format") != FORMAT:
            raise Damaged(f"{path.name} is no tenant archive")
        if self.manifest.get("version") != VERSION:
            raise Damaged(
                f"{path.name} has version {self.manifest.get('version')}, this knows {VERSION}"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def verify(self) -> None:
        """Raises Damaged unless every member is there with the rows and SHA-256 of the manifest."""
        for name, declared in self.manifest["members"].items():
            digest, rows = hashlib.sha256(), 0
            for line in self._lines(name):
                digest.update(line)
                rows += 1
            if {"rows": rows, "sha256": digest.hexdigest()} != declared:
                raise Damaged(f"{name} of the archive was changed or cut off: export it again")

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """The rows of a member; none of one that the archive does not have."""
        if name in self.manifest["members"]:
            for line in self._lines(name):
                yield orjson.loads(line)

    def _lines(self, name: str) -> Iterator[bytes]:
        try:
            with self._zip.open(name) as file:
                while line := file.readline(LINE_BYTES_MAX):
                    yield line
        except (KeyError, zipfile.BadZipFile, EOFError, OSError) as error:
            raise Damaged(f"{name} of the archive cannot be read: {error}") from error
