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


@dataclass
class Turn:
    """A caller's requests that are there: at work, or waiting."""

    slots: asyncio.Semaphore
    there: int = 0


class Turns:
    """Middleware. A caller is who shows the same credentials, or comes from the same address."""

    def __init__(self, app: ASGIApp, *, at_once: int = AT_ONCE, most: int = WAITING_MAX) -> None:
        self._app = app
        self._at_once = at_once
        self._most = most
        self._turns: dict[bytes, Turn] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or streams(scope):
            await self._app(scope, receive, send)
            return
        caller = _caller(scope)
        if caller in self._turns and self._turns[caller].there >= self._most:
            problem = Problem("overloaded", "you ask too much at once", wait_s=OVERLOADED_WAIT_S)
            await answer(scope, problem)(scope, receive, send)
            return
        async with self._turn(caller):
            await self._app(scope, receive, send)

    @asynccontextmanager
    async def _turn(self, caller: bytes) -> AsyncIterator[None]:
        turn = self._turns.setdefault(caller, Turn(asyncio.Semaphore(self._at_once)))
        turn.there += 1
        try:
            async with turn.slots:
                yield
        finally:
            turn.there -= 1
            if not turn.there:
                del self._turns[caller]


def _caller(scope: Scope) -> bytes:
    shown = [value for name, value in scope["headers"] if name in {b"authorization", b"cookie"}]
    client = scope.get("client") or ("",)
    return blake2b(b"\0".join(shown) or str(client[0]).encode(), digest_size=16).digest()
