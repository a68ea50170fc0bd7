"""A lane over a real journal, and what it reported."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters.dot_journal import DotJournal
from adapters.smtp_lane import Options, SmtpLanes
from domain.ports import Consignment, Message, NextHop, Reply
from tests.smtp_server import ScriptedServer

RELEASE = "rel_x"
PIPELINING = ("PIPELINING",)
OPTIONS = Options(connections=1, timeout_s=0.5, dot_timeout_s=0.5, connect_timeout_s=0.5)


@dataclass
class Sender:
    """Lanes over a real journal, and what they reported, in order."""

    lanes: SmtpLanes
    reports: dict[int, Reply] = field(default_factory=dict)

    def report(self, index: int, reply: Reply) -> None:
        assert index not in self.reports, "reported twice"
        self.reports[index] = reply

    async def deliver(
        self, hops: Sequence[NextHop], indexes: Sequence[int] = (0,), seconds: float = 8
    ) -> None:
        made = Consignment(RELEASE, "", tuple(hops), indexes, mail, time.monotonic() + seconds)
        await self.lanes.deliver(made, self.report)

    def codes(self) -> list[int]:
        return [self.reports[index].code for index in sorted(self.reports)]


def mail(index: int) -> Message:
    return Message(
        index, f"b-{index}@from.test", f"to{index}@rcpt.test", b"Subject: x\r\n\r\nhi\r\n"
    )


def hop(server: ScriptedServer, tls: str = "never", user: str = "", word: str = "") -> NextHop:
    return NextHop("127.0.0.1", server.port, tls, user, word)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, at most some seconds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what a server did raises no event here
            await asyncio.sleep(0.01)


def sender(journal: DotJournal, **changes: object) -> Sender:
    return Sender(SmtpLanes(journal, replace(OPTIONS, **changes)))  # type: ignore[arg-type]


@dataclass
class Certificate:
    server: ssl.SSLContext
    path: Path

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.path))
