"""Whether the log takes decisions: brokers on real sockets, and an append that waits."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

import pytest

from adapters import log_watch
from adapters.log_watch import API_VERSIONS, Broker, Pending, objection

Open = list[tuple[Broker, asyncio.Server]]


async def answer(reader: StreamReader, writer: StreamWriter) -> None:
    """As a broker does: whoever asks in its protocol is answered."""
    if await reader.readexactly(len(API_VERSIONS)) == API_VERSIONS:
        writer.write(b"\0\0\0\x0a")
    writer.close()


async def hang(reader: StreamReader, writer: StreamWriter) -> None:
    """As a frozen broker does."""
    await reader.read()
    writer.close()


@pytest.fixture
async def brokers() -> AsyncIterator[Open]:
    servers = [await asyncio.start_server(answer, "127.0.0.1", 0) for _ in range(3)]
    yield [(server.sockets[0].getsockname(), server) for server in servers]
    for server in servers:
        server.close()


async def objection_with(brokers: Open, dead: int, needed: int) -> str:
    for _, server in brokers[:dead]:
        server.close()
    return await objection([place for place, _ in brokers], needed, Pending())


@pytest.mark.parametrize(("dead", "needed"), [(0, 2), (1, 2), (2, 1), (0, 5)])
async def test_enough_brokers_answer(brokers: Open, dead: int, needed: int) -> None:
    assert await objection_with(brokers, dead, needed) == ""


@pytest.mark.parametrize(("dead", "needed", "answer"), [(2, 2, 1), (3, 1, 0), (1, 3, 2)])
async def test_too_few_brokers_answer(brokers: Open, dead: int, needed: int, answer: int) -> None:
    told = await objection_with(brokers, dead, needed)

    assert told == f"{answer} of 3 brokers answer, and {needed} copies are wanted"


async def test_a_frozen_broker_takes_connections_and_answers_nothing(brokers: Open) -> None:
    async with await asyncio.start_server(hang, "127.0.0.1", 0) as frozen:
        places = [brokers[0][0], frozen.sockets[0].getsockname()]

        assert (await objection(places, 2, Pending())).startswith("1 of 2")


async def test_an_append_that_waits_is_an_objection_until_it_ends(
    brokers: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_watch, "WAITS_MAX_S", 0.0)
    places, pending = [place for place, _ in brokers], Pending()

    with pending:
        during = await objection(places, 2, pending)

    assert "waits" in during
    assert await objection(places, 2, pending) == ""
