"""The governor's bounds on connections, per cell, hold beside those of the lanes themselves."""

from __future__ import annotations

import asyncio
import time

from adapters.dot_journal import DotJournal
from domain.courtesy import Courtesy
from domain.ports import Consignment, NextHop
from tests.lane_kit import Sender, hop, mail, sender, until
from tests.smtp_server import Script, scripted


def consignment(to: NextHop, indexes: range, courtesy: Courtesy | None) -> Consignment:
    return Consignment("rel_x", "", (to,), indexes, mail, time.monotonic() + 8, courtesy)


def deliver(
    client: Sender, to: NextHop, indexes: range, courtesy: Courtesy | None
) -> asyncio.Task[None]:
    made = consignment(to, indexes, courtesy)
    return asyncio.create_task(client.lanes.deliver(made, client.report))


async def test_each_cell_keeps_to_the_connections_that_the_governor_lets_it(
    journal: DotJournal,
) -> None:
    client = sender(journal, connections=8)
    gate = asyncio.Event()
    async with scripted(Script(gates={"DOT": gate})) as server:
        narrow, wide = Courtesy("ip_a/gmail", 1, 100), Courtesy("ip_b/gmail", 3, 100)
        tasks = [
            deliver(client, hop(server), range(40), narrow),
            deliver(client, hop(server), range(40, 80), narrow),
            deliver(client, hop(server), range(80, 160), wide),
        ]
        await until(lambda: server.standing == 4)
        gate.set()
        await asyncio.gather(*tasks)
        await client.lanes.close()

    assert client.codes() == [250] * 160
    assert server.standing_max == 4


async def test_a_connection_takes_no_more_messages_than_the_governor_lets_it(
    journal: DotJournal,
) -> None:
    client = sender(journal, connections=1, messages_max=1000)
    async with scripted(Script()) as server:
        await deliver(client, hop(server), range(20), Courtesy("ip_a/gmail", 5, 4))
        await client.lanes.close()

    assert client.codes() == [250] * 20
    assert server.connections == 5
    assert server.standing_max == 1


async def test_a_later_decision_binds_the_lane_that_stands(journal: DotJournal) -> None:
    client = sender(journal, connections=1, messages_max=1000)
    async with scripted(Script()) as server:
        await deliver(client, hop(server), range(10), Courtesy("ip_a/gmail", 1, 100))
        await deliver(client, hop(server), range(10, 22), Courtesy("ip_a/gmail", 1, 3))
        await client.lanes.close()

    assert client.codes() == [250] * 22
    assert server.connections == 5
