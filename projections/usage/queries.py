"""What a tenant used of its plan, month by month."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from adapters.postgres import named_sql
from domain.usage import THRESHOLDS, period_of
from projections.fold import Connection
from projections.reads import Bound

SQL = named_sql(Path(__file__).parent / "queries.sql")
MONTHS_SHOWN = 12
Row = dict[str, Any]


async def usage(bound: Bound, today: date) -> Row:
    """The running period against the plan's limit, and the periods before it, newest first.

    A send is used once: in the month (UTC) in which its first attempt started.
    """
    period = period_of(today)
    since = date(period.year - 1, period.month, 1)
    periods, plan, crossings = await bound.several(
        (SQL["periods"], {"since": since}),
        (SQL["plan"], {}),
        (SQL["crossings"], {"period": period}),
    )
    limit = plan[0]["sends_per_month"] if plan else None
    used = next((row["used"] for row in periods if row["period"] == period), 0)
    return {
        "period": period,
        "used": used,
        "limit": limit,
        "left": None if limit is None else max(0, limit - used),
        "share": round(used / limit, 6) if limit else None,
        "crossings": crossings,
        "periods": [row for row in periods if row["period"] != period][:MONTHS_SHOWN],
    }


async def uncrossed(conn: Connection, today: date) -> list[tuple[str, date, int, int]]:
    """(tenant, period, used, limit) where a threshold is reached and was not told of.

    For this month and the one before, whose last sends may be read late. Role pm_projector.
    """
    period = period_of(today)
    before = date(period.year - (period.month == 1), (period.month - 2) % 12 + 1, 1)
    values = {"since": before, "thresholds": list(THRESHOLDS)}
    rows = await conn.execute(SQL["uncrossed"], values)
    return [(row[0], row[1], row[2], row[3]) for row in await rows.fetchall()]
