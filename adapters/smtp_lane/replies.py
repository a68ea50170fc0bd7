"""Bytes from a server as SMTP replies (RFC 5321 §4.2), or the finding that they are none."""

from __future__ import annotations

REPLY_BYTES_MAX = 64 * 1024
_CODES = {b"%d" % code: code for code in range(200, 600)}


def text_of(line: bytes) -> str:
    """A reply's words, without its code."""
    return line[4:].rstrip().decode("utf-8", "replace")


class ReplyParser:
    """Splits a stream into replies. After `broken` is set nothing that follows can be trusted."""

    __slots__ = ("_code", "_lines", "_rest", "_size", "broken")

    def __init__(self) -> None:
        self.broken = ""
        self._rest = b""
        self._lines: list[bytes] = []
        self._code = 0
        self._size = 0

    @property
    def pending(self) -> bool:
        """Whether part of a reply has come."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The replies that are now whole, as (code, line); more lines of one are joined by LF."""
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        found: list[tuple[int, bytes]] = []
        for line in lines:
            code = _CODES.get(line[:3])
            if code and line[3:4] == b" " and not self._lines:  # nearly all: a reply in one line
                found.append((code, line))
                continue
            self._take(line, found)
            if self.broken:
                return found
        if len(self._rest) + self._size > REPLY_BYTES_MAX:
            self.broken = "reply too long"
        return found

    def _take(self, line: bytes, found: list[tuple[int, bytes]]) -> None:
        code, mark = _CODES.get(line[:3], 0), line[3:4]
        if not code or mark not in b" -\r" or (self._lines and code != self._code):
            self.broken = "no SMTP reply"
            return
        if mark == b"-" or self._lines:
            self._gather(code, line)
            if mark == b"-" or self.broken:
                return
            line = b"%d " % code + b"\n".join(self._lines)
            self._lines, self._size = [], 0
        found.append((code, line))

    def _gather(self, code: int, line: bytes) -> None:
        self._code = code
        self._lines.append(line[4:].rstrip())
        self._size += len(line)
        if self._size > REPLY_BYTES_MAX:
            self.broken = "reply too long"
