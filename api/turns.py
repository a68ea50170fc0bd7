"""Callers take turns: however much one asks at once, a few of its requests are worked on.

So a tenant at full load makes nobody else wait for more than those few. Questions give way further:
while others ask too, a caller's second question waits for its first; and of all callers together a
few are answered at once, in the order in which they came, because more of them would only share the
processor and all be late. Both are courtesies, not limits: who waited for a moment goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.limits import OVERLOADED_WAIT_S, streams
from api.problems import Problem, answer
from projections.reads import WAITED

AT_ONCE = 2  # requests of one caller that are worked on; the next ones wait
WAITING_MAX = 32  # of one caller: half of what is taken in at all
QUESTIONS = 4  # of all callers, answered at once
COURTESY_S = 0.1  # a question gives way for no longer: what it waits for may be slow
OTHERS_S = 1.0  # others are about who asked within this time
#: In an outage each request before may take 2 s: a caller is told of it within these, all in all.
WAIT_MAX_S = 1.5


@dataclass
class Turn:
    """A caller's requests that are there: at work, or waiting."""

    slots: asyncio.Semaphore
    question: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, 1))
    there: int = 0


@dataclass
class About:
    """Who asked lately: the last caller, and when the last other one did."""

    clock: Callable[[], float] = monotonic
    caller: bytes = b""
    at: float = -OTHERS_S
    other_at: float = -OTHERS_S

    def others(self, caller: bytes) -> bool:
        """Note that it asks; whether others are about."""
        if caller != self.caller:
            self.caller, self.other_at = caller, self.at
        self.at = self.clock()
        return self.at - self.other_at < OTHERS_S


class Turns:
    """Middleware. A caller is who shows the same credentials, or comes from the same address."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        at_once: int = AT_ONCE,
        most: int = WAITING_MAX,
        wait_max_s: float = WAIT_MAX_S,
        courtesy_s: float = COURTESY_S,
    ) -> None:
        self._app = app
        self._at_once = at_once
        self._most = most
        self._wait_max_s = wait_max_s
        self._courtesy_s = courtesy_s
        self._turns: dict[bytes, Turn] = {}
        self._questions = asyncio.Semaphore(QUESTIONS)
        self._about = About()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or streams(scope):
            await self._app(scope, receive, send)
            return
        caller = _caller(scope)
        others = self._about.others(caller)
        if caller in self._turns and self._turns[caller].there >= self._most:
            await _refuse("you ask too much at once", scope, receive, send)
            return
        async with self._turn(caller) as has_it:
            if has_it and _is_question(scope):
                own = [self._turns[caller].question] if others else []
                await self._answered([*own, self._questions], scope, receive, send)
            elif has_it:
                await self._app(scope, receive, send)
            else:
                await _refuse("what you asked before is not answered yet", scope, receive, send)

    async def _answered(
        self, lines: Sequence[asyncio.Semaphore], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer a question once it stood in these lines.

        It leaves them when its answer begins: how slowly that is read is nobody else's matter.
        """
        held: list[asyncio.Semaphore] = []

        def leave() -> None:
            while held:
                held.pop().release()

        async def told(message: Message) -> None:
            leave()
            await send(message)

        try:
            for line in lines:
                if await _came(line, self._courtesy_s):
                    held.append(line)  # noqa: PERF401 - left, should the next wait be cancelled
            await self._app(scope, receive, told)
        finally:
            leave()

    @asynccontextmanager
    async def _turn(self, caller: bytes) -> AsyncIterator[bool]:
        """Whether the turn came in time."""
        turn = self._turns.setdefault(caller, Turn(asyncio.Semaphore(self._at_once)))
        turn.there += 1
        began = monotonic()
        try:
            if not await _came(turn.slots, self._wait_max_s):
                yield False
                return
            WAITED.set(monotonic() - began)
            try:
                yield True
            finally:
                turn.slots.release()
        finally:
            turn.there -= 1
            if not turn.there:
                del self._turns[caller]


async def _came(line: asyncio.Semaphore, wait_max_s: float) -> bool:
    """Whether the turn in this line came in time."""
    if not line.locked():
        return await line.acquire()
    try:
        async with asyncio.timeout(wait_max_s):
            return await line.acquire()
    except TimeoutError:
        return False


def _is_question(scope: Scope) -> bool:
    """Whether it is to be answered at once: not where it waits for what is not read yet."""
    if scope["method"] != "GET" or b"min_position" in scope.get("query_string", b""):
        return False
    return all(name != b"pm-min-position" for name, _ in scope["headers"])


async def _refuse(detail: str, scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem("overloaded", detail, wait_s=OVERLOADED_WAIT_S)
    await answer(scope, problem)(scope, receive, send)


def _caller(scope: Scope) -> bytes:
    shown = [value for name, value in scope["headers"] if name in {b"authorization", b"cookie"}]
    client = scope.get("client") or ("",)
    return blake2b(b"\0".join(shown) or str(client[0]).encode(), digest_size=16).digest()
