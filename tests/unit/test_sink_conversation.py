"""The stand-in's conversation, byte for byte: strictness, scripted endings, the record."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.sink import session as session_module
from ops.sink.hosts import MX_HOSTS, SUBMISSION, MxHost
from ops.sink.received import Received
from ops.sink.session import SmtpSession, World

HELLO = b"EHLO client.test\r\n"
BODY = b"Message-ID: <abc@x.test>\r\nSubject: hi\r\n\r\nhello\r\n"


class Wire(asyncio.Transport):
    """The far end of a connection, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = self.aborted = False

    def write(self, data: Any) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True


class Client:
    """Speaks to a session of its own."""

    def __init__(
        self, folder: Path, host: MxHost = MX_HOSTS[0], world: World | None = None
    ) -> None:
        self.world = world or World(Received(folder))
        self.wire = Wire()
        self.session = SmtpSession(host, self.world)
        self.session.connection_made(self.wire)

    async def say(self, *pieces: bytes) -> list[str]:
        """Send each piece as a read of its own; the replies to all of them."""
        await asyncio.sleep(0)
        self.wire.sent = b""
        for piece in pieces:
            self.session.data_received(piece)
        await asyncio.sleep(0)
        return self.wire.sent.decode().splitlines()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.world.received.path.read_text().splitlines()]


def envelope(recipient: str) -> bytes:
    return f"MAIL FROM:<s@x.test>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()


def mail(recipient: str, body: bytes = BODY) -> bytes:
    return envelope(recipient) + body + b".\r\n"


@pytest.fixture
async def client(tmp_path: Path) -> Client:
    made = Client(tmp_path)
    await made.say(HELLO)
    return made


def codes(replies: list[str]) -> list[str]:
    return [line[:3] for line in replies if line[3:4] == " "]


async def test_it_greets_and_offers_what_the_lanes_need(tmp_path: Path) -> None:
    client = Client(tmp_path)
    await asyncio.sleep(0)
    assert client.wire.sent.startswith(b"220 gmail-smtp-in.l.google.example ")

    offers = await client.say(HELLO)

    told = {line[4:].split()[0] for line in offers[1:]}
    assert told == {"PIPELINING", "SIZE", "ENHANCEDSTATUSCODES", "8BITMIME"}


async def test_a_message_is_in_the_record_with_its_end(client: Client) -> None:
    replies = await client.say(mail("ann@gmail.com"))

    assert codes(replies) == ["250", "250", "354", "250"]
    (line,) = client.lines()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "recipient": "ann@gmail.com",
        "message_id": "abc@x.test",
        "mail_from": "s@x.test",
        "mx": "gmail-smtp-in.l.google.example",
        "size": len(BODY),
        "acknowledged": True,
    }


async def test_the_record_is_written_before_the_reply_and_without_it_there_is_none(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.world.received.close()  # the file cannot be written from here on

    replies = await client.say(mail("ann@gmail.com"))

    assert replies == []
    assert client.wire.aborted


async def test_pipelined_transactions_are_answered_in_order_in_one_write(client: Client) -> None:
    replies = await client.say(
        mail("ann@gmail.com") + mail("unknown@gmail.com").split(BODY)[0] + mail("bob@gmail.com")
    )

    first, refused = ["250", "250", "354", "250"], ["250", "550", "554"]
    order, last = ["503"], ["250", "354", "250"]
    assert codes(replies) == [*first, *refused, *order, *last]
    assert [line["recipient"] for line in client.lines()] == ["ann@gmail.com", "bob@gmail.com"]


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("tempfail@gmail.com", ["250", "451", "554"]),
        ("unknown@gmail.com", ["250", "550", "554"]),
        ("full@gmail.com", ["250", "452", "554"]),
        ("full5@gmail.com", ["250", "552", "554"]),
        ("policy@gmail.com", ["250", "550", "554"]),
    ],
)
async def test_mailboxes_that_refuse_at_rcpt(
    client: Client, recipient: str, expected: list[str]
) -> None:
    assert codes(await client.say(envelope(recipient))) == expected
    assert client.lines() == []


@pytest.mark.parametrize(
    ("recipient", "reply"),
    [("policy-data@gmail.com", "550 5.7.1"), ("reject-data@gmail.com", "554 5.6.0")],
)
async def test_mailboxes_that_refuse_at_the_dot(client: Client, recipient: str, reply: str) -> None:
    replies = await client.say(mail(recipient))

    assert replies[-1].startswith(reply)
    assert client.lines() == []


async def test_greylisting_refuses_a_recipient_once(client: Client) -> None:
    first = await client.say(envelope("greylist-1@gmail.com"), b"RSET\r\n")
    second = await client.say(mail("greylist-1@gmail.com"))
    other = await client.say(envelope("greylist-2@gmail.com"))

    assert codes(first) == ["250", "451", "554", "250"]
    assert codes(second) == ["250", "250", "354", "250"]
    assert codes(other)[1] == "451"


async def test_drop_before_dot_closes_at_data(client: Client) -> None:
    replies = await client.say(envelope("drop-before-dot@gmail.com"))

    assert codes(replies) == ["250", "250"]
    assert client.wire.closed
    assert client.lines() == []


async def test_drop_at_dot_takes_nothing_and_says_nothing(client: Client) -> None:
    replies = await client.say(mail("drop-at-dot@gmail.com"))

    assert codes(replies) == ["250", "250", "354"]
    assert client.wire.closed
    assert client.lines() == []


async def test_drop_after_dot_takes_the_mail_and_says_nothing(client: Client) -> None:
    replies = await client.say(mail("ann@gmail.com") + mail("drop-after-dot@gmail.com"))

    assert codes(replies) == ["250", "250", "354", "250", "250", "250", "354"]
    assert client.wire.closed
    assert [line["acknowledged"] for line in client.lines()] == [True, False]


async def test_slow_replies_late_and_keeps_the_order(client: Client) -> None:
    at_once = await client.say(mail("slow40@gmail.com") + mail("ann@gmail.com"))
    assert codes(at_once) == ["250", "250", "354"]

    async with asyncio.timeout(5):
        while client.wire.sent.count(b"\r\n") < 8:  # noqa: ASYNC110 - polls what has no event
            await asyncio.sleep(0.005)

    assert client.wire.sent.endswith(b"taken\r\n" + b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
        b"354 End data with <CR><LF>.<CR><LF>\r\n250 2.0.0 Ok: taken\r\n")  # fmt: skip


@pytest.mark.parametrize(
    "bad", [b"a\nb\r\n", b"a\rb\r\n", b"a\0b\r\n", b"x\n.\nMAIL\r\n", b"x\r.\r\r\n"]
)
async def test_bare_line_ends_and_nul_are_refused_whole(client: Client, bad: bytes) -> None:
    replies = await client.say(mail("ann@gmail.com", BODY + bad))

    assert codes(replies) == ["250", "250", "354", "554"]
    assert client.lines() == []


async def test_an_empty_message_is_a_message(client: Client) -> None:
    assert codes(await client.say(mail("ann@gmail.com", b"")))[-1] == "250"
    assert client.lines()[0]["size"] == 0


async def test_too_big_a_message_is_refused_at_its_end_and_not_held(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "SIZE_MAX", 5000)
    piece = b"y" * 998 + b"\r\n"

    replies = await client.say(envelope("ann@gmail.com"), *[piece] * 40, b".\r\n", b"NOOP\r\n")

    assert codes(replies) == ["250", "250", "354", "552", "250"]


async def test_a_declared_size_beyond_the_limit_is_refused(client: Client) -> None:
    assert codes(await client.say(b"MAIL FROM:<a@b.test> SIZE=99999999\r\n")) == ["552"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"RCPT TO:<a@b.test>\r\n", "503"),
        (b"DATA\r\n", "503"),
        (b"BOGUS\r\n", "500"),
        (b"NO\nOP\r\n", "500"),
        (b"MAIL FROM:a@b.test\r\n", "501"),
        (b"MAIL TO:<a@b.test>\r\n", "501"),
        (b"STARTTLS\r\n", "502"),
        (b"AUTH PLAIN AGEAYg==\r\n", "502"),
        (b"x" * 3000, "500"),
    ],
)
async def test_wrong_commands_are_refused(client: Client, line: bytes, code: str) -> None:
    assert codes(await client.say(line)) == [code]


async def test_nothing_is_taken_before_a_greeting(tmp_path: Path) -> None:
    client = Client(tmp_path)

    assert codes(await client.say(envelope("a@gmail.com"))) == ["503", "503", "503"]


async def test_the_submission_host_wants_a_login(tmp_path: Path) -> None:
    client = Client(tmp_path, SUBMISSION)
    await client.say(HELLO)

    assert codes(await client.say(b"MAIL FROM:<a@b.test>\r\n")) == ["530"]
    assert codes(await client.say(b"AUTH PLAIN AHVzZXIAd3Jvbmc=\r\n")) == ["535"]
    dialogue = await client.say(b"AUTH LOGIN\r\n", b"dXNlcg==\r\n", b"cGFzcw==\r\n")
    assert codes(dialogue) == ["334", "334", "235"]
    assert codes(await client.say(mail("x@gmail.com"))) == ["250", "250", "354", "250"]


async def test_dots_are_unstuffed_for_the_reader(client: Client) -> None:
    await client.say(mail("ann@gmail.com", b"..first\r\n..\r\nlast\r\n"))

    (kept,) = client.world.received.newest()
    assert kept.content == b".first\r\n.\r\nlast\r\n"


STREAM = (
    HELLO
    + mail("ann@gmail.com", BODY + b"..dots\r\n..\r\n")
    + envelope("unknown@gmail.com")
    + b"RSET\r\n"
    + mail("bob@gmail.com", b"")
    + mail("eve@gmail.com", BODY + b"bad\n.\nbare\r\n")
    + b"QUIT\r\nMAIL FROM:<late@x.test>\r\n"
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(1, len(STREAM) - 1), max_size=40))
def test_where_reads_are_cut_changes_nothing(cuts: list[int], tmp_path: Path) -> None:
    """Replies and record are those of the stream, however TCP cuts it."""
    edges = [0, *sorted(set(cuts)), len(STREAM)]
    pieces = [STREAM[start:stop] for start, stop in itertools.pairwise(edges)]

    async def speak(given_pieces: list[bytes], name: str) -> tuple[list[str], list[Any]]:
        client = Client(tmp_path / name)
        replies = await client.say(*given_pieces)
        kept = [(m.recipient, m.wire) for m in client.world.received.newest()]
        client.world.received.close()
        return replies, kept

    assert asyncio.run(speak(pieces, "cut")) == asyncio.run(speak([STREAM], "whole"))


async def test_memory_for_kept_messages_is_bounded_in_number_and_bytes(tmp_path: Path) -> None:
    world = World(Received(tmp_path, kept=3, kept_bytes=9950))
    client = Client(tmp_path, world=world)
    await client.say(HELLO, *[mail(f"u{number}@gmail.com") for number in range(5)])
    kept = [mail.recipient for mail in world.received.newest()]
    assert kept == [b"u4@gmail.com", b"u3@gmail.com", b"u2@gmail.com"]

    await client.say(mail("big@gmail.com", (b"z" * 900 + b"\r\n") * 11))

    assert [m.recipient for m in world.received.newest()] == [b"big@gmail.com"]
    assert world.received.count == 6


async def test_counting_goes_on_where_an_earlier_life_stopped(
    client: Client, tmp_path: Path
) -> None:
    await client.say(mail("ann@gmail.com"), mail("bob@gmail.com"))

    assert Received(tmp_path).count == 2


async def test_each_connection_is_counted_whatever_comes_of_it(tmp_path: Path) -> None:
    client = Client(tmp_path)
    Client(tmp_path, world=client.world).session.connection_lost(None)

    assert (tmp_path / "connections").stat().st_size == 2
