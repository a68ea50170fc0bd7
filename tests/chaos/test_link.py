"""Links of roles to their servers: ill while a fault says so, and well again after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ops.chaos import link
from ops.chaos.plan import Act, Fault
from ops.stack import links
from ops.stack.links import Link
from ops.stack.processes import HOST, choose_ports

DOWN = Fault("link", target=("kafka-1",), toxic="down")
OVER = 30.0  # seconds; the test ends the fault itself


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """Where a link to a server that repeats what it is told listens."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):
            while line := await reader.readline():
                writer.write(line)

    (listen,) = choose_ports(1)
    server = await asyncio.start_server(echo, HOST, 0)
    links.write(tmp_path, {"kafka-1": Link(listen, server.sockets[0].getsockname()[1])})
    carrying = asyncio.create_task(link.carry(tmp_path))
    yield listen
    carrying.cancel()
    with suppress(asyncio.CancelledError):
        await carrying
    server.close()


async def passes(port: int) -> bool:
    """Whether a line comes back through a new connection."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
        with closing(writer):
            writer.write(b"well?\n")
            told = await reader.readline()
    except OSError:
        return False
    return told == b"well?\n"


async def until_passes(port: int, *, wanted: bool) -> None:
    async with asyncio.timeout(20):
        while await passes(port) != wanted:
            continue  # asking takes its time


async def test_a_link_is_ill_as_long_as_its_fault_lasts(tmp_path: Path, port: int) -> None:
    await until_passes(port, wanted=True)

    fault = asyncio.create_task(link.ail(tmp_path, Act(0, DOWN, "kafka-1", OVER)))
    await until_passes(port, wanted=False)
    fault.cancel()
    await until_passes(port, wanted=True)


async def test_a_stack_without_such_a_link_says_so(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="directly"):
        await link.ail(tmp_path, Act(0, DOWN, "kafka-1", OVER))
