"""Identifiers: a prefix, `_` and 26 characters of base32 (128 bits).

UUIDv7 for what someone creates, so that ids rise with time; keyed BLAKE2b for what is derived, so
that doing a thing again gives the same id.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable

PREFIXES = frozenset(
    {"ten", "wsp", "cmp", "tpl", "lst", "lea", "dom", "ip", "imp", "key", "evt", "snd"}
    | {"bat", "rel", "cnt", "sdr", "cmd", "sup", "usr", "stf", "ses", "inv", "mbx", "vps"}
    | {"seg", "exp", "del", "stk", "pol"}
)

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]  # ten bits each
_SHIFTS = range(120, -1, -10)


def encode(prefix: str, raw: bytes) -> str:
    """`prefix_` and 16 bytes as 26 lower-case base32 characters (RFC 4648 §6, no padding)."""
    number = int.from_bytes(raw, "big") << 2  # 130 bits: 13 pairs of characters
    pairs = [_PAIRS[number >> shift & 1023] for shift in _SHIFTS]
    return f"{prefix}_{''.join(pairs)}"


def new_id(prefix: str, now_s: float | None = None) -> str:
    """A fresh id, UUIDv7 (RFC 9562): 48 bits of milliseconds, then randomness."""
    if prefix not in PREFIXES:
        raise ValueError(f"unknown id prefix {prefix}")
    stamp = int((time.time() if now_s is None else now_s) * 1000).to_bytes(6, "big")
    rest = bytearray(os.urandom(10))
    rest[0] = 0x70 | (rest[0] & 0x0F)
    rest[2] = 0x80 | (rest[2] & 0x3F)
    return encode(prefix, stamp + bytes(rest))


def deriver(key: bytes, prefix: str) -> Callable[..., str]:
    """A function from parts to the id derived from them under `key`. Equal parts, equal id."""
    seed = hashlib.blake2b(key=key, digest_size=16, person=prefix.encode()[:16])

    def derive(*parts: object) -> str:
        state = seed.copy()
        state.update("\x1f".join(map(str, parts)).encode())
        return encode(prefix, state.digest())

    return derive
