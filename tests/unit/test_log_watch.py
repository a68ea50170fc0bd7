"""Whether the log takes decisions: brokers on real sockets, and an append that waits."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from adapters import log_watch
from adapters.log_watch import Pending, objection


@pytest.fixture
def listening() -> Iterator[list[socket.socket]]:
    found = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    yield found
    for one in found:
        one.close()


async def objection_with(listening: list[socket.socket], dead: int, needed: int) -> str:
    brokers = [one.getsockname() for one in listening]
    for one in listening[:dead]:
        one.close()
    return await objection(brokers, needed, Pending())


@pytest.mark.parametrize(("dead", "needed"), [(0, 2), (1, 2), (2, 1), (0, 5)])
async def test_enough_brokers_answer(
    listening: list[socket.socket], dead: int, needed: int
) -> None:
    assert await objection_with(listening, dead, needed) == ""


@pytest.mark.parametrize(("dead", "needed", "answer"), [(2, 2, 1), (3, 1, 0), (1, 3, 2)])
async def test_too_few_brokers_answer(
    listening: list[socket.socket], dead: int, needed: int, answer: int
) -> None:
    told = await objection_with(listening, dead, needed)

    assert told == f"{answer} of 3 brokers answer, and {needed} copies are wanted"


async def test_an_append_that_waits_is_an_objection_until_it_ends(
    listening: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_watch, "WAITS_MAX_S", 0.0)
    brokers, pending = [one.getsockname() for one in listening], Pending()

    with pending:
        during = await objection(brokers, 2, pending)

    assert "waits" in during
    assert await objection(brokers, 2, pending) == ""
