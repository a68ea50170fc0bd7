"""Connections that outlive those who used them: a world's first statements find warm plans."""

from __future__ import annotations

import asyncio
import select
from typing import Any, ClassVar

import psycopg
from psycopg import AsyncConnection
from psycopg.waiting import Ready, Wait

from adapters import postgres

_EVENTS = {
    Wait.R: select.POLLIN,
    Wait.W: select.POLLOUT,
    Wait.RW: select.POLLIN | select.POLLOUT,
}
_idle: dict[tuple[str, str], list[Kept]] = {}
_owners: dict[str, psycopg.Connection[Any]] = {}


class Kept(AsyncConnection[Any]):
    """A connection whose user may close it: then another gets it, without locks or tenant.

    A statement stops this whole process until it is answered: asking the kernel for readiness, by
    way of an event loop, costs more than Postgres needs. What else its user has to do goes on
    after each statement.
    """

    place: tuple[str, str] = ("", "")
    _poll: select.poll | None = None
    everybody: ClassVar[list[Kept]] = []

    async def wait(self, gen: Any, *_: Any, **__: Any) -> Any:
        waited = False
        try:
            wanted = next(gen)
            while True:
                waited = True
                wanted = gen.send(self._ready(wanted))
        except StopIteration as done:
            return done.value
        finally:
            if waited:
                await asyncio.sleep(0)

    def _ready(self, wanted: Wait) -> int:
        """Stop until the server takes or gives something; what of both it is."""
        if self._poll is None:
            self._poll = select.poll()
        self._poll.register(self.pgconn.socket, _EVENTS[wanted])
        found = self._poll.poll()[0][1]
        written = Ready.W if found & select.POLLOUT else 0
        return written | (Ready.R if found & ~select.POLLOUT else 0)

    async def close(self) -> None:
        await self.rollback()
        await self.execute("SELECT pg_advisory_unlock_all()")
        self.leave()

    def leave(self) -> None:
        """Its user is gone, without a word and in between transactions."""
        if self.closed:
            return
        _idle.setdefault(self.place, []).append(self)


async def connect(dsn: str, role: str) -> Kept:
    """As `adapters.postgres.connect`."""
    idle = _idle.get((dsn, role))
    if idle:
        return idle.pop()
    options = postgres.role_options(role)
    made = await Kept.connect(
        dsn, options=options, autocommit=True, application_name=role, prepare_threshold=0
    )
    made.prepared_max = None
    made.place = (dsn, role)
    Kept.everybody.append(made)
    return made


def owner(dsn: str) -> psycopg.Connection[Any]:
    """The world's own connection, under no role."""
    if dsn not in _owners:
        _owners[dsn] = psycopg.connect(dsn, autocommit=True, prepare_threshold=0)
    return _owners[dsn]


def close_all() -> None:
    """Let go of all of them."""
    for conn in (*Kept.everybody, *_owners.values()):
        conn.pgconn.finish()
    Kept.everybody.clear()
    _owners.clear()
    _idle.clear()
