"""Next hops that fail, and servers that do anything at any step."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from adapters.dot_journal import DotJournal, inspect
from domain.outcomes import judge
from domain.ports import NextHop, Phase
from domain.sending import Outcome
from tests.lane_kit import PIPELINING, RELEASE, hop, sender
from tests.smtp_server import DROP, HANG, Script, scripted

# ---- hops that fail


async def test_a_hop_that_failed_is_left_alone_for_a_while(journal: DotJournal) -> None:
    client = sender(journal, down_s=30)
    async with scripted(Script({"BANNER": b"554 no"})) as bad, scripted() as good:
        for index in range(5):
            await client.deliver([hop(bad), hop(good)], [index])
        await client.lanes.close()

    assert client.codes() == [250] * 5
    assert bad.connections == 1


async def test_a_server_that_only_breaks_sessions_is_given_up(journal: DotJournal) -> None:
    client = sender(journal)
    async with scripted(Script({"MAIL": DROP})) as server:
        await client.deliver([hop(server)], range(500))
        await client.lanes.close()

    assert len(client.reports) == 500
    assert {(r.phase, r.code) for r in client.reports.values()} == {(Phase.MAIL, 0)}
    assert server.connections <= 5


async def test_a_server_that_drops_every_dot_is_given_up_and_the_rest_is_not_ambiguous(
    journal: DotJournal,
) -> None:
    client = sender(journal)
    async with scripted(Script({"DOT": DROP})) as server:
        await client.deliver([hop(server)], range(50))
        await client.lanes.close()

    outcomes = [judge(reply).outcome for reply in client.reports.values()]
    assert len(server.mails) == outcomes.count(Outcome.AMBIGUOUS) == 3
    assert outcomes.count(Outcome.DEFERRED) == 47


async def test_a_name_that_does_not_resolve_is_no_connection(journal: DotJournal) -> None:
    client = sender(journal)
    await client.deliver([NextHop("a..b", 25), NextHop("x" * 70 + ".invalid", 25)])
    await client.lanes.close()

    assert (client.reports[0].phase, client.reports[0].code) == (Phase.CONNECT, 0)


# ---- everything at once

WAYS = [b"", b"", b"", b"", b"", b"451 4.3.0 later", b"554 5.7.1 no", b"421 4.3.2 bye", DROP, b"?"]


@pytest.mark.parametrize("seed", range(12))
async def test_i4_whatever_a_server_does_no_message_is_dotted_twice(
    journal: DotJournal, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)

    def ways(good: bytes, *more: bytes) -> object:
        return lambda _count, _line: chance.choice([*WAYS, *more]) or good

    answers = {"MAIL": ways(b"250 ok"), "RCPT": ways(b"250 ok"), "DOT": ways(b"250 ok", HANG)}
    answers["DATA"] = ways(b"354 go")
    script = Script(answers, PIPELINING if seed % 2 else ())  # type: ignore[arg-type]
    client = sender(journal, connections=3, timeout_s=0.2, dot_timeout_s=0.2)
    async with scripted(script) as server:
        await client.deliver([hop(server)], range(60), seconds=20)
        await client.lanes.close()

    journal.forget()
    noted = inspect(tmp_path, journal.name, RELEASE)
    came = [int(found.rcpts[0][2:].split("@")[0]) for found in server.mails if found.rcpts]
    by_dot = {index for index, reply in client.reports.items() if reply.phase is Phase.DOT}
    assert sorted(client.reports) == list(range(60))
    assert len(came) == len(set(came))
    assert set(came) == by_dot == noted.dotted
    assert noted.replied == {i: client.reports[i].code for i in by_dot if client.reports[i].code}
    assert server.early == 0
