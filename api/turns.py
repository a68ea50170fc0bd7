"""Callers take turns: however much one asks at once, a few of its requests are worked on.

So a tenant at full load makes nobody else wait for more than those few.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b

from starlette.types import ASGIApp, Receive, Scope, Send

from api.limits import OVERLOADED_WAIT_S, streams
from api.problems import Problem, answer

AT_ONCE = 2  # requests of one caller that are worked on; the next ones wait
WAITING_MAX = 32  # of one caller: half of what is taken in at all
WAIT_MAX_S = 2.0  # in an outage each request before may take as long: a caller is told so in time


@dataclass
class Turn:
    """A caller's requests that are there: at work, or waiting."""

    slots: asyncio.Semaphore
    there: int = 0


class Turns:
    """Middleware. A caller is who shows the same credentials, or comes from the same address."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        at_once: int = AT_ONCE,
        most: int = WAITING_MAX,
        wait_max_s: float = WAIT_MAX_S,
    ) -> None:
        self._app = app
        self._at_once = at_once
        self._most = most
        self._wait_max_s = wait_max_s
        self._turns: dict[bytes, Turn] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or streams(scope):
            await self._app(scope, receive, send)
            return
        caller = _caller(scope)
        if caller in self._turns and self._turns[caller].there >= self._most:
            await _refuse("you ask too much at once", scope, receive, send)
            return
        async with self._turn(caller) as has_it:
            if has_it:
                await self._app(scope, receive, send)
            else:
                await _refuse("what you asked before is not answered yet", scope, receive, send)

    @asynccontextmanager
    async def _turn(self, caller: bytes) -> AsyncIterator[bool]:
        """Whether the turn came in time."""
        turn = self._turns.setdefault(caller, Turn(asyncio.Semaphore(self._at_once)))
        turn.there += 1
        try:
            if not await self._came(turn.slots):
                yield False
                return
            try:
                yield True
            finally:
                turn.slots.release()
        finally:
            turn.there -= 1
            if not turn.there:
                del self._turns[caller]

    async def _came(self, slots: asyncio.Semaphore) -> bool:
        try:
            async with asyncio.timeout(self._wait_max_s):
                return await slots.acquire()
        except TimeoutError:
            return False


async def _refuse(detail: str, scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem("overloaded", detail, wait_s=OVERLOADED_WAIT_S)
    await answer(scope, problem)(scope, receive, send)


def _caller(scope: Scope) -> bytes:
    shown = [value for name, value in scope["headers"] if name in {b"authorization", b"cookie"}]
    client = scope.get("client") or ("",)
    return blake2b(b"\0".join(shown) or str(client[0]).encode(), digest_size=16).digest()
