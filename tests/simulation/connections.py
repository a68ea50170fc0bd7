"""Connections that outlive those who used them: a world's first statements find warm plans."""

from __future__ import annotations

from typing import Any, ClassVar

from psycopg import AsyncConnection

from adapters import postgres

_idle: dict[tuple[str, str], list[Kept]] = {}


class Kept(AsyncConnection[Any]):
    """A connection whose user may close it: then another gets it, without locks or tenant."""

    place: tuple[str, str] = ("", "")
    everybody: ClassVar[list[Kept]] = []

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
    made = await Kept.connect(
        dsn, options=postgres.role_options(role), autocommit=True, application_name=role
    )
    made.place = (dsn, role)
    Kept.everybody.append(made)
    return made


def close_all() -> None:
    """Let go of all of them."""
    for conn in Kept.everybody:
        conn.pgconn.finish()
    Kept.everybody.clear()
    _idle.clear()
