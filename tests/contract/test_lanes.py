"""What domain.ports.Lanes promises, on both clients that implement it, with and without PIPELINING.

reference/reliability.md §3.4 (phase table) and F16-F19, F26.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from adapters.smtp_account import AccountLanes
from adapters.smtp_lane import Options, SmtpLanes
from domain.outcomes import judge
from domain.ports import Consignment, Lanes, Message, NextHop, NotRendered, Phase, Reply
from domain.sending import Outcome
from tests.smtp_server import DROP, HANG, Answer, Script, ScriptedServer, scripted

OPTIONS = Options(
    hello_name="client.test", connections=2, timeout_s=0.4, dot_timeout_s=0.4, connect_timeout_s=0.4
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


@pytest.fixture(
    params=["lane, pipelined", "lane, plain", "account, pipelined", "account, plain"],
)
def make(request: pytest.FixtureRequest) -> Callable[..., Client]:
    name, _, style = request.param.partition(", ")
    extensions = ("PIPELINING", "SIZE 1000") if style == "pipelined" else ("SIZE 1000",)

    def build(**changes: object) -> Client:
        notes = KeptNotes()
        options = replace(OPTIONS, **changes)  # type: ignore[arg-type]
        return Client(MAKERS[name](notes, options), notes, extensions)

    return build


@pytest.fixture
async def client(make: Callable[..., Client]) -> Client:
    return make()


async def test_every_message_arrives_once_and_byte_for_byte(client: Client) -> None:
    async with scripted(client.script()) as server:
        reports = await client.deliver(hop(server), size=40)
        await client.lanes.close()

    assert sorted(reports) == list(range(40))
    assert {(r.phase, r.code, r.mx) for r in reports.values()} == {(Phase.DOT, 250, "127.0.0.1")}
    assert sorted(found.rcpts for found in server.mails) == sorted(
        [[f"to{index}@rcpt.test"] for index in range(40)]
    )
    for found in server.mails:
        index = int(found.rcpts[0][2:].split("@")[0])
        assert found.mail_from == f"b-{index}@from.test"
        assert found.data == f"Subject: {index}\r\n\r\nHello.\r\n.dot {index}\r\n".encode()
    assert server.early == 0
    assert sorted(client.notes.dots) == list(range(40))
    assert client.notes.replies == dict.fromkeys(range(40), 250)


#: reference/reliability.md §3.4: where it failed → phase, code, outcome, whether a dot was written
PHASES = [
    ("BANNER", b"421 too busy", "banner", 421, Outcome.DEFERRED, 0),
    ("BANNER", b"554 5.7.1 blocked", "banner", 554, Outcome.REJECTED, 0),
    ("EHLO", b"421 4.3.2 not now", "ehlo", 421, Outcome.DEFERRED, 0),
    ("MAIL", b"450 4.7.1 wait", "mail", 450, Outcome.DEFERRED, 0),
    ("MAIL", b"550 5.1.8 who are you", "mail", 550, Outcome.REJECTED, 0),
    ("MAIL", b"421 4.7.0 go", "mail", 421, Outcome.DEFERRED, 0),
    ("MAIL", DROP, "mail", 0, Outcome.DEFERRED, 0),
    ("MAIL", HANG, "mail", 0, Outcome.DEFERRED, 0),
    ("MAIL", b"what?", "mail", 0, Outcome.DEFERRED, 0),
    ("RCPT", b"451 4.7.1 greylisted", "rcpt", 451, Outcome.DEFERRED, 0),
    ("RCPT", b"450-4.2.1 one\r\n450 4.2.1 two", "rcpt", 450, Outcome.DEFERRED, 0),
    ("RCPT", b"550 5.1.1 user unknown", "rcpt", 550, Outcome.REJECTED, 0),
    ("RCPT", b"452 4.2.2 full", "rcpt", 452, Outcome.DEFERRED, 0),
    ("RCPT", b"421 4.7.0 go", "rcpt", 421, Outcome.DEFERRED, 0),
    ("RCPT", DROP, "rcpt", 0, Outcome.DEFERRED, 0),
    ("RCPT", HANG, "rcpt", 0, Outcome.DEFERRED, 0),
    ("RCPT", b"x" * 1_000_000, "rcpt", 0, Outcome.DEFERRED, 0),
    ("DATA", b"451 4.3.0 no", "data", 451, Outcome.DEFERRED, 0),
    ("DATA", b"554 5.7.1 no", "data", 554, Outcome.REJECTED, 0),
    ("DATA", DROP, "data", 0, Outcome.DEFERRED, 0),
    ("DATA", HANG, "data", 0, Outcome.DEFERRED, 0),
    ("DATA", b"250 what", "data", 0, Outcome.DEFERRED, 0),
    ("DOT", b"250 ok", "dot", 250, Outcome.ACCEPTED, 1),
    ("DOT", b"250-one\r\n250 two", "dot", 250, Outcome.ACCEPTED, 1),
    ("DOT", b"451 4.3.0 later", "dot", 451, Outcome.DEFERRED, 1),
    ("DOT", b"421 4.3.2 closing", "dot", 421, Outcome.DEFERRED, 1),
    ("DOT", b"554 5.7.1 spam", "dot", 554, Outcome.REJECTED, 1),
    ("DOT", DROP, "dot", 0, Outcome.AMBIGUOUS, 1),
    ("DOT", HANG, "dot", 0, Outcome.AMBIGUOUS, 1),
    ("DOT", b"fine, thanks", "dot", 0, Outcome.AMBIGUOUS, 1),
    ("DOT", b"x" * 1_000_000, "dot", 0, Outcome.AMBIGUOUS, 1),
    ("DOT", b"250-" + b"x" * 1_000_000 + b"\r\n250 ok", "dot", 0, Outcome.AMBIGUOUS, 1),
    ("DOT", b"354 go on", "dot", 0, Outcome.AMBIGUOUS, 1),
]


@pytest.mark.parametrize(
    ("verb", "answer", "phase", "code", "outcome", "dotted"),
    PHASES,
    ids=[f"{row[0]}-{row[1][:16].decode()}-{len(row[1])}" for row in PHASES],
)
async def test_each_way_to_fail_is_told_by_phase_and_code(
    client: Client,
    verb: str,
    answer: bytes,
    phase: str,
    code: int,
    outcome: Outcome,
    dotted: int,
) -> None:
    async with scripted(client.script(**{verb: answer})) as server:
        reports = await client.deliver(hop(server))
        await client.lanes.close()

    assert (reports[0].phase, reports[0].code) == (phase, code)
    assert judge(reports[0]).outcome is outcome
    assert client.notes.dots == ([0] if dotted else [])
    assert len(server.mails) == dotted
    assert server.early == 0


async def test_a_refusal_of_one_leaves_the_others_alone(client: Client) -> None:
    answers: dict[str, Answer] = {
        "RCPT": lambda _, line: b"550 5.1.1 unknown" if "to3@" in line else b"250 ok",
        "MAIL": lambda _, line: b"451 4.7.1 later" if "b-5@" in line else b"250 ok",
        "DOT": lambda _, rcpt: b"554 5.7.1 spam" if "to7@" in rcpt else b"250 ok",
    }

    async with scripted(client.script(**answers)) as server:
        reports = await client.deliver(hop(server), size=12)
        await client.lanes.close()

    found = {index: (r.phase, r.code) for index, r in reports.items() if r.code != 250}
    assert found == {3: (Phase.RCPT, 550), 5: (Phase.MAIL, 451), 7: (Phase.DOT, 554)}
    assert len(reports) == 12
    assert all(len(taken.rcpts) <= 1 for taken in server.mails)
    assert [taken for taken in server.mails if not taken.data and taken.rcpts] == []


async def test_f17_a_dropped_dot_is_ambiguous_and_never_sent_again(client: Client) -> None:
    def dot(count: int, _: str) -> bytes:
        return DROP if count % 3 == 0 else b"250 ok"

    async with scripted(client.script(DOT=dot)) as server:
        reports = await client.deliver(hop(server), size=20)
        await client.lanes.close()

    came = sorted(int(found.rcpts[0][2:].split("@")[0]) for found in server.mails)
    outcomes = {index: judge(reply).outcome for index, reply in reports.items()}
    assert len(reports) == 20
    assert came == sorted(i for i, found in outcomes.items() if found is not Outcome.DEFERRED)
    assert len(came) >= 14  # a message whose connection broke twice under it waits for another day
    assert [*outcomes.values()].count(Outcome.AMBIGUOUS) == len(came) // 3


async def test_f18_a_drop_before_the_dot_is_tried_on_one_more_connection(client: Client) -> None:
    def data(count: int, _: str) -> bytes:
        return DROP if count == 1 else b"354 go"

    async with scripted(client.script(DATA=data)) as server:
        reports = await client.deliver(hop(server))
        await client.lanes.close()

    assert reports[0].code == 250
    assert len(server.mails) == 1
    assert client.notes.dots == [0]


async def test_without_a_journal_note_no_dot_is_written(client: Client) -> None:
    client.notes.failing = True

    async with scripted(client.script()) as server:
        reports = await client.deliver(hop(server), size=5)
        await client.lanes.close()

    assert {(r.phase, r.code) for r in reports.values()} == {(Phase.DATA, 0)}
    assert {judge(r).reason for r in reports.values()} == {"OWN_FAULT"}
    assert len(reports) == 5
    assert server.mails == []


async def test_no_dot_is_written_after_the_deadline(client: Client) -> None:
    async with scripted(client.script()) as server:
        reports = await client.deliver(hop(server), size=5, seconds=-1)
        await client.lanes.close()

    assert len(reports) == 5
    assert {r.code for r in reports.values()} == {0}
    assert {judge(r).reason for r in reports.values()} == {"OWN_FAULT"}
    assert client.notes.dots == []
    assert server.mails == []


@pytest.mark.parametrize(
    ("verb", "phase"), [("BANNER", "connect"), ("RCPT", "rcpt"), ("DOT", "dot")]
)
async def test_at_the_deadline_everything_is_reported_as_it_stands(
    make: Callable[..., Client], verb: str, phase: str
) -> None:
    client = make(timeout_s=20, dot_timeout_s=20, connections=1)

    async with scripted(client.script(**{verb: HANG})) as server:
        started = time.monotonic()
        reports = await client.deliver(hop(server), size=4, seconds=0.3)
        took_s = time.monotonic() - started
        await client.lanes.close()

    assert len(reports) == 4
    assert {r.code for r in reports.values()} == {0}
    assert (reports[0].phase, reports[3].phase) == (phase, "connect")
    assert 0.25 < took_s < 2


async def test_a_late_go_ahead_gets_no_dot(make: Callable[..., Client]) -> None:
    client = make(timeout_s=20)
    go = asyncio.Event()
    script = replace(client.script(), gates={"DATA": go})

    async with scripted(script) as server:
        reports = dict(await client.deliver(hop(server), seconds=0.3))
        go.set()
        await client.lanes.close()

    assert (reports[0].phase, reports[0].code) == (Phase.DATA, 0)

    assert client.notes.dots == []
    assert server.mails == []


async def test_f3_a_process_that_was_stopped_past_the_deadline_writes_no_dot(
    client: Client,
) -> None:
    def data(_: int, __: str) -> bytes:
        time.sleep(0.4)  # everything stands still, as under SIGSTOP
        return b"354 go"

    async with scripted(client.script(DATA=data)) as server:
        reports = await client.deliver(hop(server), seconds=0.3)
        await client.lanes.close()

    assert reports[0].code == 0
    assert judge(reports[0]).reason == "OWN_FAULT"
    assert client.notes.dots == []
    assert server.mails == []


async def test_a_refused_connection_goes_to_the_next_hop(client: Client) -> None:
    async with scripted(client.script()) as gone:
        dead = hop(gone)
    async with scripted(client.script()) as server:
        reports = await client.deliver(dead, hop(server), size=6)
        await client.lanes.close()

    assert [r.code for r in reports.values()] == [250] * 6


async def test_when_all_hops_fail_the_phase_is_connect(client: Client) -> None:
    async with scripted() as one, scripted() as two:
        dead = hop(one), hop(two)

    reports = await client.deliver(*dead, size=3)
    await client.lanes.close()

    assert [(r.phase, r.code) for r in reports.values()] == [(Phase.CONNECT, 0)] * 3


async def test_a_host_that_defers_us_is_not_walked_around(client: Client) -> None:
    async with (
        scripted(client.script(BANNER=b"421 4.7.0 too many connections")) as first,
        scripted(client.script()) as second,
    ):
        reports = await client.deliver(hop(first), hop(second), size=3)
        await client.lanes.close()

    assert [(r.phase, r.code) for r in reports.values()] == [(Phase.BANNER, 421)] * 3
    assert second.connections == 0


async def test_a_host_that_rejects_us_at_the_door_is_walked_around(client: Client) -> None:
    async with (
        scripted(client.script(BANNER=b"554 no service")) as first,
        scripted(client.script()) as second,
    ):
        reports = await client.deliver(hop(first), hop(second), size=3)
        await client.lanes.close()

    assert [r.code for r in reports.values()] == [250] * 3
    assert first.mails == []


async def test_without_hops_everything_is_deferred(client: Client) -> None:
    reports = await client.deliver(size=2)
    await client.lanes.close()

    assert [(r.phase, r.code) for r in reports.values()] == [(Phase.CONNECT, 0)] * 2


async def test_a_message_that_cannot_be_made_is_left_out(client: Client) -> None:
    def render(index: int) -> Message:
        if index % 2:
            raise NotRendered
        return mail(index)

    async with scripted(client.script()) as server:
        made = replace(consignment([hop(server)], range(6)), render=render)
        await client.lanes.deliver(made, client.report)
        await client.lanes.close()

    assert sorted(client.reports) == [0, 2, 4]
    assert len(server.mails) == 3


async def test_the_source_address_is_bound(client: Client) -> None:
    async with scripted(client.script()) as server:
        reports = await client.deliver(hop(server), source="127.0.0.9")
        await client.lanes.close()

    assert reports[0].code == 250
    assert set(server.peers) == {"127.0.0.9"}


async def test_a_connection_carries_no_more_than_its_share(make: Callable[..., Client]) -> None:
    client = make(messages_max=3, connections=1)

    async with scripted(client.script()) as server:
        reports = await client.deliver(hop(server), size=10)
        await client.lanes.close()

    carried = [found.connection for found in server.mails]
    assert [r.code for r in reports.values()] == [250] * 10
    assert max(carried.count(number) for number in carried) <= 3
    assert len(server.lines("QUIT")) == server.connections == 4


@pytest.mark.parametrize(
    "address", ["a@b\r\nRCPT TO:<c@d>", "a@b> SIZE=1", "a b@c", "a@b\x00", "<a@b"]
)
async def test_an_address_cannot_smuggle_a_command(client: Client, address: str) -> None:
    def render(index: int) -> Message:
        return Message(index, "b@from.test", address, b"x\r\n")

    async with scripted(client.script()) as server:
        made = replace(consignment([hop(server)], [0]), render=render)
        await client.lanes.deliver(made, client.report)
        await client.lanes.close()

    assert judge(client.reports[0]).reason == "OWN_FAULT"
    assert server.lines("RCPT") == []
    assert server.mails == []


@pytest.mark.parametrize(
    "wire",
    [b"a\r\n.\r\nMAIL FROM:<x@y>\r\n", b"a\n.\nb\r\n", b".\r\nb", b"a\n.\r\nb", b"a\r\n.x\r\n"],
)
async def test_a_text_cannot_end_before_its_end(client: Client, wire: bytes) -> None:
    def render(index: int) -> Message:
        return Message(index, "b@from.test", "a@rcpt.test", wire)

    async with scripted(client.script()) as server:
        made = replace(consignment([hop(server)], [0]), render=render)
        await client.lanes.deliver(made, client.report)
        await client.lanes.close()

    assert judge(client.reports[0]).reason == "OWN_FAULT"
    assert server.mails == []


async def test_an_address_beyond_ascii_needs_smtputf8(client: Client) -> None:
    def render(index: int) -> Message:
        return Message(index, "b@from.test", "jürgen@rcpt.test", b"x\r\n")

    offered = replace(client.script(), extensions=(*client.extensions, "SMTPUTF8"))
    async with scripted(client.script()) as without, scripted(offered) as with_it:
        for index, server in enumerate((without, with_it)):
            made = replace(consignment([hop(server)], [index]), render=render)
            await client.lanes.deliver(made, client.report)
        await client.lanes.close()

    assert judge(client.reports[0]).outcome is Outcome.REJECTED
    assert not judge(client.reports[0]).hard
    assert client.reports[1].code == 250
    assert "SMTPUTF8" in with_it.lines("MAIL")[0]
    assert with_it.mails[0].rcpts == ["jürgen@rcpt.test"]


async def test_cancelled_it_reports_what_is_open_and_writes_no_further_dot(
    make: Callable[..., Client],
) -> None:
    client = make(timeout_s=20, dot_timeout_s=20, connections=1)
    came = asyncio.Event()

    def dot(count: int, _: str) -> bytes:
        if count < 3:
            return b"250 ok"
        came.set()
        return HANG

    async with scripted(client.script(DOT=dot)) as server:
        task = asyncio.create_task(client.deliver(hop(server), size=6))
        async with asyncio.timeout(5):
            await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        reported = dict(client.reports)
        await client.lanes.close()

    assert client.reports == reported
    assert sorted(reported) == list(range(6))
    assert sorted(judge(r).outcome for r in reported.values()) == [
        "accepted", "accepted", "ambiguous", "deferred", "deferred", "deferred",
    ]  # fmt: skip
    assert len(server.mails) == 3


async def test_close_lets_what_is_under_way_end(client: Client) -> None:
    came = asyncio.Event()

    def dot(_: int, __: str) -> bytes:
        came.set()
        return b"250 ok"

    async with scripted(client.script(DOT=dot)) as server:
        task = asyncio.create_task(client.deliver(hop(server), size=30))
        async with asyncio.timeout(5):
            await came.wait()
        await client.lanes.close()
        reports = await task
        await client.lanes.deliver(consignment([hop(server)], [99]), client.report)

    assert [reports[index].code for index in range(30)] == [250] * 30
    assert judge(reports[99]).reason == "OWN_FAULT"
    assert len(server.mails) == 30


async def test_an_empty_consignment_is_done(client: Client) -> None:
    assert await client.deliver(size=0) == {}
    await client.lanes.close()
