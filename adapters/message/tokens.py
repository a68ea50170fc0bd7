"""One token per recipient: it serves click, open, unsubscribe and the return path (VERP).

`a` (its version), the 26 characters of the send id, and a keyed tag of 80 bits in hex. All of it is
safe in a URL path and in a local part whose case a server on the way may change.
"""

from __future__ import annotations

import hashlib
import hmac
import re

_VERSION = "a"
_TAG_BYTES = 10
_PERSON = b"recipient token"
_TOKEN = re.compile(rf"{_VERSION}([a-z2-7]{{26}})([0-9a-f]{{{2 * _TAG_BYTES}}})")
_SEND_ID = re.compile(r"snd_([a-z2-7]{26})")
_BOUNCE = "b-"
_UNSUBSCRIBE = "unsubscribe+"


class Tokens:
    """Makes and reads tokens under one key (of 1 to 64 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._seed = hashlib.blake2b(key=key, digest_size=_TAG_BYTES, person=_PERSON)

    def make(self, send_id: str) -> str:
        """The token of a send: equal ids, equal token. ValueError when it is no send id."""
        found = _SEND_ID.fullmatch(send_id)
        if found is None:
            raise ValueError(f"{send_id!r:.60} is not a send id")
        return f"{_VERSION}{found[1]}{self._tag(found[1])}"

    def parse(self, token: str) -> str | None:
        """The send id of a token that `make` made under this key, else None; in constant time."""
        found = _TOKEN.fullmatch(token.lower())
        if found is None or not hmac.compare_digest(self._tag(found[1]), found[2]):
            return None
        return f"snd_{found[1]}"

    def parse_address(self, address: str) -> str | None:
        """The send id that a bounce or an unsubscribe mail was addressed to, else None."""
        local = address.rpartition("@")[0].lower()
        for prefix in (_BOUNCE, _UNSUBSCRIBE):
            if local.startswith(prefix):
                return self.parse(local.removeprefix(prefix))
        return None

    def _tag(self, text: str) -> str:
        state = self._seed.copy()
        state.update(text.encode())
        return state.hexdigest()


def return_path(token: str, domain: str) -> str:
    """Where bounces of this send come back to; the local part has 49 of its 64 characters."""
    return f"{_BOUNCE}{token}@bounce.{domain}"


def unsubscribe_address(token: str, domain: str) -> str:
    """Where a mail means: no more of this."""
    return f"{_UNSUBSCRIBE}{token}@bounce.{domain}"


def unsubscribe_url(tracking_url: str, token: str) -> str:
    return f"{tracking_url}/u/{token}"


def click_url(tracking_url: str, token: str, number: int) -> str:
    """A link of the mail, numbered from 1; where it leads stands in the skeleton's `links`."""
    return f"{tracking_url}/c/{token}/{number}"


def open_url(tracking_url: str, token: str) -> str:
    return f"{tracking_url}/o/{token}.gif"
