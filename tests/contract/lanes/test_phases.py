"""Each way to fail is told by its phase (reference/reliability.md §3.4, F16-F19)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.outcomes import judge
from domain.ports import Phase
from domain.sending import Outcome
from tests.lanes_contract import Client, hop
from tests.smtp_server import DROP, HANG, Answer, scripted

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
