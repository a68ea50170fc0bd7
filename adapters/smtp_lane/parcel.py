"""A consignment on its way: which of its messages wait, and which are not reported yet."""

from __future__ import annotations

import asyncio
from collections import deque

from domain.outcome_rules import UNSENDABLE
from domain.ports import Consignment, Message, NextHop, NotRendered, Phase, Reply, Report

TRIES_MAX = 2  # sessions that may break under one message before its dot


class Parcel:
    """Reports each index exactly once, or drops it where its message cannot be made."""

    def __init__(
        self, consignment: Consignment, report: Report, done: asyncio.Future[None]
    ) -> None:
        self.consignment = consignment
        self.deadline = consignment.deadline
        self.pending = deque(dict.fromkeys(consignment.indexes))
        self.open = set(self.pending)
        self.tries: dict[int, int] = {}
        self.position = 0  # of the next hop that is tried
        self.queued = False
        self.best: Reply | None = None  # the most telling failure of a next hop so far
        self.done = done
        self._report = report

    @property
    def hop(self) -> NextHop | None:
        """The next hop to try; None when all were."""
        hops = self.consignment.hops
        return hops[self.position] if self.position < len(hops) else None

    def report(self, index: int, reply: Reply) -> None:
        """Tell what came of an index, unless that was told before."""
        if index in self.open:
            self._drop(index)
            self._report(index, reply)

    def report_pending(self, reply: Reply) -> None:
        """Tell the same of everything that waits."""
        while self.pending:
            self.report(self.pending.popleft(), reply)

    def once_more(self, index: int) -> bool:
        """Whether a message that was not dotted when its session broke may try another one."""
        tries = self.tries[index] = self.tries.get(index, 0) + 1
        if index not in self.open or tries >= TRIES_MAX:
            return False
        self.pending.appendleft(index)
        return True

    def take(self, mx: str, *, smtputf8: bool) -> Attempt | None:
        """The next message, made now. None: it could not be, and that is settled."""
        index = self.pending.popleft()
        if index not in self.open:
            return None
        try:
            message = self.consignment.render(index)
        except NotRendered:
            self._drop(index)
            return None
        refusal = unsendable(message, mx, smtputf8=smtputf8)
        if refusal is not None:
            self.report(index, refusal)
            return None
        return Attempt(self, message)

    def _drop(self, index: int) -> None:
        self.open.discard(index)
        if not self.open and not self.done.done():
            self.done.set_result(None)


class Attempt:
    """One message in one session."""

    __slots__ = ("dotted", "first", "index", "message", "parcel", "rcpt_refused", "refused")

    def __init__(self, parcel: Parcel, message: Message) -> None:
        self.parcel = parcel
        self.message = message
        self.index = message.index
        self.first = False  # of its session
        self.refused = False  # the server refused it before DATA; told
        self.rcpt_refused = False  # so that an empty text reaches nobody
        self.dotted = False


def unsendable(message: Message, mx: str, *, smtputf8: bool) -> Reply | None:
    """Why a message may not go on the wire as it is: it would say something else there."""
    addresses = message.mail_from + message.rcpt_to
    if not _clean(addresses) or _ends_early(message.wire):
        return Reply(Phase.MAIL, 0, UNSENDABLE, mx)
    if not smtputf8 and not addresses.isascii():
        return Reply(Phase.MAIL, 550, "5.6.7 SMTPUTF8 is needed and not offered", mx)
    return None


def _clean(addresses: str) -> bool:
    """Without blanks, controls and brackets, with which a command could be smuggled in."""
    blank = " " in addresses or "<" in addresses or ">" in addresses  # unrolled: per message
    return addresses.isprintable() and not blank


def _ends_early(wire: bytes) -> bool:
    """Whether a line begins with a dot that is not doubled: it could end the text (VU#302671)."""
    if wire[:1] == b"." and wire[1:2] != b".":
        return True
    at = wire.rfind(b"\n.")  # backwards: half the time, CPython looks at the first byte first
    while at >= 0:
        if wire[at + 2 : at + 3] != b".":
            return True
        at = wire.rfind(b"\n.", 0, at)
    return False
