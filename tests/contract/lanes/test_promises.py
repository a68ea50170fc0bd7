"""Once each, on time, over the next hops, and nothing smuggled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.outcomes import judge
from domain.ports import Message, NotRendered, Phase
from domain.sending import Outcome
from tests.lanes_contract import Client, consignment, hop, mail
from tests.smtp_server import HANG, scripted


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
