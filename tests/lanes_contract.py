"""Both clients that implement domain.ports.Lanes, and what each reported."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from adapters.smtp_account import AccountLanes
from adapters.smtp_lane import Options, SmtpLanes
from domain.ports import Consignment, Lanes, Message, NextHop, Reply
from tests.smtp_server import Answer, Script, ScriptedServer

OPTIONS = Options(
    hello_name="client.test", connections=2, timeout_s=0.3, dot_timeout_s=0.3, connect_timeout_s=0.4
)
RELEASE = "rel_x"
MAKERS: dict[str, Callable[[KeptNotes, Options], Lanes]] = {
    "lane": SmtpLanes,
    "account": AccountLanes,
}


@dataclass
class KeptNotes:
    """A dot journal in memory; `failing` makes it refuse."""

    name: str = "here/now/test"
    dots: list[int] = field(default_factory=list)
    replies: dict[int, int] = field(default_factory=dict)
    failing: bool = False

    def dotted(self, release_id: str, index: int) -> None:
        assert release_id == RELEASE
        if self.failing:
            raise OSError("no space left")
        self.dots.append(index)

    def replied(self, release_id: str, index: int, code: int) -> None:
        assert release_id == RELEASE
        self.replies[index] = code


@dataclass
class Client:
    """One implementation, and what it reported."""

    lanes: Lanes
    notes: KeptNotes
    extensions: tuple[str, ...]
    reports: dict[int, Reply] = field(default_factory=dict)

    def report(self, index: int, reply: Reply) -> None:
        assert index not in self.reports, "reported twice"
        self.reports[index] = reply

    async def deliver(
        self, *hops: NextHop, size: int = 1, seconds: float = 8.0, source: str = ""
    ) -> dict[int, Reply]:
        await self.lanes.deliver(consignment(hops, range(size), seconds, source), self.report)
        return self.reports

    def script(self, **answers: Answer) -> Script:
        return Script(answers, self.extensions)


def consignment(
    hops: Sequence[NextHop], indexes: Sequence[int], seconds: float = 8.0, source: str = ""
) -> Consignment:
    return Consignment(RELEASE, source, tuple(hops), indexes, mail, time.monotonic() + seconds)


def mail(index: int) -> Message:
    text = f"Subject: {index}\r\n\r\nHello.\r\n..dot {index}\r\n"
    return Message(index, f"b-{index}@from.test", f"to{index}@rcpt.test", text.encode())


def hop(server: ScriptedServer, **more: str) -> NextHop:
    return replace(NextHop("127.0.0.1", server.port, "never"), **more)  # type: ignore[arg-type]
