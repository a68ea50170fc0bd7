"""Secrets at rest: sealed by AES-256-GCM under a key of their own, which a secret key wraps.

A sealed value names the secret key that wraps its own key, so that rotation re-wraps 48 bytes and
never touches what is sealed. Its context (tenant, column, row) is authenticated: a value moved to
another tenant, row or column does not open. `field` makes contexts; every column that holds sealed
values is a `bytea` of a table outside the log's and the pipeline's schemas, where
adapters/sealed_columns.py finds it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as defaulted
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"\x00pm1"
KEY_BYTES = 32
NONCE_BYTES, TAG_BYTES = 12, 16
_WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES
KEY_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
CURE = (
    "set PM_SECRET_KEY to 32 random bytes in base64, or PM_SECRET_KEY_FILE to a file with a line "
    "id:key for each of them, the newest last"
)


class Unopened(Exception):  # noqa: N818 - a finding; never tells the value
    """A sealed value that cannot be opened here, or a key that is not there; says the cure."""


class Keys(NamedTuple):
    """Secret keys by id, the newest last."""

    known: Mapping[str, bytes]

    @property
    def newest(self) -> str:
        """The id under which values are sealed. Raises Unopened where there is no key."""
        if not self.known:
            raise Unopened(f"there is no secret key: {CURE}")
        return list(self.known)[-1]

    def __repr__(self) -> str:
        return f"Keys({', '.join(self.known)})"


def read_keys(text: str) -> Keys:
    """Keys from lines `id:key`, or a bare key, which has an id of its own making.

    Raises Unopened for what is no key; the text never shows it.
    """
    lines = [line.strip() for line in text.split() if line.strip()]
    return Keys(dict(_key(line, number) for number, line in enumerate(lines, 1)))


def _key(line: str, number: int) -> tuple[str, bytes]:
    named, _, encoded = line.rpartition(":")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise Unopened(f"secret key {number} is not {KEY_BYTES} bytes in base64: {CURE}")
    if named and not KEY_ID.fullmatch(named):
        raise Unopened(f"the id of secret key {number} is not of a-z 0-9 . _ -: {CURE}")
    return named or _own_id(key), key


def _own_id(key: bytes) -> str:
    return "k" + hashlib.blake2b(key, digest_size=4, person=b"pm-key-id").hexdigest()


def new_key_line() -> str:
    """A fresh key as a line of a key file."""
    key = os.urandom(KEY_BYTES)
    return f"{_own_id(key)}:{base64.b64encode(key).decode()}"


def ensure_key_file(path: Path) -> Path:
    """A file with one key, made if it is not there, readable to its owner alone. Safe to repeat."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_key_file(path, new_key_line() + "\n")
    return path


def write_key_file(path: Path, text: str) -> None:
    """Put it in place as a whole, on disk before it is used."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def keys_from(key: str, file: Path | None) -> Callable[[], Keys]:
    """What gives the keys of the settings: the file, read anew when it changed, or the text."""
    if file is None:
        given = read_keys(key)
        return lambda: given
    return KeyFile(file)


@dataclass
class KeyFile:
    """The keys of a file; a key that was added to it is known without a restart."""

    path: Path
    _seen: tuple[int, int] = (0, 0)
    _keys: Keys = defaulted(default_factory=lambda: Keys({}))

    def __call__(self) -> Keys:
        """Raises Unopened when the file is not there or no key file."""
        try:
            status = self.path.stat()
            seen = (status.st_mtime_ns, status.st_ino)
            if seen != self._seen:
                self._keys, self._seen = read_keys(self.path.read_text()), seen
        except OSError as error:
            raise Unopened(f"the secret keys' file {self.path} cannot be read: {CURE}") from error
        return self._keys


def field(tenant_id: str, column: str, *row: str) -> tuple[str, ...]:
    """The context of a value: whose it is, `schema.table.column`, and what names its row."""
    return (tenant_id, column, *row)


def signing_key_field(tenant_id: str, domain_id: str, selector: str) -> tuple[str, ...]:
    """The context of a DKIM key, for who writes it and who signs with it."""
    return field(tenant_id, "vault.signing_key.private_key", domain_id, selector)


@dataclass(frozen=True)
class Seals:
    """Seals and opens. Threads may share it; costs microseconds. `repr` shows no key."""

    keys: Callable[[], Keys]

    @classmethod
    def under(cls, key: str) -> Seals:
        """Under a key text, as PM_SECRET_KEY has it; empty: seals nothing. Raises Unopened."""
        given = read_keys(key)
        return cls(lambda: given)

    def seal(self, plain: bytes, *context: str) -> bytes:
        """The value, sealed under the newest key. Equal values seal differently."""
        keys = self.keys()
        own, nonce = AESGCM.generate_key(KEY_BYTES * 8), os.urandom(NONCE_BYTES)
        sealed = AESGCM(own).encrypt(nonce, plain, _bound(context))
        return _wrap(keys, own) + nonce + sealed

    def open(self, sealed: bytes, *context: str) -> bytes:
        """The value again. Raises Unopened: its key is missing, it is of elsewhere, or no seal."""
        parts = parse(sealed)
        own = _unwrap(self.keys(), parts)
        nonce, rest = parts.body[:NONCE_BYTES], parts.body[NONCE_BYTES:]
        try:
            return AESGCM(own).decrypt(nonce, rest, _bound(context))
        except InvalidTag:
            raise Unopened(
                f"a sealed value of {' '.join(context[1:])} was changed or is of another tenant, "
                "column or row; write that secret anew"
            ) from None

    def rewrapped(self, sealed: bytes) -> bytes:
        """The same value under the newest key; needs no context. Raises Unopened."""
        keys, parts = self.keys(), parse(sealed)
        return (
            sealed
            if parts.key_id == keys.newest
            else _wrap(keys, _unwrap(keys, parts)) + parts.body
        )


class Parts(NamedTuple):
    """A sealed value taken apart: which key wraps, its own key wrapped, nonce and ciphertext."""

    key_id: str
    wrapped: bytes
    body: bytes


def parse(sealed: bytes) -> Parts:
    """Raises Unopened for what was never sealed."""
    sealed = bytes(sealed)
    at = len(MAGIC) + 1
    end = at + (sealed[len(MAGIC)] if len(sealed) > len(MAGIC) else 0)
    body = end + _WRAPPED_BYTES
    if not sealed.startswith(MAGIC) or len(sealed) < body + NONCE_BYTES + TAG_BYTES:
        raise Unopened(
            "a secret is not sealed: an older version stored it in clear; write it anew (a "
            "signing key: remove its row and add the domain again)"
        )
    return Parts(sealed[at:end].decode("ascii", "replace"), sealed[end:body], sealed[body:])


def _wrap(keys: Keys, own: bytes) -> bytes:
    """The head of a sealed value: which key, and the value's own key under it."""
    key_id, nonce = keys.newest, os.urandom(NONCE_BYTES)
    head = MAGIC + bytes([len(key_id)]) + key_id.encode()
    return head + nonce + AESGCM(keys.known[key_id]).encrypt(nonce, own, head)


def _unwrap(keys: Keys, parts: Parts) -> bytes:
    key = keys.known.get(parts.key_id)
    if key is None:
        raise Unopened(
            f"the secret key {parts.key_id!r} is missing here"
            f" (known: {', '.join(keys.known) or 'none'}): "
            "put its line back into PM_SECRET_KEY_FILE, or PM_SECRET_KEY as it was"
        )
    head = MAGIC + bytes([len(parts.key_id)]) + parts.key_id.encode()
    nonce, wrapped = parts.wrapped[:NONCE_BYTES], parts.wrapped[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, wrapped, head)
    except InvalidTag:
        raise Unopened(
            f"the secret key {parts.key_id!r} is not the one that sealed this value: give it back "
            "the bytes that it had"
        ) from None


def _bound(context: tuple[str, ...]) -> bytes:
    """The context as bytes: each part with its length, so that no two contexts look alike."""
    encoded = [part.encode() for part in context]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
