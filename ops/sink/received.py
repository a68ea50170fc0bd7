"""What the stand-in received: a line a message in a file, and the newest bodies in memory."""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import orjson

KEPT_MESSAGES = 2000
KEPT_BYTES = 64 * 1024 * 1024
_ID_LINE = re.compile(rb"^message-id:\s*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


class Mail(NamedTuple):
    """One recipient's message. `wire` still has its dots stuffed; `acknowledged`: 250 follows."""

    number: int  # rises by one per message of this process
    time: str  # UTC, ISO 8601
    recipient: bytes
    mail_from: bytes
    message_id: bytes
    mx: str
    wire: bytes
    acknowledged: bool

    @property
    def content(self) -> bytes:
        """The message as sent: dots unstuffed (RFC 5321 §4.5.2)."""
        wire = self.wire[1:] if self.wire.startswith(b"..") else self.wire
        return wire.replace(b"\r\n..", b"\r\n.")


def message_id_of(wire: bytes) -> bytes:
    """The Message-ID without angle brackets, or empty. Looks at the header only."""
    end = wire.find(b"\r\n\r\n")
    start = wire.find(b"\r\nMessage-ID: <", 0, end) + 15
    if start >= 15:  # noqa: PLR2004 - found; 15 is what was added
        stop = wire.find(b">", start, start + 998)
        return wire[start:stop] if stop > 0 else b""
    found = _ID_LINE.search(re.sub(rb"\r\n[ \t]+", b" ", wire[: max(end, 0) + 2]))
    return found[1].strip().strip(b"<>") if found else b""


class Received:
    """Appends to `received.jsonl` and keeps the newest messages; both bounded in what they cost.

    `connections` beside it has a byte for each connection that was ever made, whatever came of it.

    `flush` returns once the lines are the kernel's: they survive kill -9 of this process (nothing
    here claims to survive the machine). One thread writes, others may read.
    """

    def __init__(
        self, folder: Path, kept: int = KEPT_MESSAGES, kept_bytes: int = KEPT_BYTES
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "received.jsonl"
        self.count = _lines(self.path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._connections = os.open(folder / "connections", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._numbers = itertools.count(1)
        self._kept: deque[Mail] = deque()
        self.kept_max = kept
        self._bytes_max, self._bytes = kept_bytes, 0
        self._pending: list[Mail] = []
        self._now = ""  # the time of those pending
        self._lock = threading.Lock()

    def connected(self) -> None:
        """Count a connection."""
        os.write(self._connections, b".")

    def take(
        self, recipient: bytes, sender: bytes, mx: str, wire: bytes, *, acknowledged: bool
    ) -> None:
        """Put a message among those that the next `flush` notes."""
        if not self._pending:
            self._now = datetime.now(UTC).isoformat()
        number, identity = next(self._numbers), message_id_of(wire)
        self._pending.append(
            Mail(number, self._now, recipient, sender, identity, mx, wire, acknowledged)
        )

    def flush(self) -> None:
        """Note what was taken. Raises OSError when the file cannot take it: no 250 then."""
        if not self._pending:
            return
        mails, self._pending = self._pending, []
        data = b"".join(map(_line, mails))
        if os.write(self._file, data) != len(data):
            raise OSError("the record of received mail was written in part")
        self.count += len(mails)
        with self._lock:
            for mail in mails:
                self._kept.append(mail)
                self._bytes += len(mail.wire)
            while len(self._kept) > self.kept_max or self._bytes > self._bytes_max:
                self._bytes -= len(self._kept.popleft().wire)

    def newest(self, recipient: str = "") -> list[Mail]:
        """Kept messages, newest first, whose recipient contains the text."""
        with self._lock:
            found: Iterable[Mail] = list(self._kept)[::-1]
        wanted = recipient.lower().encode()
        return [mail for mail in found if wanted in mail.recipient.lower()]

    def find(self, number: int) -> Mail | None:
        """A kept message by its number."""
        with self._lock:
            return next((mail for mail in self._kept if mail.number == number), None)

    def close(self) -> None:
        os.close(self._file)
        os.close(self._connections)


def _line(mail: Mail) -> bytes:
    return orjson.dumps(
        {
            "time": mail.time,
            "recipient": mail.recipient.decode(errors="replace"),
            "message_id": mail.message_id.decode(errors="replace"),
            "mail_from": mail.mail_from.decode(errors="replace"),
            "mx": mail.mx,
            "size": len(mail.wire),
            "acknowledged": mail.acknowledged,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _lines(path: Path) -> int:
    """How many messages earlier lives of this stand-in noted."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
