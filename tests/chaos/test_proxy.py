"""The chaos proxy: each toxic does to real connections what its name says."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest

from ops.chaos.proxy import Address, Proxy
from ops.chaos.toxics import CHANGES, DOWN, UP, Toxic
from tests.worker_kit import until

PATIENCE_S = 5.0
ENVELOPE = b"MAIL FROM:<a@b.test>\r\nDATA\r\n"
MAIL = b"Subject: x\r\n\r\nhello\r\n.\r\n"


class Server:
    """Keeps what it reads, and answers every line that it knows."""

    def __init__(self) -> None:
        self.read = b""
        self.answers: dict[bytes, bytes] = {b"PING\r\n": b"PONG\r\n", b"\r\n.\r\n": b"250 Ok\r\n"}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen = b""
        while chunk := await reader.read(65536):
            self.read += chunk
            seen += chunk
            for asked, answer in self.answers.items():
                if seen.endswith(asked):
                    writer.write(answer)
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[Server, Proxy]]:
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    host, port = listener.sockets[0].getsockname()[:2]
    rng = random.Random(1)
    try:
        async with Proxy(Address("127.0.0.1", 0), Address(host, port), rng) as proxy:
            yield server, proxy
    finally:
        for client in Client.opened:
            client.writer.close()
        Client.opened.clear()
        listener.close()
        await listener.wait_closed()


class Client:
    """One connection through the proxy."""

    opened: ClassVar[list[Client]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.opened.append(self)

    @classmethod
    async def to(cls, proxy: Proxy) -> Client:
        return cls(*await asyncio.open_connection(proxy.listen.host, proxy.listen.port))

    async def ask(self, text: bytes) -> bytes:
        """What comes back; empty when the connection closed."""
        if text:
            self.writer.write(text)
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read(1 << 22)
            except ConnectionError:
                return b"reset"


async def test_a_healthy_link_carries_both_ways() -> None:
    async with linked() as (server, proxy):
        client = await Client.to(proxy)

        assert await client.ask(b"PING\r\n") == b"PONG\r\n"
        assert server.read == b"PING\r\n"


async def test_latency_is_waited_and_is_over_once_it_is_removed() -> None:
    async with linked() as (_, proxy):
        client, toxic = await Client.to(proxy), Toxic("latency", ms=200)
        proxy.add(toxic)
        began = time.monotonic()
        assert await client.ask(b"PING\r\n") == b"PONG\r\n"
        assert time.monotonic() - began >= 0.2
        proxy.remove(toxic)

        assert await client.ask(b"PING\r\n") == b"PONG\r\n"


async def test_a_timeout_lets_nothing_pass_until_it_is_removed() -> None:
    async with linked() as (_, proxy):
        client, toxic = await Client.to(proxy), Toxic("timeout")
        proxy.add(toxic)
        asked = asyncio.create_task(client.ask(b"PING\r\n"))
        await asyncio.sleep(0.05)
        silent = not asked.done()
        proxy.remove(toxic)

        assert silent
        assert await asked == b"PONG\r\n"


async def test_a_timeout_with_a_time_closes_then() -> None:
    async with linked() as (_, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("timeout", ms=20))

        assert await client.ask(b"PING\r\n") == b""


async def test_reset_peer_resets() -> None:
    async with linked() as (_, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("reset_peer"))

        assert await client.ask(b"PING\r\n") == b"reset"


async def test_limit_data_lets_so_many_bytes_pass() -> None:
    async with linked() as (_, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("limit_data", bytes=3))

        assert await client.ask(b"PING\r\n") == b"PON"


async def test_a_slicer_delivers_everything_in_pieces() -> None:
    async with linked() as (server, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("slicer", way=UP, bytes=1))

        assert await client.ask(b"PING\r\n") == b"PONG\r\n"
        assert server.read == b"PING\r\n"


async def test_bandwidth_takes_its_time() -> None:
    async with linked() as (_, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("bandwidth", rate_kb_s=0.03))
        began = time.monotonic()

        assert await client.ask(b"PING\r\n") == b"PONG\r\n"
        assert time.monotonic() - began >= 0.15


async def test_down_ends_what_stands_and_takes_nothing_new() -> None:
    async with linked() as (server, proxy):
        client, toxic = await Client.to(proxy), Toxic("down")
        assert await client.ask(b"PING\r\n") == b"PONG\r\n"
        proxy.add(toxic)
        assert await client.ask(b"PING\r\n") in {b"", b"reset"}
        assert await (await Client.to(proxy)).ask(b"PING\r\n") in {b"", b"reset"}
        proxy.remove(toxic)

        assert await (await Client.to(proxy)).ask(b"PING\r\n") == b"PONG\r\n"
        assert server.read == b"PING\r\n" * 2


async def test_a_held_reply_that_is_dropped_leaves_a_taken_message_unanswered() -> None:
    async with linked() as (server, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("hold_reply", ms=10, then="drop"))

        assert await client.ask(MAIL) == b""
        assert server.read == MAIL
        await until(lambda: proxy.unanswered == 1, PATIENCE_S)


async def test_a_held_reply_comes_late() -> None:
    async with linked() as (_, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("hold_reply", ms=100))
        began = time.monotonic()

        assert await client.ask(MAIL) == b"250 Ok\r\n"
        assert time.monotonic() - began >= 0.1
        assert proxy.unanswered == 0


@pytest.mark.parametrize("pieces", [1, 2, 3, len(MAIL)])
async def test_a_drop_before_the_dot_keeps_the_dot_from_the_server(pieces: int) -> None:
    async with linked() as (server, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("drop_before_dot"))
        size = -(-len(MAIL) // pieces)
        for at in range(0, len(MAIL), size):
            client.writer.write(MAIL[at : at + size])
            await asyncio.sleep(0.01)

        assert await client.ask(b"") in {b"", b"reset"}
        assert b"hello" in server.read or pieces == len(MAIL)
        assert b"\r\n.\r\n" not in server.read
        assert proxy.unanswered == 0


@pytest.mark.parametrize(
    ("toxic", "unanswered", "unfinished"),
    [
        (Toxic("drop_before_dot"), 0, 1),  # the client wrote a dot, and nobody got it
        (Toxic("limit_data", way=UP, bytes=len(ENVELOPE) + 20), 0, 1),
        (Toxic("hold_reply", ms=1, then="drop"), 1, 0),
        (Toxic("reset_peer", way=UP), 0, 0),  # before any message
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
async def test_a_message_that_was_under_way_is_counted_once_as_a_dot_in_doubt(
    toxic: Toxic, unanswered: int, unfinished: int
) -> None:
    async with linked() as (server, proxy):
        server.answers[ENVELOPE] = b"354 go on\r\n"
        client = await Client.to(proxy)
        if unanswered or unfinished:
            assert await client.ask(ENVELOPE) == b"354 go on\r\n"
        proxy.add(toxic)
        assert await client.ask(MAIL) in {b"", b"reset"}

        await until(lambda: proxy.unanswered + proxy.unfinished == unanswered + unfinished, 5.0)
        assert (proxy.unanswered, proxy.unfinished) == (unanswered, unfinished)


async def test_an_answer_stands_in_place_of_the_reply_to_the_dot_alone() -> None:
    async with linked() as (_, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("answer", text="what?\r\n", repeat=3))

        assert await client.ask(b"PING\r\n") == b"PONG\r\n"
        assert await client.ask(MAIL) == b"what?\r\n" * 3
        await until(lambda: proxy.unanswered == 1, PATIENCE_S)


async def test_broken_tls_lets_the_offer_pass_and_garbles_the_handshake() -> None:
    async with linked() as (server, proxy):
        server.answers = {b"STARTTLS\r\n": b"220 go on\r\n", b"hello": b"server hello"}
        client = await Client.to(proxy)
        proxy.add(Toxic("break_tls"))

        assert await client.ask(b"STARTTLS\r\n") == b"220 go on\r\n"
        assert b"server hello" not in await client.ask(b"client hello")


async def test_a_share_befalls_some_connections_and_not_others() -> None:
    async with linked() as (_, proxy):
        proxy.add(Toxic("reset_peer", share=0.5))
        answers = [await (await Client.to(proxy)).ask(b"PING\r\n") for _ in range(40)]

        assert 8 < answers.count(b"PONG\r\n") < 32


async def test_slow_close_closes_late() -> None:
    async with linked() as (_, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("slow_close", way=UP, ms=150))
        began = time.monotonic()
        client.writer.write_eof()

        assert await client.ask(b"") == b""
        assert time.monotonic() - began >= 0.15


def test_every_toxic_is_known_by_toxiproxys_word_or_is_smtps_own() -> None:
    toxiproxys = {"latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer"}
    toxiproxys |= {"limit_data", "down"}

    assert set(CHANGES) == toxiproxys | {"hold_reply", "drop_before_dot", "answer", "break_tls"}
    assert Toxic("latency").way == DOWN


async def test_an_answer_to_the_envelope_leaves_the_reply_to_the_dot_alone() -> None:
    async with linked() as (_, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("answer", text="421 4.3.2 bye\r\n", at="envelope"))

        assert await client.ask(MAIL) == b"250 Ok\r\n"
        assert await client.ask(b"PING\r\n") == b"421 4.3.2 bye\r\n"
        assert proxy.unanswered == 0


async def test_a_reply_to_a_dot_that_is_cut_in_the_middle_counts_as_none() -> None:
    async with linked() as (_, proxy):
        client = await Client.to(proxy)
        proxy.add(Toxic("limit_data", bytes=2))

        assert await client.ask(MAIL) == b"25"
        await until(lambda: proxy.unanswered == 1, PATIENCE_S)
