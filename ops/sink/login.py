"""AUTH PLAIN and LOGIN (RFC 4954) as the submission host offers them.

Any user may log in with any password but `wrong`, which is refused as a mistyped one would be.
"""

from __future__ import annotations

import binascii

REFUSED_PASSWORD = b"wrong"
_USERNAME, _PASSWORD = b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"
_WELCOME = b"235 2.7.0 Authentication successful\r\n"
_REFUSED = b"535 5.7.8 Username and password not accepted\r\n"
_GARBLED = b"501 5.5.2 Cannot decode the response\r\n"


class Login:
    """One session's login. `waiting`: the next line belongs to it."""

    def __init__(self) -> None:
        self.done = False
        self.waiting = ""

    def begin(self, argument: bytes) -> bytes:
        """The reply to `AUTH argument`."""
        mechanism, _, initial = argument.partition(b" ")
        wanted = mechanism.upper()
        if wanted == b"PLAIN":
            if initial:
                return self._plain(initial)
            self.waiting = "plain"
            return b"334 \r\n"
        if wanted == b"LOGIN":
            self.waiting = "password" if initial else "username"
            return _PASSWORD if initial else _USERNAME
        return b"504 5.5.4 Unrecognized authentication type\r\n"

    def step(self, line: bytes) -> bytes:
        """The reply to a line of the dialogue."""
        asked, self.waiting = self.waiting, ""
        if line == b"*":
            return b"501 5.7.0 Authentication cancelled\r\n"
        if asked == "plain":
            return self._plain(line)
        if asked == "username":
            self.waiting = "password"
            return _PASSWORD
        return self._judge(line)

    def _plain(self, response: bytes) -> bytes:
        try:
            parts = binascii.a2b_base64(response, strict_mode=True).split(b"\0")
        except binascii.Error:
            return _GARBLED
        return self._verdict(parts[-1]) if len(parts) == 3 else _GARBLED  # noqa: PLR2004 - RFC 4616

    def _judge(self, response: bytes) -> bytes:
        try:
            return self._verdict(binascii.a2b_base64(response, strict_mode=True))
        except binascii.Error:
            return _GARBLED

    def _verdict(self, password: bytes) -> bytes:
        self.done = bool(password) and password != REFUSED_PASSWORD
        return _WELCOME if self.done else _REFUSED
