"""The same receivers behind real SMTP on loopback: our lane sends, our classifier reads replies.

An hour of the simulation is as short as its mail takes. What each message is told is a line that
real providers send; nothing but that line reaches the governor.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from adapters.dot_journal import DotJournal
from adapters.smtp_lane import Options, SmtpLanes
from domain.governor.inputs import Finding
from domain.outcomes import judge
from domain.ports import Consignment, Message, NextHop, Reply
from ops.sim.controllers import Controller
from ops.sim.course import Course, demand_of, made, share_of
from ops.sim.outbox import Outbox
from ops.sim.receiver import DAY_H, Receiver, Verdict
from ops.sim.traits import Traits

#: Worded as providers word them; sources in domain/outcome_rules.py.
BLOCKED = {
    "outlook": b"550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact "
    b"your Internet service provider since part of their network is on our block list (S3150).",
    "yahoo": b"553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is "
    b"in Spamhaus's list",
}
DEFERRED = {
    "outlook": b"451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to "
    b"IP reputation.",
    "yahoo": b"421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected "
    b"volume or user complaints - 4.16.55.1",
    "gmail": b"421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating "
    b"from your IP address. To protect our users from spam, mail sent from your IP address has been"
    b" temporarily rate limited.",
}
BLOCKED_ELSEWHERE = b"550 5.7.1 Your IP address 192.0.2.1 is blocked due to poor reputation"
DEFERRED_ELSEWHERE = b"421 4.7.0 Temporarily deferred due to the poor reputation of your IP address"
UNKNOWN = b"550 5.1.1 The email account that you tried to reach does not exist"
HOUR_S_MAX = 60.0  # of real time that an hour's mail may take


class Door:
    """The receiver's SMTP server: one verdict a message, told at MAIL, RCPT or the dot."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self._provider = receiver.traits.provider

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it is left."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            writer.write(b"220 mx.sim ESMTP\r\n")
            verdict = Verdict()
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"MAIL":
                    verdict = self.receiver.take(1)
                writer.write(self._reply(verb, verdict) + b"\r\n")
                if verb == b"QUIT":
                    break
                if verb == b"DATA" and verdict.accepted:
                    await reader.readuntil(b"\r\n.\r\n")
                    writer.write(b"250 2.0.0 OK\r\n")
                await writer.drain()
        writer.close()

    def _reply(self, verb: bytes, verdict: Verdict) -> bytes:
        if verb == b"EHLO":
            return b"250 mx.sim"
        if verb == b"MAIL" and verdict.blocked:
            return BLOCKED.get(self._provider, BLOCKED_ELSEWHERE)
        if verb == b"MAIL" and verdict.deferred:
            return DEFERRED.get(self._provider, DEFERRED_ELSEWHERE)
        if verb == b"RCPT" and verdict.hard:
            return UNKNOWN
        if verb == b"DATA":
            return b"354 go ahead" if verdict.accepted else b"503 5.5.1 no valid recipient"
        return b"221 2.0.0 bye" if verb == b"QUIT" else b"250 2.0.0 OK"


@contextlib.asynccontextmanager
async def listening(receiver: Receiver) -> AsyncIterator[NextHop]:
    """The receiver's server on a free port of loopback."""
    door, standing = Door(receiver), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(door.serve(reader, writer))
        standing.add(task)
        await asyncio.wait([task])

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield NextHop("127.0.0.1", port, "never")
    finally:
        server.close()
        if standing:  # each leaves once the lane has closed its connection
            await asyncio.wait(standing)


async def drive(traits: Traits, days: int, controller: str) -> tuple[Course, Counter[str]]:
    """All days of a receiver over SMTP; with it, how replies were classified."""
    receiver = Receiver(traits)
    who = made(controller, traits, receiver, "standard")
    course, classes = Course(traits.name), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        journal = DotJournal(Path(folder))
        async with listening(receiver) as hop:
            post = Post(hop, SmtpLanes(journal, Options(connections=2)), traits.provider, classes)
            outbox = Outbox()
            for hour in range(days * DAY_H):
                await _hour(hour, receiver, who, outbox, post)
            await post.lanes.close()
        journal.close()
    course.demanded = sum(demand_of(traits, days))
    course.admitted, course.lost, course.blocks = classes["ACCEPTED"], outbox.lost, receiver.blocks
    return course, classes


class Post:
    """Our own way out: lane, journal and classifier, as the dispatcher uses them."""

    def __init__(
        self, hop: NextHop, lanes: SmtpLanes, provider: str, classes: Counter[str]
    ) -> None:
        self.lanes = lanes
        self._hop, self._provider, self._classes = hop, provider, classes

    async def send(self, release: str, count: int) -> tuple[Finding, ...]:
        """Attempt so many messages; what their replies were judged to be."""
        found: Counter[tuple[str, str, int]] = Counter()

        def report(_index: int, reply: Reply) -> None:
            reason = judge(reply, self._provider).reason.value
            found[reason, reply.phase.value, reply.code] += 1
            self._classes[reason] += 1

        until = time.monotonic() + HOUR_S_MAX
        consignment = Consignment(release, "", (self._hop,), range(count), _mail, until)
        await self.lanes.deliver(consignment, report)
        return tuple(
            Finding(reason, number, phase, code)
            for (reason, phase, code), number in sorted(found.items())
        )


async def _hour(hour: int, receiver: Receiver, who: Controller, outbox: Outbox, post: Post) -> None:
    """As ops/sim/course.py has it, with the answers read from the wire."""
    receiver.begin(hour)
    outbox.expire(hour)
    day, at = divmod(hour, DAY_H)
    wanted = demand_of(receiver.traits, day + 1)[day]
    outbox.fresh = share_of(wanted, at) + (outbox.fresh if at else 0)
    for number in range(4):
        due = outbox.due(hour)
        count = who.ask(hour, due) if due else 0
        if count <= 0:
            break
        drawn = outbox.draw(hour, count)
        findings = await post.send(f"rel-{hour}-{number}", count)
        outbox.settle(hour, drawn, _verdict(findings))
        who.observe(hour, findings, due)
    who.hear(hour, receiver.complaints())
    receiver.end()


def _verdict(findings: tuple[Finding, ...]) -> Verdict:
    """How the sender understood it: by code, as the schedule does."""
    verdict = Verdict()
    for finding in findings:
        if finding.reason == "ACCEPTED":
            verdict.accepted += finding.count
        elif finding.code < 500:  # noqa: PLR2004 - RFC 5321 §4.2.1
            verdict.deferred += finding.count
        elif finding.reason == "REPUTATION_BLOCK":
            verdict.blocked += finding.count
        else:
            verdict.hard += finding.count
    return verdict


def _mail(index: int) -> Message:
    wire = b"Subject: simulated\r\n\r\nhello\r\n"
    return Message(index, f"b{index}@from.example", f"to{index}@rcpt.example", wire)
