"""Secrets on their way from one installation to another: under a passphrase, or left out."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass

from adapters.sealing import MAGIC, Keys, Seals

KEY_ID = "archive"
SALT_BYTES = 16
PASSPHRASE_MIN = 12
#: scrypt: 64 MiB and about 0.2 s a guess (RFC 7914).
_COST, _BLOCK, _LANES = 2**16, 8, 1
_MEMORY_MAX = 128 * 1024 * 1024

#: How jsonb writes a bytea that begins as sealed values do.
SEALED_HEX = "\\x" + MAGIC.hex()


def salt() -> str:
    return base64.b64encode(os.urandom(SALT_BYTES)).decode()


def _key(passphrase: str, salt_text: str) -> bytes:
    return hashlib.scrypt(
        passphrase.encode(),
        salt=base64.b64decode(salt_text),
        n=_COST,
        r=_BLOCK,
        p=_LANES,
        maxmem=_MEMORY_MAX,
        dklen=32,
    )


@dataclass(frozen=True)
class Rewrap:
    """Puts a sealed value, as jsonb writes it, under another key; its context stays the same."""

    seals: Seals

    def __call__(self, value: str) -> str:
        """Raises Unopened when the key that it is under is not known."""
        return "\\x" + self.seals.rewrapped(bytes.fromhex(value[2:])).hex()


def outward(seals: Seals, passphrase: str, salt_text: str) -> Rewrap:
    """From the installation's keys to the passphrase's."""
    own, key = seals.keys().known, _key(passphrase, salt_text)
    return Rewrap(Seals(_fixed(Keys({**own, KEY_ID: key}))))


def inward(seals: Seals, passphrase: str, salt_text: str) -> Rewrap:
    """From the passphrase's key to the installation's newest."""
    own, key = seals.keys().known, _key(passphrase, salt_text)
    return Rewrap(Seals(_fixed(Keys({KEY_ID: key, **own}))))


def _fixed(keys: Keys) -> Callable[[], Keys]:
    return lambda: keys
