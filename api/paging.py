"""Cursors of lists: opaque, signed, good only for the list and tenant they were made for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any

import orjson

from api.problems import Problem

TAG_BYTES = 16
LIMIT_MAX, LIMIT_DEFAULT = 100, 50


class Cursors:
    """Makes and reads cursors under a key. `scope` is what the list is: tenant, path, filters."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(key, person=b"pm-cursor", digest_size=32).digest()

    def make(self, scope: tuple[str, ...], after: list[Any]) -> str:
        """A cursor that goes on after this position."""
        body = orjson.dumps(after)
        return base64.urlsafe_b64encode(self._tag(scope, body) + body).decode().rstrip("=")

    def read(self, scope: tuple[str, ...], cursor: str) -> list[Any]:
        """The position in a cursor. Raises Problem invalid_cursor for one not made for this."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError) as error:
            raise _invalid() from error
        tag, body = raw[:TAG_BYTES], raw[TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(scope, body)):
            raise _invalid()
        after: list[Any] = orjson.loads(body)
        return after

    def _tag(self, scope: tuple[str, ...], body: bytes) -> bytes:
        digest = hashlib.blake2b(key=self._key, digest_size=TAG_BYTES)
        digest.update(orjson.dumps(scope))
        digest.update(body)
        return digest.digest()


def _invalid() -> Problem:
    return Problem("invalid_cursor", "this cursor was not made for this list")
