"""Twins of the ports that a dispatcher works with, each keeping its port's contract."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters.kafka_log import Draft, LogUnavailable
from domain.indexes import each
from domain.ports import Addressee, Consignment, Message, NotRendered, Phase, Reply, Report
from domain.refusals import Invalid
from domain.sending import OutcomesRecorded, Result, SliceStarted
from streams.dispatching.dots import Dots

ACCEPTED = Reply(Phase.DOT, 250, "2.0.0 taken")


class MemoryLog:
    """`domain.ports.EventLog` that keeps drafts, and is away for as many appends as it is told."""

    def __init__(self, away: int = 0) -> None:
        self.drafts: list[Draft] = []
        self.asked: list[Draft] = []
        self.away = away

    async def append(self, drafts: Sequence[Any], timeout_s: float = 30.0) -> None:
        assert timeout_s > 0
        self.asked += drafts
        await asyncio.sleep(0)
        if self.away:
            self.away -= 1
            raise LogUnavailable("away")
        self.drafts += drafts

    @property
    def started(self) -> list[SliceStarted]:
        return [draft.event for draft in self.drafts if isinstance(draft.event, SliceStarted)]

    @property
    def results(self) -> list[Result]:
        told = [draft.event for draft in self.drafts if isinstance(draft.event, OutcomesRecorded)]
        return [result for event in told for result in event.results]

    @property
    def outcomes(self) -> dict[int, tuple[str, str]]:
        """Index → (outcome, reason); one that was told twice fails the test."""
        found: dict[int, tuple[str, str]] = {}
        for result in self.results:
            for index in each(result["ranges"]):
                assert index not in found
                found[index] = (result["outcome"], result["reason"])
        return found


class MemoryJournal:
    """A dot journal that remembers."""

    def __init__(self) -> None:
        self.name = "host/boot/memory"
        self.notes: list[tuple[Any, ...]] = []
        self.full_from = ""  # the kind of note that finds no room

    def begin(self, release_id: str) -> None:
        self._write("begin", release_id)

    def dotted(self, release_id: str, index: int) -> None:
        self._write("dotted", release_id, index)

    def _write(self, *note: Any) -> None:
        if self.full_from == note[0]:
            raise OSError("no space left on the disk")
        self.notes.append(note)

    def replied(self, release_id: str, index: int, code: int) -> None:
        self.notes.append(("replied", release_id, index, code))

    def concluded(self, release_id: str) -> None:
        self.notes.append(("concluded", release_id))


class ScriptedLanes:
    """`domain.ports.Lanes` whose peer answers by script; `wire` is what was dotted.

    `answer` gets the message and gives the reply to its dot, or None for none at all.
    """

    def __init__(
        self, dots: Dots, answer: Callable[[Message], Reply | None] = lambda _: ACCEPTED
    ) -> None:
        self._dots, self._answer = dots, answer
        self.wire: list[Message] = []
        self.hold = asyncio.Event()  # messages wait for it before their dot
        self.hold.set()

    async def deliver(self, consignment: Consignment, report: Report) -> None:
        await asyncio.gather(*(self._one(consignment, i, report) for i in consignment.indexes))

    async def _one(self, consignment: Consignment, index: int, report: Report) -> None:
        try:
            message = consignment.render(index)
        except NotRendered:
            return
        await self.hold.wait()
        if time.monotonic() >= consignment.deadline:
            report(index, Reply(Phase.DATA, 0, "deadline"))
            return
        try:
            self._dots.dotted(consignment.release_id, index)
        except OSError:
            report(index, Reply(Phase.DATA, 0, "dot journal"))
            return
        self.wire.append(message)
        reply = await self.answered(message)
        if reply is None:
            await asyncio.Event().wait()
        else:
            self._dots.replied(consignment.release_id, index, reply.code)
            report(index, reply)

    async def answered(self, message: Message) -> Reply | None:
        """What the peer says to a dot."""
        return self._answer(message)

    async def close(self) -> None:
        """Nothing to let go of."""


class PlainRenderer:
    """Mail that names its recipient; refuses an address that begins with `bad`."""

    ahead = 0

    async def stamps(self, addressees: Sequence[Addressee]) -> dict[int, bytes]:
        raise AssertionError(f"it signs nothing ahead, and was asked for {len(addressees)}")

    def render(
        self,
        index: int,
        send_id: str,
        address: str,
        fields: Mapping[str, str],
        stamp: bytes = b"",
    ) -> Message:
        assert not stamp
        if address.startswith("bad"):
            raise Invalid("address: it cannot be mailed")
        if address.startswith("bug"):
            raise ZeroDivisionError
        return Message(index, send_id, address, str(fields).encode())
