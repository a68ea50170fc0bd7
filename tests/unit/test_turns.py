"""Callers take turns: a loud one has two requests worked on, and delays nobody else."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx2
import pytest
from psycopg_pool import PoolTimeout
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api.turns import AT_ONCE, QUESTIONS, WAITING_MAX, Turns
from projections.reads import ANSWER_LEAST_S, WAITED, Away, Reads


class Work:
    """An application whose requests end when they are let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.begun: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.append(dict(scope["headers"]).get(b"authorization", b"").decode())
        await self.let_go.wait()
        await PlainTextResponse("done")(scope, receive, send)


def client(app: Turns) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api")


async def settled(work: Work, count: int) -> None:
    """Let everybody go on until so many have begun, and whoever else can."""
    for _ in range(200):
        await asyncio.sleep(0)
    assert len(work.begun) == count


async def test_a_loud_caller_has_a_few_at_work_and_a_quiet_one_goes_at_once() -> None:
    work = Work()
    async with client(Turns(work)) as asking:
        loud = [
            asyncio.create_task(asking.get("/", headers={"authorization": "loud"}))
            for _ in range(10)
        ]
        await settled(work, AT_ONCE)
        quiet = asyncio.create_task(asking.get("/", headers={"authorization": "quiet"}))
        await settled(work, AT_ONCE + 1)
        begun = list(work.begun)
        work.let_go.set()
        answers = await asyncio.gather(quiet, *loud)

    assert begun == ["loud"] * AT_ONCE + ["quiet"]
    assert [answer.status_code for answer in answers] == [200] * 11


async def test_who_asks_far_too_much_at_once_is_told_so() -> None:
    work = Work()
    async with client(Turns(work, most=3)) as asking:
        waiting = [asyncio.create_task(asking.get("/")) for _ in range(3)]
        await settled(work, AT_ONCE)
        refused = await asking.get("/")
        work.let_go.set()
        await asyncio.gather(*waiting)
        after = await asking.get("/")

    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert after.status_code == 200
    assert WAITING_MAX > AT_ONCE


async def test_who_waits_for_a_turn_in_vain_is_told_so_in_time() -> None:
    work = Work()
    async with client(Turns(work, wait_max_s=0.05)) as asking:
        at_work = [asyncio.create_task(asking.get("/")) for _ in range(AT_ONCE)]
        await settled(work, AT_ONCE)
        told = await asking.get("/")
        work.let_go.set()
        answers = await asyncio.gather(*at_work)
        again = await asking.get("/")

    assert told.status_code == 503
    assert told.headers["retry-after"]
    assert [answer.status_code for answer in (*answers, again)] == [200] * (AT_ONCE + 1)


async def test_the_wait_for_a_turn_is_told_to_what_asks_for_the_answer() -> None:
    """It counts as time for the answer: in an outage 503 comes within 2 s all in all."""
    waited: list[float] = []

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        waited.append(WAITED.get())
        await asyncio.sleep(0.02 if len(waited) == 1 else 0)
        await PlainTextResponse("done")(scope, receive, send)

    async with client(Turns(work, at_once=1)) as asking:
        await asyncio.gather(asking.get("/"), asking.get("/"))

    assert waited[0] < waited[1]
    assert waited[1] >= 0.01


class NoConnection:
    """A pool that has none; it notes how long each asked for one."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def connection(self, timeout: float) -> AbstractAsyncContextManager[Any]:
        self.waits.append(timeout)
        raise PoolTimeout


async def test_who_waited_for_a_turn_waits_so_much_less_for_postgres() -> None:
    pool: Any = NoConnection()
    for waited in (0.0, 1.2, 9.0):
        WAITED.set(waited)
        with pytest.raises(Away):
            async with Reads(pool, answer_max_s=2.0).of("ten_a"):
                pass

    assert pool.waits == [2.0, pytest.approx(0.8), ANSWER_LEAST_S]


FOR_EVER = 60.0  # longer than the test may take: who goes on was let on


async def begun(work: Work, *callers: str) -> None:
    """Wait until these have begun, and nobody else, however often others get a chance."""
    async with asyncio.timeout(10):
        while len(work.begun) < len(callers):  # noqa: ASYNC110 - what is waited for is under test
            await asyncio.sleep(0.001)
    await settled(work, len(callers))
    assert work.begun == list(callers)


def asks(asking: httpx2.AsyncClient, caller: str, path: str = "/") -> asyncio.Task[httpx2.Response]:
    return asyncio.create_task(asking.get(path, headers={"authorization": caller}))


async def test_while_others_ask_a_callers_second_question_waits_for_its_first() -> None:
    work = Work()
    async with client(Turns(work, courtesy_s=FOR_EVER)) as asking:
        all_ = [asks(asking, "quiet")]
        await begun(work, "quiet")
        all_ += [asks(asking, "loud"), asks(asking, "loud")]
        await begun(work, "quiet", "loud")
        work.let_go.set()
        answers = await asyncio.gather(*all_)

    assert work.begun == ["quiet", "loud", "loud"]
    assert [answer.status_code for answer in answers] == [200] * 3


async def test_a_question_does_not_wait_long_for_a_slow_one() -> None:
    work = Work()
    async with client(Turns(work, courtesy_s=0.01)) as asking:
        all_ = [asks(asking, "quiet")]
        await begun(work, "quiet")
        all_ += [asks(asking, "loud"), asks(asking, "loud")]
        await begun(work, "quiet", "loud", "loud")  # nobody was let go
        work.let_go.set()
        await asyncio.gather(*all_)


async def test_a_command_does_not_wait_for_a_question() -> None:
    work = Work()
    async with client(Turns(work, courtesy_s=FOR_EVER)) as asking:
        all_ = [asks(asking, "quiet")]
        await begun(work, "quiet")
        all_ += [asks(asking, "loud")]
        await begun(work, "quiet", "loud")
        all_ += [asyncio.create_task(asking.post("/", headers={"authorization": "loud"}))]
        await begun(work, "quiet", "loud", "loud")
        work.let_go.set()
        await asyncio.gather(*all_)


async def test_of_all_callers_a_few_questions_are_answered_at_once_in_their_order() -> None:
    work, callers = Work(), [f"caller {number}" for number in range(QUESTIONS + 2)]
    async with client(Turns(work, courtesy_s=FOR_EVER)) as asking:
        all_ = []
        for place, caller in enumerate(callers):
            all_.append(asks(asking, caller))
            await begun(work, *callers[: min(place + 1, QUESTIONS)])
        work.let_go.set()
        await asyncio.gather(*all_)

    assert work.begun == callers


@pytest.mark.parametrize(("path", "header"), [("/?min_position=9", ""), ("/", "9")])
async def test_who_waits_for_a_position_keeps_nobody_from_being_answered(
    path: str, header: str
) -> None:
    work, callers = Work(), [f"waiting {number}" for number in range(QUESTIONS)]
    async with client(Turns(work, courtesy_s=FOR_EVER)) as asking:
        all_ = []
        for place, caller in enumerate(callers):
            shown = {"authorization": caller} | ({"PM-Min-Position": header} if header else {})
            all_.append(asyncio.create_task(asking.get(path, headers=shown)))
            await begun(work, *callers[: place + 1])
        all_.append(asks(asking, "quick"))
        await begun(work, *callers, "quick")
        work.let_go.set()
        await asyncio.gather(*all_)


class Downloads:
    """An application whose answers begin, and end when they are let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.begun = 0

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        self.begun += 1
        await self.let_go.wait()
        await send({"type": "http.response.body", "body": b"done"})


async def test_a_slow_download_keeps_nobody_from_being_answered() -> None:
    work = Downloads()
    async with client(Turns(work, courtesy_s=FOR_EVER)) as asking:
        all_ = [asks(asking, f"caller {number}") for number in range(QUESTIONS + 1)]
        async with asyncio.timeout(10):
            while work.begun < len(all_):  # noqa: ASYNC110 - what is waited for is under test
                await asyncio.sleep(0.001)
        work.let_go.set()
        await asyncio.gather(*all_)
