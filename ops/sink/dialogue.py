"""What the stand-in answers: the SMTP server's side as a state machine without a socket.

Strict on purpose: only whole, well-formed commands in order; bare CR, bare LF and NUL in a message
are refused, so that smuggling shows (VU#302671).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar

from ops.sink.behaviours import ACCEPT, At, Behaviour, behaviour_of
from ops.sink.hosts import MxHost
from ops.sink.login import Login
from ops.sink.received import Received

SIZE_MAX = 10 * 1024 * 1024
RECIPIENTS_MAX = 100
GREYLIST_MAX = 100_000  # recipients remembered; the oldest are greylisted anew

_PATH = re.compile(rb"(FROM|TO):\s?<([^<>\s]*)>((?: [!-~]+)*)$", re.IGNORECASE)
_SIZE = re.compile(rb" SIZE=(\d{1,20})", re.IGNORECASE)
SENDER_OK, RCPT_OK = b"250 2.1.0 Ok\r\n", b"250 2.1.5 Ok\r\n"
GO_AHEAD = b"354 End data with <CR><LF>.<CR><LF>\r\n"
_ENVELOPE_OK = SENDER_OK + RCPT_OK + GO_AHEAD
_OK, _TAKEN = b"250 2.0.0 Ok\r\n", b"250 2.0.0 Ok: taken\r\n"
_ORDER = b"503 5.5.1 Bad sequence of commands\r\n"
_SYNTAX = b"501 5.5.4 Syntax: "
UNKNOWN = b"500 5.5.2 Command not recognized\r\n"


class Greylist:
    """Recipients named before, over all connections and hosts."""

    def __init__(self) -> None:
        self._named: OrderedDict[bytes, None] = OrderedDict()

    def first_time(self, recipient: bytes) -> bool:
        if recipient in self._named:
            return False
        self._named[recipient] = None
        if len(self._named) > GREYLIST_MAX:
            self._named.popitem(last=False)
        return True


class Dialogue:
    """One conversation. Whoever carries the bytes acts on `in_data`, `ending` and `tls_asked`."""

    def __init__(self, host: MxHost, greylist: Greylist, received: Received, *, tls: bool) -> None:
        self._host, self._greylist, self._received, self._tls = host, greylist, received, tls
        self.ending = False  # close once the replies have left
        self.tls_asked = False
        self._secure = False
        self._greet()

    def _greet(self) -> None:
        self._hello = False
        self._login = Login()
        self._reset()

    def _reset(self) -> None:
        self.in_data = False
        self._sender: bytes | None = None
        self._recipients: list[tuple[bytes, Behaviour]] = []

    def banner(self) -> bytes:
        return b"220 %s ESMTP stand-in\r\n" % self._host.name.encode()

    def secured(self) -> None:
        """TLS is up: everything said in clear is forgotten (RFC 3207 §4.2)."""
        self._greet()
        self._secure, self.tls_asked = True, False

    # ---- commands

    def envelope(self, sender: bytes, recipient: bytes) -> bytes:
        """The replies to MAIL, RCPT and DATA at once; empty unless all are plainly accepted."""
        free = self._hello and self._sender is None and not self._host.auth
        if not (free and recipient.isascii() and behaviour_of(recipient) is ACCEPT):
            return b""
        self._sender, self._recipients = sender, [(recipient, ACCEPT)]
        self.in_data = True
        return _ENVELOPE_OK

    def command(self, line: bytes) -> bytes:
        """The reply to one command, given without its CRLF; empty when the connection just ends."""
        if self._login.waiting:
            return self._login.step(line)
        verb, _, argument = line.partition(b" ")
        answer = self._commands.get(verb.upper())
        if answer is None or b"\n" in line or b"\r" in line or b"\0" in line:
            return UNKNOWN
        return answer(self, argument)

    def _ehlo(self, argument: bytes) -> bytes:
        if not argument:
            return _SYNTAX + b"EHLO hostname\r\n"
        self._hello = True
        self._reset()
        offers = [self._host.name.encode(), b"PIPELINING", b"SIZE %d" % SIZE_MAX]
        offers += [b"STARTTLS"] * (self._host.starttls and self._tls and not self._secure)
        offers += [b"AUTH PLAIN LOGIN"] * self._host.auth
        offers += [b"ENHANCEDSTATUSCODES"]
        return b"".join(b"250-%s\r\n" % offer for offer in offers) + b"250 8BITMIME\r\n"

    def _helo(self, argument: bytes) -> bytes:
        if not argument:
            return _SYNTAX + b"HELO hostname\r\n"
        self._hello = True
        self._reset()
        return b"250 %s\r\n" % self._host.name.encode()

    def _mail(self, argument: bytes) -> bytes:
        found = _PATH.match(argument)
        if not found or found[1].upper() != b"FROM":
            return _SYNTAX + b"MAIL FROM:<address>\r\n"
        if not self._hello or self._sender is not None:
            return _ORDER
        if self._host.auth and not self._login.done:
            return b"530 5.7.0 Authentication required\r\n"
        size = _SIZE.search(found[3])
        if size and int(size[1]) > SIZE_MAX:
            return b"552 5.3.4 Message size exceeds fixed limit\r\n"
        self._sender = found[2]
        return SENDER_OK

    def _rcpt(self, argument: bytes) -> bytes:
        found = _PATH.match(argument)
        if not found or not found[2] or found[1].upper() != b"TO":
            return _SYNTAX + b"RCPT TO:<address>\r\n"
        if self._sender is None:
            return _ORDER
        if len(self._recipients) >= RECIPIENTS_MAX:
            return b"452 4.5.3 Too many recipients\r\n"
        return self._judge(found[2])

    def _judge(self, recipient: bytes) -> bytes:
        if not recipient.isascii():
            return b"553 5.6.7 SMTPUTF8 is not offered\r\n"
        behaviour = behaviour_of(recipient)
        refuses = behaviour.at is At.RCPT
        if refuses and not (behaviour.once and not self._greylist.first_time(recipient.lower())):
            return behaviour.reply + b"\r\n"
        self._recipients.append((recipient, ACCEPT if refuses else behaviour))
        return RCPT_OK

    def _data(self, argument: bytes) -> bytes:
        if argument or self._sender is None:
            return _ORDER
        if not self._recipients:
            return b"554 5.5.1 No valid recipients\r\n"
        self.ending = any(behaviour.at is At.DATA for _, behaviour in self._recipients)
        self.in_data = not self.ending
        return b"" if self.ending else GO_AHEAD

    def _rset(self, _argument: bytes) -> bytes:
        self._reset()
        return _OK

    def _noop(self, _argument: bytes) -> bytes:
        return _OK

    def _vrfy(self, _argument: bytes) -> bytes:
        return b"252 2.0.0 Cannot verify, but will take the message\r\n"

    def _quit(self, _argument: bytes) -> bytes:
        self.ending = True
        return b"221 2.0.0 Bye\r\n"

    def _auth(self, argument: bytes) -> bytes:
        if not self._host.auth:
            return b"502 5.5.1 AUTH is not offered here\r\n"
        if self._login.done or self._sender is not None:
            return _ORDER
        return self._login.begin(argument)

    def _starttls(self, argument: bytes) -> bytes:
        if not (self._host.starttls and self._tls) or self._secure or argument:
            return b"502 5.5.1 STARTTLS is not offered here\r\n"
        self.tls_asked = True
        return b"220 2.0.0 Ready to start TLS\r\n"

    # ---- the message

    def dot(self, wire: bytes, *, oversize: bool = False) -> tuple[bytes, int]:
        """The reply to a message (its lines, dots still stuffed) and its delay in milliseconds.

        An empty reply means none. What is taken is flushed to the record before replies leave.
        """
        answer = self._refusal(wire, oversize=oversize)
        if answer is None:
            answer = self._outcome(wire)
        self._reset()
        return answer

    def _refusal(self, wire: bytes, *, oversize: bool) -> tuple[bytes, int] | None:
        if oversize or len(wire) > SIZE_MAX:
            return b"552 5.3.4 Message too big\r\n", 0
        lines = wire.count(b"\r\n")
        if lines != wire.count(b"\n") or lines != wire.count(b"\r") or b"\0" in wire:
            return b"554 5.6.0 Message with bare <CR>, bare <LF> or NUL refused\r\n", 0
        return None

    def _outcome(self, wire: bytes) -> tuple[bytes, int]:
        behaviour = next((b for _, b in self._recipients if b is not ACCEPT), ACCEPT)
        if behaviour.reply:
            return behaviour.reply + b"\r\n", 0
        self.ending = behaviour.close
        if not behaviour.close or behaviour.records:
            self._take(wire, acknowledged=not behaviour.close)
        return b"" if behaviour.close else _TAKEN, behaviour.delay_ms

    def _take(self, wire: bytes, *, acknowledged: bool) -> None:
        for recipient, _ in self._recipients:
            self._received.take(
                recipient, self._sender or b"", self._host.name, wire, acknowledged=acknowledged
            )

    _commands: ClassVar[dict[bytes, Callable[[Any, bytes], bytes]]] = {
        b"EHLO": _ehlo,
        b"HELO": _helo,
        b"MAIL": _mail,
        b"RCPT": _rcpt,
        b"DATA": _data,
        b"RSET": _rset,
        b"NOOP": _noop,
        b"VRFY": _vrfy,
        b"QUIT": _quit,
        b"AUTH": _auth,
        b"STARTTLS": _starttls,
    }
