"""Pipelining (RFC 2920), reuse of connections and its limits, turns and slow servers."""

from __future__ import annotations

import asyncio
from typing import cast

from adapters.dot_journal import DotJournal
from domain.ports import NextHop
from tests.lane_kit import PIPELINING, hop, sender, until
from tests.smtp_server import Script, scripted

# ---- pipelining (RFC 2920)


class ChunkServer(asyncio.Protocol):
    """Answers all it got at once, and keeps the chunks as they came."""

    chunks: list[bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.in_text = False
        self._write([b"220 hi"])

    def data_received(self, data: bytes) -> None:
        type(self).chunks.append(data)
        self._write([answer for line in data.splitlines() if (answer := self._answer(line))])

    def _answer(self, line: bytes) -> bytes:
        if self.in_text:
            self.in_text = line != b"."
            return b"" if self.in_text else b"250 taken"
        self.in_text = line == b"DATA"
        verbs = {b"EHLO": b"250-hi\r\n250 PIPELINING", b"DATA": b"354 go", b"QUIT": b"221 bye"}
        return verbs.get(line[:4], b"250 ok")

    def _write(self, lines: list[bytes]) -> None:
        self.transport.write(b"".join(line + b"\r\n" for line in lines))


async def test_text_and_next_envelope_leave_in_one_write(journal: DotJournal) -> None:
    ChunkServer.chunks = []
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(ChunkServer, "127.0.0.1", 0)
    client = sender(journal)

    port = listener.sockets[0].getsockname()[1]
    await client.deliver([NextHop("127.0.0.1", port, "never")], range(3))
    await client.lanes.close()
    listener.close()

    verbs = [[line[:4] for line in chunk.splitlines()] for chunk in ChunkServer.chunks]
    text = [b"Subj", b"", b"hi", b"."]
    envelope = [b"MAIL", b"RCPT", b"DATA"]
    assert verbs == [[b"EHLO"], envelope, text + envelope, text + envelope, text, [b"QUIT"]]


async def test_a_go_ahead_after_a_refused_recipient_gets_a_lone_dot(journal: DotJournal) -> None:
    def rcpt(_: int, line: str) -> bytes:
        return b"550 5.1.1 unknown" if "to1@" in line else b"250 ok"

    client = sender(journal)
    async with scripted(Script({"RCPT": rcpt, "DATA": b"354 go"}, PIPELINING)) as server:
        await client.deliver([hop(server)], range(4))
        await client.lanes.close()

    empty = [found for found in server.mails if not found.rcpts]
    assert [found.data for found in empty] == [b""]
    assert client.codes() == [250, 550, 250, 250]
    assert server.connections == 1


async def test_a_go_ahead_after_a_refused_sender_reaches_nobody(journal: DotJournal) -> None:
    client = sender(journal)
    async with scripted(Script({"MAIL": b"550 5.1.8 no"}, PIPELINING)) as server:
        await client.deliver([hop(server)], [0])
        await client.lanes.close()

    assert client.codes() == [550]
    assert server.mails == []


# ---- reuse and its limits


async def test_one_connection_serves_consignment_after_consignment(journal: DotJournal) -> None:
    client = sender(journal)
    async with scripted() as server:
        for index in range(5):
            await client.deliver([hop(server)], [index])
        await client.lanes.close()

    assert client.codes() == [250] * 5
    assert [client.reports[index].first_in_session for index in range(5)] == [True, *[False] * 4]
    assert server.connections == 1


async def test_an_idle_connection_is_left_politely(journal: DotJournal) -> None:
    client = sender(journal, idle_s=0.1)
    async with scripted() as server:
        await client.deliver([hop(server)], [0])
        await until(lambda: server.standing == 0)
        await client.deliver([hop(server)], [1])
        await client.lanes.close()

    assert client.codes() == [250, 250]
    assert server.connections == len(server.lines("QUIT")) == 2


async def test_a_connection_that_is_too_old_takes_no_further_message(journal: DotJournal) -> None:
    client = sender(journal, age_max_s=0)
    async with scripted() as server:
        await client.deliver([hop(server)], range(3))
        await client.lanes.close()

    assert client.codes() == [250] * 3
    assert server.connections == len(server.lines("QUIT")) == 3


async def test_a_server_that_ended_an_idle_session_costs_no_message(journal: DotJournal) -> None:
    client = sender(journal)
    async with scripted(Script({"DOT": b"250 ok\r\n421 4.4.2 idle too long"})) as server:
        for index in range(3):
            await client.deliver([hop(server)], [index])
        await client.lanes.close()

    assert client.codes() == [250] * 3
    assert len(server.mails) == 3


async def test_a_lane_keeps_to_its_number_of_connections(journal: DotJournal) -> None:
    client = sender(journal, connections=3)
    gate = asyncio.Event()
    async with scripted(Script(gates={"DOT": gate})) as server:
        tasks = [
            asyncio.create_task(client.deliver([hop(server)], range(at, at + 40)))
            for at in (0, 40, 80)
        ]
        await until(lambda: server.standing == 3)
        gate.set()
        await asyncio.gather(*tasks)
        await client.lanes.close()

    assert client.codes() == [250] * 120
    assert server.standing_max == 3


async def test_a_session_ended_by_421_in_the_middle_goes_on_in_another(journal: DotJournal) -> None:
    def mail_from(count: int, _: str) -> bytes:
        return b"421 4.7.0 too many messages in this session" if count % 5 == 0 else b"250 ok"

    client = sender(journal)
    async with scripted(Script({"MAIL": mail_from})) as server:
        await client.deliver([hop(server)], range(20))
        await client.lanes.close()

    assert client.codes() == [250] * 20
    assert len(server.mails) == 20


async def test_consignments_on_a_lane_take_turns(journal: DotJournal) -> None:
    client = sender(journal, messages_max=1000)
    async with scripted() as server:
        big = asyncio.create_task(client.deliver([hop(server)], range(400)))
        small = asyncio.create_task(client.deliver([hop(server)], range(1000, 1010)))
        await asyncio.gather(big, small)
        await client.lanes.close()

    order = [int(found.rcpts[0][2:].split("@")[0]) for found in server.mails]
    assert len(order) == 410
    assert max(order.index(index) for index in range(1000, 1010)) < 60


async def test_f15_a_slow_server_holds_up_no_other(journal: DotJournal) -> None:
    client = sender(journal, timeout_s=10)
    gate = asyncio.Event()
    async with scripted(Script(gates={"MAIL": gate})) as slow, scripted() as quick:
        waiting = asyncio.create_task(client.deliver([hop(slow)], range(50)))
        await client.deliver([hop(quick)], range(100, 120))
        assert len(client.reports) == 20
        gate.set()
        await waiting
        await client.lanes.close()

    assert client.codes() == [250] * 70
