"""Quoted-printable whose segments can be put together in any order (RFC 2045 §6.7).

Each segment starts at the beginning of a line, so segments are joined by SOFT_BREAK. No line starts
with a dot: dot-stuffing (RFC 5321 §4.5.2) would change nothing, and what is signed is what leaves.
"""

from __future__ import annotations

import re

SOFT_BREAK = b"=\r\n"
LINE_MAX = 76
# Room for the `=` of a soft break and for a leading character that becomes an escape.
_WIDTH = LINE_MAX - 1 - 2

_ESCAPES = {bytes((code,)): b"=%02X" % code for code in range(256)}
_UNSAFE = re.compile(rb"[^\x20-\x3c\x3e-\x7e\n]")
_SPACE_AT_END = re.compile(rb" (?=\n|\Z)")
# Where a line is too long: as much of it as fits, never ending inside an escape.
_FULL_LINE = re.compile(rb"(?=.{%d})(.{1,%d}(?<!=)(?<!=[0-9A-F]))" % (_WIDTH + 1, _WIDTH))
_DOT_AT_START = re.compile(rb"(?m)^\.")
# mbox files mark such lines with `>`, which would break a signature (RFC 4155).
_FROM_AT_START = re.compile(rb"(?m)^From ")


def quoted(text: str) -> bytes:
    """The text, its lines ended by line feeds, as UTF-8 in CRLF lines of at most 76 octets."""
    raw = _UNSAFE.sub(_escape, text.encode())
    raw = _FULL_LINE.sub(rb"\1=\n", _SPACE_AT_END.sub(b"=20", raw))
    raw = _FROM_AT_START.sub(b"=46rom ", _DOT_AT_START.sub(b"=2E", raw))
    return raw.replace(b"\n", b"\r\n")


def quoted_value(text: str) -> bytes:
    """As `quoted`, quick for the short plain words that most merge values are."""
    if text.isascii() and text.isalnum() and len(text) <= _WIDTH:
        return text.encode()
    return quoted(text)


def _escape(found: re.Match[bytes]) -> bytes:
    return _ESCAPES[found[0]]
