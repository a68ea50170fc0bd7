"""Callers take turns: a loud one has two requests worked on, and delays nobody else."""

from __future__ import annotations

import asyncio

import httpx2
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api.turns import AT_ONCE, WAITING_MAX, Turns


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
