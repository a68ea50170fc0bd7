"""Sessions in Postgres: opaque tokens, kept hashed, that end by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from adapters.identity import tokens
from adapters.identity.rows import SQL, Rows
from domain.ids import new_id

IDLE_S, ABSOLUTE_S = 30 * 60.0, 12 * 3600.0
#: So long after the password was given, what is dangerous asks for it once more (ASVS 7.5.3).
FRESH_S = 10 * 60.0
AGENT_MAX, IP_MAX = 200, 45  # characters


@dataclass(frozen=True)
class Opened:
    """A fresh session; its token is shown once."""

    session_id: str
    token: str


@dataclass(frozen=True)
class Living:
    """A session whose token was shown."""

    session_id: str
    user_id: str
    verified: bool  # the person's address
    proved_at: datetime  # when the person last gave their password


def open_session(rows: Rows, user_id: str, *, ip: str, agent: str, now: datetime) -> Opened | None:
    """A new session; None when the account was disabled meanwhile."""
    opened = Opened(new_id("ses"), tokens.new_token(tokens.SESSION))
    made = rows.found(
        "open_session",
        hash=tokens.digest(opened.token),
        session_id=opened.session_id,
        user_id=user_id,
        ip=ip[:IP_MAX],
        agent=_printable(agent),
        now=now,
        absolute_s=ABSOLUTE_S,
    )
    return opened if made else None


def _printable(agent: str) -> str:
    return "".join(char for char in agent if char.isprintable())[:AGENT_MAX]


async def living(conn: AsyncConnection[Any], token: str, now: datetime) -> Living | None:
    """The session of a token that is alive now; None for every other token, alike."""
    asked = {"hash": tokens.digest(token), "now": now, "idle_s": IDLE_S, "absolute_s": ABSOLUTE_S}
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(SQL["session_of"], asked)
        row = await cursor.fetchone()
    if row is None:
        return None
    return Living(
        row["session_id"], row["user_id"], row["verified_at"] is not None, row["proved_at"]
    )


async def memberships(conn: AsyncConnection[Any], user_id: str) -> list[dict[str, Any]]:
    """Where the person may act: tenant_id, role, workspace_ids, since."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(SQL["memberships_of"], {"user_id": user_id})
        return await cursor.fetchall()


def listed(rows: Rows, user_id: str, now: datetime) -> list[dict[str, Any]]:
    """The person's living sessions, newest first."""
    return rows.all("sessions_of", user_id=user_id, now=now, idle_s=IDLE_S, absolute_s=ABSOLUTE_S)


def prove(rows: Rows, user_id: str, session_id: str, now: datetime) -> bool:
    """Its person gave their password now; False when the session ended meanwhile."""
    asked = {"user_id": user_id, "session_id": session_id, "now": now}
    return bool(rows.found("prove_session", **asked))


def end(rows: Rows, user_id: str, session_id: str) -> bool:
    """End one of the person's sessions; False when there is none of this id."""
    return bool(rows.found("end_session", user_id=user_id, session_id=session_id))
