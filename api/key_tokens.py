"""The text of keys: `pm_live_` + 8 characters that find the key + `_` + 32 secret ones + 6 of CRC.

GitHub's scheme (reliability.md §5): a scanner for secrets recognises one by its shape, and one that
was mistyped is refused by its CRC before anybody looks it up. Only SHA-256 of the whole is kept,
which 190 random bits allow (ASVS 6.5.2).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass, field

LIVE, TEST, STAFF = "live", "test", "staff"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
HANDLE_SIZE, SECRET_SIZE, CRC_SIZE = 8, 32, 6
#: What a scanner for secrets looks for.
PATTERN = re.compile(r"pm_(live|test|staff)_([0-9A-Za-z]{8})_([0-9A-Za-z]{32})([0-9A-Za-z]{6})")


@dataclass(frozen=True)
class Made:
    """A fresh key: its text, which is shown once, and what is kept of it."""

    text: str = field(repr=False)
    handle: str
    hash: bytes


@dataclass(frozen=True)
class Shown:
    """A key as somebody shows it: whose kind it is and where it is kept."""

    kind: str
    handle: str
    hash: bytes

    def fits(self, kept: bytes) -> bool:
        """Whether it is the kept one; takes as long for each wrong one."""
        return hmac.compare_digest(self.hash, kept)


def make(kind: str) -> Made:
    """A fresh key of a kind."""
    handle, secret = _random(HANDLE_SIZE), _random(SECRET_SIZE)
    body = f"pm_{kind}_{handle}_{secret}"
    text = body + _crc(body)
    return Made(text, handle, _hash(text))


def read(text: str) -> Shown | None:
    """What a key says of itself; None for anything that is no key, also one with a wrong CRC."""
    found = PATTERN.fullmatch(text)
    if found is None or _crc(text[:-CRC_SIZE]) != found[4]:
        return None
    return Shown(found[1], found[2], _hash(text))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _random(size: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(size))


def _crc(body: str) -> str:
    """CRC32 in base62, zeros in front."""
    left, digits = zlib.crc32(body.encode()), ""
    for _ in range(CRC_SIZE):
        left, digit = divmod(left, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
