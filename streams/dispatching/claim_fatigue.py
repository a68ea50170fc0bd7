"""Charges a slice's contacts with a marketing mail each; who had enough is put off.

In the claim's transaction: a claim that is not won charges nobody, and what it charged lasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection

from adapters.postgres import named_sql
from domain import fatigue
from domain.fatigue import Fatigue

SQL = named_sql(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Attempt:
    """Which mail it is, and until when it may leave."""

    batch_id: str
    n: int
    until: datetime


@dataclass(frozen=True)
class Delay:
    """A contact may not be mailed now. `last`: it was put off often enough, and is given up."""

    wait_s: int
    last: bool


async def charge(
    conn: AsyncConnection[Any], limit: Fatigue, attempt: Attempt, contact_ids: Sequence[str]
) -> dict[str, Delay]:
    """Count the mail to each contact that may get it; the others, and how long they wait.

    Needs the tenant set. The same attempt again finds its own mail counted, and changes nothing.
    """
    if not contact_ids:
        return {}
    given = vars(limit) | vars(attempt) | {"contact_ids": list(contact_ids)}
    charged = {name for (name,) in await (await conn.execute(SQL["charge"], given)).fetchall()}
    others = [contact_id for contact_id in contact_ids if contact_id not in charged]
    if not others:
        return {}
    given |= {"contact_ids": others, "attempt": f"{attempt.batch_id}/{attempt.n}"}
    rows = await (await conn.execute(SQL["put_off"], given)).fetchall()
    return {
        contact_id: Delay(fatigue.wait_s(left_s), delays > fatigue.DELAYS_MAX)
        for contact_id, left_s, delays in rows
    }
