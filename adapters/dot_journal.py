"""Notes on local disk which final dots this process wrote, and which replies it saw.

One file per process life, made anew and locked (flock) for as long as the process lives. A record
is one `write` without fsync: it survives kill -9 of the process, not a crash of the machine, and
the boot id in the name says which of the two it was. Who gets the lock knows the owner is dead.

    PMDJ1 host/boot/file          the first line
    S 3 rel_…                     slice 3 of this file is that release
    D 3 417                       the final dot of its index 417 is about to be written
    R 3 417 250                   the reply to it
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

from domain.ids import new_id

MAGIC = b"PMDJ1 "
FOLDER = "journal"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TRUNCATE_BYTES = 1 << 20  # what an idle journal may weigh before it is emptied
_FILE_ID = re.compile(r"[a-z0-9_]{1,64}")


class Owner(StrEnum):
    ALIVE = "alive"  # its lock is held: it may still write dots
    DEAD = "dead"
    UNKNOWN = "unknown"  # missing, empty, unreadable, or of another host or boot


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a journal says about one release. Only a dead owner's `dotted` and `replied` are told.

    Index not in `dotted`: its final dot was never written. In `dotted` and not in `replied`: nobody
    knows. `replied`: index → reply code.
    """

    owner: Owner
    dotted: frozenset[int] = frozenset()
    replied: dict[int, int] = field(default_factory=dict)


def this_host() -> str:
    """Host and boot id, as journal names carry them: `host/boot`."""
    return f"{socket.gethostname().replace('/', '_')}/{BOOT_ID.read_text().strip()}"


class DotJournal:
    """`domain.ports.DotJournal` over one file. Belongs to one process; not for threads.

    The lock ends with this process: the file is closed in forked children, and programs started
    from here do not inherit it. As a context manager it closes at the end.
    """

    def __init__(self, data_dir: Path) -> None:
        """Make and lock a new file. Raises OSError where that cannot be done."""
        folder = data_dir / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        file_id = new_id("evt").removeprefix("evt_")
        self.name = f"{this_host()}/{file_id}"
        self.path = folder / file_id
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self.path, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _close_in_children(self)
        self._head = MAGIC + self.name.encode() + b"\n"
        self._numbers: dict[str, int] = {}
        self._slices = 0
        self._size = 0
        self._broken = False
        self._write(self._head)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, release_id: str) -> None:
        """Note that dots of this release may follow: until it is concluded the file is needed.

        Repeating is safe. OSError: write no dot.
        """
        if release_id not in self._numbers:
            self._begin(release_id)

    def dotted(self, release_id: str, index: int) -> None:
        """Note that the final dot of this attempt is about to be written. OSError: write no dot."""
        number = self._numbers.get(release_id) or self._begin(release_id)
        self._write(b"D %d %d\n" % (number, index))

    def replied(self, release_id: str, index: int, code: int) -> None:
        """Note the reply to a dot of a release not yet concluded. OSError: it could not be kept."""
        number = self._numbers.get(release_id)
        if number is not None:
            self._write(b"R %d %d %d\n" % (number, index, code))

    def concluded(self, release_id: str) -> None:
        """All outcomes of this release are in the log: its notes are no longer needed.

        Repeating is safe. No dot of the release may follow.
        """
        self._numbers.pop(release_id, None)
        if not self._numbers and self._size > TRUNCATE_BYTES and not self._broken:
            os.ftruncate(self._file, len(self._head))
            self._size = len(self._head)

    def close(self) -> None:
        """Let go of the lock; the file goes too when every slice in it is concluded."""
        if self._file < 0:
            return
        if not self._numbers:
            self.path.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Close the file without a look at its slices."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _begin(self, release_id: str) -> int:
        self._slices += 1
        self._write(b"S %d %s\n" % (self._slices, release_id.encode()))
        self._numbers[release_id] = self._slices
        return self._slices

    def _write(self, record: bytes) -> None:
        """Append one whole record, or never write again: half a record must stay the last."""
        if self._broken:
            raise OSError(f"the dot journal {self.name} failed before")
        try:
            written = os.write(self._file, record)
        except OSError:
            self._broken = True
            raise
        if written != len(record):
            self._broken = True
            raise OSError(f"only {written} of {len(record)} bytes went into the dot journal")
        self._size += written


def _close_in_children(journal: DotJournal) -> None:
    """A forked child must not keep the lock alive after its parent died."""
    reference = weakref.ref(journal)

    def close() -> None:
        found = reference()
        if found is not None:
            found.forget()

    os.register_at_fork(after_in_child=close)


def inspect(data_dir: Path, name: str, release_id: str) -> Verdict:
    """What the journal `name` says about a release. Creates nothing, changes nothing."""
    file = _open_existing(data_dir, name)
    if file is None:
        return Verdict(Owner.UNKNOWN)
    with os.fdopen(file, "rb") as stream:
        if not _lock(file):
            return Verdict(Owner.ALIVE)
        return _read(stream.read(), name, release_id)


def forsaken(data_dir: Path) -> list[str]:
    """The names of the journals here whose owner is dead, of this boot or an earlier one.

    A file without a first line may belong to an owner that is about to lock it: it is left out.
    """
    folder = data_dir / FOLDER
    if not folder.is_dir():
        return []
    names = [f"{this_host()}/{path.name}" for path in folder.iterdir() if _has_head(path)]
    return [name for name in names if _is_dead(data_dir, name)]


def _has_head(path: Path) -> bool:
    with suppress(FileNotFoundError):  # its owner may be closing it
        return path.stat().st_size > 0
    return False


def _is_dead(data_dir: Path, name: str) -> bool:
    file = _open_existing(data_dir, name)
    if file is None:
        return False
    try:
        return _lock(file)
    finally:
        os.close(file)


def discard(data_dir: Path, name: str) -> bool:
    """Remove the journal of a dead owner. False, and nothing done, while the owner lives."""
    file = _open_existing(data_dir, name)
    if file is None:
        return True
    try:
        if not _lock(file):
            return False
        (data_dir / FOLDER / name.rpartition("/")[2]).unlink(missing_ok=True)
        return True
    finally:
        os.close(file)


def _open_existing(data_dir: Path, name: str) -> int | None:
    here, _, file_id = name.rpartition("/")
    if here != this_host() or not _FILE_ID.fullmatch(file_id):
        return None
    with suppress(OSError):
        return os.open(data_dir / FOLDER / file_id, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    return None


def _lock(file: int) -> bool:
    """Whether the owner is gone. Shared, so that two who look do not take each other for it."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(content: bytes, name: str, release_id: str) -> Verdict:
    """Fold a dead owner's records. A last record without its line end was never finished."""
    head, *records = content.split(b"\n")[:-1] or [b""]
    if head != MAGIC + name.encode():
        return Verdict(Owner.UNKNOWN)
    numbers: set[bytes] = set()
    dotted: set[int] = set()
    replied: dict[int, int] = {}
    try:
        for record in records:
            kind, which, *rest = record.split(b" ")
            if kind == b"S":
                numbers.update({which} if rest == [release_id.encode()] else ())
            elif kind == b"D":
                _note(dotted, which in numbers, rest)
            elif kind == b"R":
                index, code = map(int, rest)
                replied.update({index: code} if which in numbers else {})
            else:
                return Verdict(Owner.UNKNOWN)
    except ValueError:  # a damaged record: nothing it says or leaves out can be relied on
        return Verdict(Owner.UNKNOWN)
    return Verdict(Owner.DEAD, frozenset(dotted), replied)


def _note(dotted: set[int], ours: bool, rest: list[bytes]) -> None:  # noqa: FBT001
    (index,) = map(int, rest)
    if ours:
        dotted.add(index)
