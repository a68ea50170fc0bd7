"""One greeted connection: hands over message after message and tells their phases apart.

With PIPELINING (RFC 2920) the text of message k, its final dot and the envelope of message k+1 go
out in one write: DATA is last in its group and text may be first in the next. So at most one dot
is unanswered, and the reply to it comes before the 354 that the next text waits for. Driven by
replies; no task, future or timer per message.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.smtp_lane.greeting import Greeted
from adapters.smtp_lane.parcel import Attempt, Parcel
from adapters.smtp_lane.replies import text_of
from domain.outcome_rules import DEADLINE, JOURNAL
from domain.ports import Phase, Reply

if TYPE_CHECKING:
    from adapters.smtp_lane.lane import Lane

GO_AHEAD, CLOSING_CODE = 354, 421
GOOD = 2
NEGATIVE = frozenset({4, 5})
QUIT_TIMEOUT_S = 2.0
DOT = b".\r\n"
Handler = Callable[[Attempt, int, bytes], None]
#: What the next reply answers: the phase (None: housekeeping), who handles it, and the attempt.
Expected = tuple[Phase | None, Handler | None, Attempt | None]
HOUSEKEEPING: Expected = (None, None, None)


class Session:
    """Takes messages from its lane until worn out, idle too long, or broken."""

    def __init__(self, lane: Lane, greeted: Greeted) -> None:
        self._lane = lane
        self._options = lane.options
        self._wire = greeted.wire
        self._wire.listener = self
        self._pipelining = "PIPELINING" in greeted.extensions
        self._smtputf8 = "SMTPUTF8" in greeted.extensions
        self._expected: deque[Expected] = deque()
        self._started = 0
        self._opened_at = time.monotonic()
        self._leaving = self._quit = False
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.served = 0  # messages that got a final reply of their own
        self._moved = True  # something came or left since the last look
        self._expires = 0.0
        self.ended = greeted.wire.closed  # between the last reply of the greeting and here

    @property
    def resting(self) -> bool:
        """Whether it could begin with a message at once."""
        return not (self.ended or self._leaving or self._expected)

    # ---- what the lane asks for

    def start(self) -> bool:
        """Begin with a message if the lane has one. False: nothing to do, or worn out."""
        if self.ended or self._leaving:
            return False
        if self._worn():
            self.leave()
            return False
        self._go_on(b"")
        return bool(self._expected)

    def leave(self) -> None:
        """Say QUIT as soon as every reply has come that someone waits for."""
        self._leaving = True
        attempts = [attempt for _, _, attempt in self._expected if attempt is not None]
        if attempts and not any(attempt.index in attempt.parcel.open for attempt in attempts):
            self._wire.fail("left")
        elif not self._expected and not self.ended and not self._quit:
            self._quit = True
            self._write(b"QUIT\r\n", HOUSEKEEPING)

    def watch(self, now: float) -> None:
        """Called a few times a second: break off what has waited too long."""
        if self._moved:  # a flag per reply and a clock per look, not a clock per reply
            self._moved = False
            self._expires = now + self._patience_s()
        if now < self._expires:
            return
        if self._expected or self._leaving:
            self._wire.fail("timeout")
        else:
            self._lane.withdraw(self)
            self.leave()

    def let_go(self, parcel: Parcel, why: str) -> None:
        """Report the parcel's messages under way as they stand. No dot of them follows."""
        broken = False
        for phase, _, attempt in list(self._expected):
            if attempt is not None and attempt.parcel is parcel and phase is not None:
                broken = broken or attempt.dotted
                parcel.report(attempt.index, self._reply(attempt, phase, 0, why))
        if broken:
            self._wire.fail(why)

    def abort(self, why: str) -> None:
        """Break the connection off now."""
        self._wire.fail(why)

    # ---- what the wire tells

    def replied(self, code: int, line: bytes) -> None:
        if not self._expected:
            self._wire.fail("closing" if code == CLOSING_CODE else "a reply to nothing")
            return
        phase, handler, attempt = self._expected.popleft()
        self._moved = True
        if code == CLOSING_CODE:
            self._closing(phase, attempt, line)
        elif handler is None or attempt is None:
            self._rest()
        else:
            handler(attempt, code, line)

    def lost(self, why: str) -> None:
        """Whatever was dotted is ambiguous; the rest was not delivered and may try elsewhere."""
        self.ended = True
        self.gone.set_result(None)
        expected, self._expected = self._expected, deque()
        last: Attempt | None = None
        failure: Reply | None = None
        self._lane.ended(self)
        for phase, _, attempt in expected:
            if attempt is None or attempt is last or phase is None:
                continue
            last = attempt
            reply = failure = self._reply(attempt, phase, 0, why)
            if attempt.dotted:
                attempt.parcel.report(attempt.index, reply)
                failure = replace(reply, phase=Phase.CONNECT)  # what it says about other messages
            elif not attempt.refused:
                self._lane.try_again(attempt, reply)
        self._lane.settle(self, failure)

    # ---- one message, step by step

    def _mail(self, attempt: Attempt, code: int, line: bytes) -> None:
        if code // 100 != GOOD:
            self._refuse(attempt, Phase.MAIL, code, line)
        elif not self._pipelining:
            self._write(_rcpt_to(attempt), (Phase.RCPT, self._rcpt, attempt))

    def _rcpt(self, attempt: Attempt, code: int, line: bytes) -> None:
        if code // 100 != GOOD:
            attempt.rcpt_refused = True
            self._refuse(attempt, Phase.RCPT, code, line)
        elif not self._pipelining:
            self._write(b"DATA\r\n", (Phase.DATA, self._data, attempt))

    def _data(self, attempt: Attempt, code: int, line: bytes) -> None:
        if code == GO_AHEAD:
            if not attempt.refused:
                self._dot(attempt)
            elif attempt.rcpt_refused:
                self._go_on(DOT, HOUSEKEEPING)  # RFC 2920 §3.1: no valid recipient, end the text
            else:
                self._wire.fail("DATA accepted after MAIL was refused")
        elif attempt.refused:
            self._go_on(b"RSET\r\n", HOUSEKEEPING)
        else:
            self._refuse(attempt, Phase.DATA, code, line)
            if self._pipelining and not self.ended:
                self._go_on(b"RSET\r\n", HOUSEKEEPING)

    def _dot(self, attempt: Attempt) -> None:
        """Write the text with its final dot, and behind it the next envelope."""
        following = self._next() if self._pipelining else None
        refusal = self._may_dot(attempt)
        if refusal:
            if following is not None:
                following.parcel.pending.appendleft(following.index)
                self._lane.requeue(following.parcel)
            attempt.parcel.report(attempt.index, self._reply(attempt, Phase.DATA, 0, refusal))
            self._wire.fail(refusal)
            return
        attempt.dotted = True
        wire = attempt.message.wire
        end = DOT if wire[-2:] == b"\r\n" or not wire else b"\r\n" + DOT
        self._expected.append((Phase.DOT, self._dotted, attempt))
        envelope = b"" if following is None else self._envelope(following)
        self._wire.write(b"".join((wire, end, envelope)))
        self._moved = True

    def _may_dot(self, attempt: Attempt) -> str:
        """Why no dot may be written; '' when it may, and the journal knows."""
        parcel = attempt.parcel
        if attempt.index not in parcel.open or time.monotonic() >= parcel.deadline:
            return DEADLINE
        try:
            self._lane.journal.dotted(parcel.consignment.release_id, attempt.index)
        except OSError:
            parcel.report_pending(self._reply(attempt, Phase.DATA, 0, JOURNAL))
            return JOURNAL
        return ""

    def _dotted(self, attempt: Attempt, code: int, line: bytes) -> None:
        kind = code // 100
        if kind != GOOD and kind not in NEGATIVE:
            self._expected.appendleft((Phase.DOT, self._dotted, attempt))  # it got no answer
            self._wire.fail("no reply to a dot")
            return
        self._final(attempt, Phase.DOT, code, line)
        if not self._expected:
            self._rest()

    def _refuse(self, attempt: Attempt, phase: Phase, code: int, line: bytes) -> None:
        """The server will not take this message; the session goes on."""
        if attempt.refused:
            return
        if code // 100 not in NEGATIVE:
            self._expected.appendleft((phase, None, attempt))
            self._wire.fail("a reply out of turn")
            return
        attempt.refused = True
        self._final(attempt, phase, code, line)
        if not self._pipelining:
            self._write(b"RSET\r\n", HOUSEKEEPING)

    def _final(self, attempt: Attempt, phase: Phase, code: int, line: bytes) -> None:
        self.served += 1
        self._lane.barren = 0
        if phase is Phase.DOT:
            self._note(attempt, code)
        attempt.parcel.report(attempt.index, self._reply(attempt, phase, code, text_of(line)))

    def _note(self, attempt: Attempt, code: int) -> None:
        try:
            self._lane.journal.replied(attempt.parcel.consignment.release_id, attempt.index, code)
        except OSError:  # without the note a crash makes it ambiguous, no worse
            return

    def _closing(self, phase: Phase | None, attempt: Attempt | None, line: bytes) -> None:
        """421: the server ends the session (RFC 5321 §3.8), which may just have served enough."""
        if attempt is not None and phase is not None and not attempt.refused:
            attempt.refused = True
            if attempt.dotted or not self.served:
                self._final(attempt, phase, CLOSING_CODE, line)
            else:
                reply = self._reply(attempt, phase, CLOSING_CODE, text_of(line))
                self._lane.try_again(attempt, reply)
        self._wire.fail("closing")

    # ---- writing

    def _rest(self) -> None:
        """Every reply has come: take more, leave, or wait."""
        if self._expected or self.ended:
            return
        if self._quit:
            self._wire.fail("left")
        elif self._leaving:
            self.leave()
        elif not self.start() and self.resting:
            self._lane.idle(self)

    def _go_on(self, first: bytes, *expected: Expected) -> None:
        """Write housekeeping and, where it may follow at once, the next envelope."""
        self._expected.extend(expected)
        following = self._next() if self._pipelining or not first else None
        if following is not None:
            first += self._envelope(following)
        if first:
            self._wire.write(first)
            self._moved = True

    def _envelope(self, attempt: Attempt) -> bytes:
        """The commands that may be written at once, their replies expected."""
        message = attempt.message
        utf8 = "" if message.rcpt_to.isascii() and message.mail_from.isascii() else " SMTPUTF8"
        self._expected.append((Phase.MAIL, self._mail, attempt))
        if not self._pipelining:
            return f"MAIL FROM:<{message.mail_from}>{utf8}\r\n".encode()
        self._expected.append((Phase.RCPT, self._rcpt, attempt))
        self._expected.append((Phase.DATA, self._data, attempt))
        return (
            f"MAIL FROM:<{message.mail_from}>{utf8}\r\nRCPT TO:<{message.rcpt_to}>\r\nDATA\r\n"
        ).encode()

    def _write(self, data: bytes, expected: Expected) -> None:
        self._expected.append(expected)
        self._wire.write(data)
        self._moved = True

    def _next(self) -> Attempt | None:
        """The lane's next message, unless this session has served enough."""
        if self._leaving or self._worn():
            return None
        attempt = self._lane.take(smtputf8=self._smtputf8)
        if attempt is not None:
            attempt.first = self._started == 0
            self._started += 1
        return attempt

    def _worn(self) -> bool:
        age_s = time.monotonic() - self._opened_at
        old = self._started > 0 and age_s >= self._options.age_max_s
        return old or self._started >= self._lane.messages_max

    def _patience_s(self) -> float:
        """How long what is due next may take."""
        if self._quit:
            return QUIT_TIMEOUT_S
        if not self._expected:
            return self._options.idle_s
        dot = self._expected[0][0] is Phase.DOT
        return self._options.dot_timeout_s if dot else self._options.timeout_s

    def _reply(self, attempt: Attempt, phase: Phase, code: int, text: str) -> Reply:
        return Reply(phase, code, text, self._lane.mx, attempt.first)


def _rcpt_to(attempt: Attempt) -> bytes:
    return f"RCPT TO:<{attempt.message.rcpt_to}>\r\n".encode()
